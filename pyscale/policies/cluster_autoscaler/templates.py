"""Which node a new node of each group would look like.

Specification section 4.2; upstream ``processors/nodeinfosprovider`` and
``simulator/node_info_utils.go``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from operator import is_

from ...model.pods import PodTemplate
from ...model.taints import NO_EXECUTE, NO_SCHEDULE, Toleration
from ...model.times import MINUTE
from .classes import PodClass
from .kernel_placement import KernelPlacement
from .node_shapes import NodeShape
from .options import Options
from .taints import is_startup_taint, template_taints
from .world import DaemonSet, NodeGroupRow, NodeRow, Observation, PodList, Pods

TEMPLATE_LABEL = "cluster-autoscaler.kubernetes.io/template-node"
SYSTEM_NODE_CRITICAL = "system-node-critical"
GOOD_AFTER = MINUTE
NODE_PLUGINS = ("NodeUnschedulable", "NodeName", "TaintToleration", "NodeAffinity")

_DAEMON_TOLERATIONS = (
    ("node.kubernetes.io/not-ready", NO_EXECUTE),
    ("node.kubernetes.io/unreachable", NO_EXECUTE),
    ("node.kubernetes.io/disk-pressure", NO_SCHEDULE),
    ("node.kubernetes.io/memory-pressure", NO_SCHEDULE),
    ("node.kubernetes.io/pid-pressure", NO_SCHEDULE),
    ("node.kubernetes.io/unschedulable", NO_SCHEDULE),
)
_NETWORK_TOLERATION = ("node.kubernetes.io/network-unavailable", NO_SCHEDULE)


def daemon_pod_template(template: PodTemplate) -> PodTemplate:
    """Return a DaemonSet's pod as its controller makes it: with the tolerations it adds."""
    wanted = list(_DAEMON_TOLERATIONS)
    if template.spec.host_network:
        wanted.append(_NETWORK_TOLERATION)
    added = tuple(Toleration(key, "Exists", "", effect) for key, effect in wanted)
    return replace(
        template, spec=replace(template.spec, tolerations=template.spec.tolerations + added)
    )


@dataclass(slots=True)
class TemplateProvider:
    """Finds a template per group; templates of good nodes are remembered.

    ``made_ns`` says when each group's template was made.  Upstream names it anew whenever it makes
    one, and names placeholders after it, so hints to placeholders hit only while it is remembered.
    """

    options: Options
    made_ns: dict[str, int] = field(default_factory=dict)
    _cache: dict[str, NodeShape] = field(default_factory=dict)
    _known: dict[tuple[object, ...], NodeShape] = field(default_factory=dict)
    _latest: dict[str, tuple[NodeRow, Sequence[DaemonSet], NodeShape]] = field(default_factory=dict)
    _own: dict[str, tuple[PodList, tuple[PodClass, ...]]] = field(default_factory=dict)
    _asked: tuple[object, ...] = (None,) * 4  # in the last call, with its answer
    _renewed: list[str] = field(default_factory=list)
    _found: dict[str, NodeShape] = field(default_factory=dict)

    def templates(
        self,
        seen: Observation,
        good: Mapping[str, NodeRow],
        bad: Mapping[str, NodeRow],
        placement: KernelPlacement,
        now: int,
    ) -> dict[str, NodeShape]:
        """Return a template for each group that has one.

        First available of: the first good node, a remembered one, the cloud's template, any node.

        Parameters
        ----------
        seen : Observation
        good, bad : mapping
            The first node of each group that is ready for over a minute (:data:`GOOD_AFTER`), not
            cordoned and not under deletion, and the first that is not.  Like the groups they are
            other objects if they say something else, and so is the answer.
        placement : KernelPlacement
        now : int
        """
        asked = (seen.groups, seen.daemon_sets, good, bad)
        if all(map(is_, asked, self._asked)):
            self.made_ns.update(dict.fromkeys(self._renewed, now))
            return self._found
        found: dict[str, NodeShape] = {}
        self._renewed = [
            group.name
            for group in seen.groups
            if group.name in good or group.name not in self._cache
        ]
        self.made_ns.update(dict.fromkeys(self._renewed, now))
        for group in seen.groups:
            shape = self._template(
                group, good.get(group.name), bad.get(group.name), seen, placement
            )
            if shape is not None:
                found[group.name] = shape
        for name in [name for name in self._cache if name not in found]:
            del self._cache[name]
        self._asked = asked
        known = self._found
        if known.keys() != found.keys() or not all(map(is_, found.values(), map(known.get, found))):
            self._found = found
        return self._found

    def _template(
        self,
        group: NodeGroupRow,
        good: NodeRow | None,
        bad: NodeRow | None,
        seen: Observation,
        placement: KernelPlacement,
    ) -> NodeShape | None:
        if good is not None:
            known = self._latest.get(group.name)
            if known is not None and known[0] is good and known[1] is seen.daemon_sets:
                shape = known[2]
            else:
                shape = self._from_node(good, seen, placement)
                self._latest[group.name] = good, seen.daemon_sets, shape
            self._cache[group.name] = shape
            return shape
        if group.name in self._cache:
            return self._cache[group.name]
        if group.template is not None:
            return self._from_provider(group.template, seen.daemon_sets, placement)
        return self._from_node(bad, seen, placement) if bad is not None else None

    def _from_node(self, node: NodeRow, seen: Observation, placement: KernelPlacement) -> NodeShape:
        pods = self._own_pods(node, seen.pods)
        running = {(pod.namespace, pod.controller_name) for pod in pods if pod.is_daemon_set}
        missing = [
            daemon_set
            for daemon_set in seen.daemon_sets
            if (daemon_set.namespace, daemon_set.name) not in running
            and (self.options.force_ds or _is_critical(daemon_set))
        ]
        keep_cordon = node.unschedulable and not self.options.scale_from_unschedulable
        taints = template_taints(node.taints, self.options)
        key = (id(node.node), pods, taints, keep_cordon, tuple(map(id, missing)))
        shape = self._known.get(key)
        if shape is None:
            bare = replace(
                node.node,
                labels={**node.node.labels, TEMPLATE_LABEL: "true"},
                taints=taints,
                unschedulable=keep_cordon,
            )
            shape = self._with_daemon_sets(NodeShape.of(bare, pods), missing, placement)
            self._known[key] = shape
        return shape

    def _own_pods(self, node: NodeRow, pods: Pods) -> tuple[PodClass, ...]:
        """The pods that a new node of the group would have from the start."""
        known = self._own.get(node.group)
        if known is not None and known[0] is node.pods:
            return known[1]
        found = tuple(
            pods.table[index]
            for pod, index in zip(node.pods.ids.tolist(), node.pods.classes.tolist(), strict=True)
            if (pods.table[index].is_daemon_set or pods.table[index].is_mirror)
            and pods.deletion_ns[pod] is None
        )
        self._own[node.group] = node.pods, found
        return found

    def _from_provider(
        self, template: NodeShape, daemon_sets: Sequence[DaemonSet], placement: KernelPlacement
    ) -> NodeShape:
        key = (id(template), tuple(map(id, daemon_sets)))
        shape = self._known.get(key)
        if shape is None:
            bare = replace(
                template.node,
                labels={**template.node.labels, TEMPLATE_LABEL: "true"},
                taints=template_taints(template.node.taints, self.options),
            )
            shape = self._with_daemon_sets(
                NodeShape.of(bare, template.pods), daemon_sets, placement
            )
            self._known[key] = shape
        return shape

    def _with_daemon_sets(
        self, shape: NodeShape, daemon_sets: Sequence[DaemonSet], placement: KernelPlacement
    ) -> NodeShape:
        """Add the pods of the DaemonSets that would run on the node, fit or not."""
        if not daemon_sets:
            return shape
        placement.fork()
        handle = placement.add_node(shape.node, "template-node-for-daemon-sets")
        fitting = [
            daemon_set.pod_class
            for daemon_set in daemon_sets
            if should_run(placement, daemon_set.pod_class, handle)
        ]
        placement.revert()
        return NodeShape.of(shape.node, shape.pods + tuple(fitting))


def should_run(placement: KernelPlacement, pod_class: PodClass, node: int) -> bool:
    """Whether a DaemonSet would run its pod on a node, room or not."""
    refusal = placement.refusal(pod_class, node)
    return refusal is None or refusal.plugin not in NODE_PLUGINS


def is_ready(node: NodeRow, options: Options) -> bool:
    """Whether a node counts as ready; startup taints make it count as starting."""
    if not node.taints:
        return node.ready
    return node.ready and not any(is_startup_taint(taint.key, options) for taint in node.taints)


def _is_critical(daemon_set: DaemonSet) -> bool:
    spec = daemon_set.template.spec
    return spec.priority_class_name == SYSTEM_NODE_CRITICAL and spec.preemption_policy != "Never"
