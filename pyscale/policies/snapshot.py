"""Settings and views made from written objects: for one decision on a dump, and for checks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyscale.model.catalog import Catalog
from pyscale.model.content import classes_of, content_key
from pyscale.model.disruption import PodDisruptionBudget
from pyscale.model.groups import NodeGroup, NodePool
from pyscale.model.nodes import (
    CAPACITY_TYPE_LABEL,
    HOSTNAME_LABEL,
    INSTANCE_TYPE_LABEL,
    NODEPOOL_LABEL,
    ZONE_LABEL,
    Node,
)
from pyscale.model.pods import Pod, PodTemplate
from pyscale.model.requests import effective_request
from pyscale.model.resources import CPU, MEMORY, NANO, PODS, Resources

from .base import READY, ClusterView, Int64s, NodeKind, Placements, Setting

_MILLI_CPU = NANO // 1000


def unit_of(resource: str) -> int:
    """Return how many nano-units make the unit that tables use for a resource."""
    return _MILLI_CPU if resource == CPU else NANO


def setting_of(
    templates: Sequence[PodTemplate],
    catalog: Catalog,
    *,
    disruption_budgets: Sequence[PodDisruptionBudget] = (),
    nodes: Sequence[Node] = (),
    expected_running: NDArray[np.float64] | None = None,
    epoch_ns: int = 0,
    seed: int = 0,
    objects: Mapping[str, tuple[Any, ...]] | None = None,
) -> Setting:
    """Return the setting for pod classes: the resources they name, and their requests.

    Resources are ``cpu``, ``memory``, ``pods`` and then the others that a class asks for, sorted.
    Classes whose controller is a DaemonSet become the daemon classes.
    """
    needs = [effective_request(template.spec) for template in templates]
    others = {name for need in needs for name, amount in need.items() if amount > 0}
    resources = (CPU, MEMORY, PODS, *sorted(others - {CPU, MEMORY, PODS}))
    requests = np.zeros((len(resources), len(templates)), np.int64)
    for row, name in enumerate(resources):
        unit = unit_of(name)
        for column, need in enumerate(needs):
            requests[row, column] = 1 if name == PODS else -(-need.get(name, 0) // unit)
    requests.flags.writeable = False
    running = np.zeros(len(templates)) if expected_running is None else expected_running
    running.flags.writeable = False
    daemons = (
        index
        for index, template in enumerate(templates)
        if template.controller is not None and template.controller.kind == "DaemonSet"
    )
    return Setting(
        templates=tuple(templates),
        catalog=catalog,
        resources=resources,
        requests=requests,
        disruption_budgets=tuple(disruption_budgets),
        daemon_classes=tuple(daemons),
        nodes=tuple(nodes),
        expected_running=running,
        epoch_ns=epoch_ns,
        seed=seed,
        objects=objects or {},
    )


def amounts_of(resources: Sequence[str], amounts: Resources) -> Int64s:
    """Return a node's amounts as one column of a table, rounded down; 0 where it has none."""
    column = [amounts.get(name, 0) // unit_of(name) for name in resources]
    return np.array(column, np.int64)


def price_nano(catalog: Catalog, kind: NodeKind) -> int:
    """Return a kind's price in nano-dollars per hour, 0 for machines that were not bought."""
    if not kind.instance_type:
        return 0
    offering = catalog.offering(kind.instance_type, kind.zone, kind.capacity_type)
    return 0 if offering is None else offering.price_nano


def kind_of_node(
    node: Node, groups: Sequence[NodeGroup] = (), pools: Sequence[NodePool] = ()
) -> NodeKind:
    """Return the kind of a node of a dump; its group is the only one of its type and labels."""
    labels = {key: value for key, value in node.labels.items() if key != HOSTNAME_LABEL}
    pool = labels.get(NODEPOOL_LABEL, "")
    capacity_type = labels.get(CAPACITY_TYPE_LABEL, "on-demand")
    return NodeKind(
        node=replace(node, name="", labels=labels, provider_id="", creation_ns=None),
        instance_type=labels.get(INSTANCE_TYPE_LABEL, ""),
        zone=labels.get(ZONE_LABEL, ""),
        capacity_type=capacity_type,
        group=-1 if pool else _group_of(labels, capacity_type, groups),
        pool=next((index for index, other in enumerate(pools) if other.name == pool), -1),
    )


def _group_of(labels: Mapping[str, str], capacity_type: str, groups: Sequence[NodeGroup]) -> int:
    for index, group in enumerate(groups):
        if (
            labels.get(INSTANCE_TYPE_LABEL) in group.instance_types
            and labels.get(ZONE_LABEL) in group.zones
            and capacity_type == group.capacity_type
            and all(labels.get(key) == value for key, value in group.labels.items())
        ):
            return index
    return -1


def view_of(
    pods: Iterable[Pod],
    nodes: Sequence[Node],
    catalog: Catalog,
    *,
    now_ns: int = 0,
    groups: Sequence[NodeGroup] = (),
    pools: Sequence[NodePool] = (),
    disruption_budgets: Sequence[PodDisruptionBudget] = (),
    seed: int = 0,
) -> ClusterView:
    """Return the view of a cluster that is written as objects, for one decision.

    Parameters
    ----------
    pods : iterable of Pod
        Those with a node name are placed, the others pend; pods that ended or are being deleted
        are left out.
    nodes : sequence of Node
        All ready; ids are their positions.
    now_ns : int
        The moment, in Unix time; ``setting.epoch_ns`` is 0.

    Raises
    ------
    ValueError
        If a pod is on a node that is not there.
    """
    live = [
        pod for pod in pods if pod.phase not in ("Succeeded", "Failed") and pod.deletion_ns is None
    ]
    templates, classes = classes_of(pod.template for pod in live)
    setting = setting_of(
        templates,
        catalog,
        disruption_budgets=disruption_budgets,
        expected_running=np.bincount(classes, minlength=len(templates)).astype(np.float64),
        seed=seed,
    )
    position = {node.name: index for index, node in enumerate(nodes)}
    placed: list[list[int]] = [[] for _ in nodes]
    pending: list[int] = []
    for index, pod in enumerate(live):
        name = pod.node_name or pod.template.spec.node_name
        if not name:
            pending.append(index)
        elif name in position:
            placed[position[name]].append(index)
        else:
            raise ValueError(f"pod {pod.key}: expected a known node, found {name!r}")
    since = np.array([pod.creation_ns or 0 for pod in live], np.int64)
    pending.sort(key=lambda index: (since[index], index))

    kinds: list[NodeKind] = []
    kind_ids: dict[object, int] = {}
    kind_of_row = []
    for node in nodes:
        kind = kind_of_node(node, groups, pools)
        number = kind_ids.setdefault(content_key(kind), len(kinds))
        if number == len(kinds):
            kinds.append(kind)
        kind_of_row.append(number)
    sizes = [len(row) for row in placed]
    start = np.concatenate(([0], np.cumsum(sizes, dtype=np.int64)))
    flat = np.array([index for row in placed for index in row], np.int64)
    bound = np.array([live[index].start_ns or 0 for index in flat.tolist()], np.int64)
    requested = np.zeros((len(setting.resources), len(nodes)), np.int64)
    owner = np.repeat(np.arange(len(nodes)), sizes)
    for row in range(len(setting.resources)):
        np.add.at(requested[row], owner, setting.requests[row, classes[flat]])
    placements = Placements(start, flat, classes[flat], bound)
    created = np.array([node.creation_ns or 0 for node in nodes], np.int64)
    allocatable = [amounts_of(setting.resources, kind.node.allocatable) for kind in kinds]
    desired = np.zeros(len(groups), np.int64)
    for number in kind_of_row:
        if kinds[number].group >= 0:
            desired[kinds[number].group] += 1

    def pods_of(rows: Sequence[int] | Int64s) -> Placements:
        parts = [np.arange(start[row], start[row + 1]) for row in rows]
        chosen = np.concatenate([np.empty(0, np.int64), *parts])
        starts = np.cumsum([0, *map(len, parts)], dtype=np.int64)
        return Placements(starts, flat[chosen], placements.class_id[chosen], bound[chosen])

    waiting = np.array(pending, np.int64)
    view = ClusterView(
        setting=setting,
        now_ns=now_ns,
        pending_pod=waiting,
        pending_class=classes[waiting],
        pending_since_ns=since[waiting],
        node_id=np.arange(len(nodes), dtype=np.int64),
        node_kind=np.array(kind_of_row, np.int32),
        node_state=np.full(len(nodes), READY, np.uint8),
        node_cordoned=np.array([node.unschedulable for node in nodes], np.bool_),
        node_created_ns=created,
        node_ready_ns=created,
        node_lost_ns=np.full(len(nodes), -1, np.int64),
        node_token=np.full(len(nodes), -1, np.int64),
        node_version=np.zeros(len(nodes), np.int64),
        node_requested=requested,
        kinds=tuple(kinds),
        kind_allocatable=np.array(allocatable, np.int64).reshape(-1, len(setting.resources)).T,
        kind_price_nano=np.array([price_nano(catalog, kind) for kind in kinds], np.int64),
        read_placements=lambda: placements,
        read_catalog=lambda: catalog,
        read_pods_of=pods_of,
        groups=tuple(groups),
        pools=tuple(pools),
        group_desired=desired,
        disruptions_allowed=np.array(
            [budget.disruptions_allowed for budget in disruption_budgets], np.int64
        ),
    )
    lock(view)
    return view


def lock(view: ClusterView) -> None:
    """Make every array of a view read-only."""
    for value in vars(view).values():
        if isinstance(value, np.ndarray):
            value.flags.writeable = False
