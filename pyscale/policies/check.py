"""Hold a decision against its view, and a policy against the rules of the house."""

from __future__ import annotations

import pickle
from collections.abc import Sequence

from pyscale.model.catalog import Catalog, nearest
from pyscale.model.content import content_key
from pyscale.model.nodes import Node
from pyscale.model.pods import Container, Pod, PodSpec, PodTemplate
from pyscale.model.resources import CPU, MEMORY, NANO

from .base import ClusterView, Policy
from .decision import (
    Action,
    AddNodes,
    Bind,
    Decision,
    Keep,
    RemoveNodes,
    ReplaceNodes,
    Scale,
    WakeOn,
)

_ACTIONS = (Bind, AddNodes, RemoveNodes, ReplaceNodes, Scale, Keep)


def check_decision(decision: object, view: ClusterView, policy: str = "policy") -> Decision:
    """Return the decision if it makes sense for the view.

    Raises
    ------
    TypeError
        If it is no Decision or holds something that is no action.
    ValueError
        If an action names an unknown pod, node, group, pool, type, zone or capacity type, has no
        reason or a count below 1, or ``wake_ns`` is not in the future.  The message starts with
        the policy's name and the place, ``karpenter: actions[0].nodes[2]: ...``.
    """
    if not isinstance(decision, Decision):
        raise TypeError(f"{policy}: decide must return a Decision, found {decision!r:.80}")
    if decision.wake_ns is not None and decision.wake_ns <= view.now_ns:
        raise ValueError(
            f"{policy}: wake_ns must be later than {view.now_ns}, found {decision.wake_ns}"
        )
    if not isinstance(decision.wake_on, WakeOn):
        raise TypeError(f"{policy}: wake_on must be a WakeOn, found {decision.wake_on!r:.80}")
    for index, action in enumerate(decision.actions):
        _check_action(action, view, f"{policy}: actions[{index}]")
    return decision


def _check_action(action: Action, view: ClusterView, where: str) -> None:
    if not isinstance(action, _ACTIONS):
        raise TypeError(f"{where}: expected an action, found {action!r:.80}")
    if not action.reason:
        raise ValueError(f"{where}.reason must not be empty")
    if isinstance(action, Bind):
        if len(action.pods) != len(action.nodes):
            raise ValueError(
                f"{where}: expected as many nodes as pods, found {len(action.nodes)} "
                f"and {len(action.pods)}"
            )
        _check_nodes(action.nodes, view, f"{where}.nodes")
    elif isinstance(action, AddNodes):
        _check_add(action, view, where)
    elif isinstance(action, (RemoveNodes, Keep)):
        _check_nodes(action.nodes, view, f"{where}.nodes")
    elif isinstance(action, ReplaceNodes):
        _check_nodes(action.remove, view, f"{where}.remove")
        for index, add in enumerate(action.add):
            if add.group:
                raise ValueError(f"{where}.add[{index}].group must be empty, found {add.group!r}")
            _check_add(add, view, f"{where}.add[{index}]")
        if action.timeout_ns <= 0:
            raise ValueError(f"{where}.timeout_ns must be > 0, found {action.timeout_ns}")
    else:
        _check_name(action.group, [group.name for group in view.groups], f"{where}.group")
        if action.size < 0:
            raise ValueError(f"{where}.size must be >= 0, found {action.size}")


def _check_add(action: AddNodes, view: ClusterView, where: str) -> None:
    if action.count < 1:
        raise ValueError(f"{where}.count must be >= 1, found {action.count}")
    if action.group:
        _check_name(action.group, [group.name for group in view.groups], f"{where}.group")
        return
    if not action.instance_types:
        raise ValueError(f"{where}: expected a group or instance_types, found neither")
    catalog = view.setting.catalog
    if not catalog.names.issuperset(action.instance_types):
        for name in action.instance_types:
            _check_name(name, list(catalog.by_name), f"{where}.instance_types")
    for zone in action.zones:
        _check_name(zone, catalog.zones, f"{where}.zones")
    if action.pool:
        _check_name(action.pool, [pool.name for pool in view.pools], f"{where}.pool")


def _check_name(name: str, known: Sequence[str], where: str) -> None:
    if name not in known:
        raise ValueError(f"{where}: unknown name {name!r}{nearest(name, known)}")


def _check_nodes(nodes: Sequence[int], view: ClusterView, where: str) -> None:
    for index, node in enumerate(nodes):
        if view.row_of(node) < 0:
            raise ValueError(f"{where}[{index}]: no node has the id {node}")


def check_policy(policy: Policy, catalog: Catalog, views: Sequence[ClusterView] = ()) -> None:
    """Prove that a policy keeps to the protocol on small clusters.

    It is asked about an empty cluster, pending pods, a half-empty cluster and ``views``, twice
    from a fresh start.

    Parameters
    ----------
    policy : Policy
    catalog : Catalog
        With at least one type that has an available offering.
    views : sequence of ClusterView
        More situations, for example from :func:`pyscale.policies.snapshot.view_of`.

    Raises
    ------
    TypeError, ValueError
        What is wrong: a missing method, a decision that does not fit its view, different answers
        to equal questions, options that change or can't be pickled, an array that was written to.
    """
    name = getattr(policy, "name", type(policy).__name__)
    if not isinstance(policy, Policy):
        missing = [
            method
            for method in ("name", "begin", "node_groups", "node_pools", "decide")
            if not hasattr(policy, method)
        ]
        raise TypeError(f"{name}: a policy needs {', '.join(missing)}")
    try:
        before = pickle.dumps(policy)
    except Exception as error:  # pickling user code may raise anything
        raise TypeError(f"{name}: a policy must be picklable: {error}") from error
    situations = [*_situations(policy, catalog), *views]
    answers = [[_ask(policy, view, name) for view in situations] for _ in range(2)]
    for first, second in zip(*answers, strict=True):
        if content_key(first) != content_key(second):
            raise ValueError(
                f"{name}: equal views must give equal decisions, found {first!r:.200} "
                f"and then {second!r:.200}"
            )
    if pickle.dumps(policy) != before:
        raise ValueError(f"{name}: decide and begin must not change the policy's options")


def _ask(policy: Policy, view: ClusterView, name: str) -> Decision:
    controller = policy.begin(view.setting)
    return check_decision(controller.decide(view), view, name)


def _situations(policy: Policy, catalog: Catalog) -> list[ClusterView]:
    from .snapshot import setting_of, view_of

    template = PodTemplate(
        PodSpec((Container(requests={CPU: NANO // 2, MEMORY: 2**28 * NANO}),)),
        labels={"app": "web"},
    )
    controller = policy.begin(setting_of((template,), catalog))
    groups, pools = controller.node_groups(), controller.node_pools()
    pods = [Pod(f"web-{index}", template, creation_ns=index) for index in range(5)]
    kind = catalog.instance_types[0]
    node = Node(
        "node-0",
        labels={"node.kubernetes.io/instance-type": kind.name},
        capacity=kind.capacity,
        allocatable=kind.allocatable(),
        creation_ns=0,
    )
    bound = Pod("web-5", template, node_name="node-0", creation_ns=0, start_ns=0)
    minute = 60_000_000_000
    return [
        view_of(some, nodes, catalog, now_ns=minute, groups=groups, pools=pools)
        for some, nodes in (([], []), (pods, []), ([*pods, bound], [node]), ([bound], [node]))
    ]
