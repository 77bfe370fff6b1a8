"""What DaemonSets take from every node."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from pyscale.model.pods import Container, Pod, PodSpec
from pyscale.model.taints import Taint

from .instance_types import CompiledType, TypeColumns
from .parity import DAEMON_OVERHEAD, DAEMON_TERMS
from .podspec import (
    TOLERATE_PREFER_NO_SCHEDULE,
    HostPort,
    host_ports,
    pod_requests,
    pod_requirements,
    untolerated,
)
from .requirements import Requirement, Requirements, from_labels
from .state import DaemonSet, Settings, StateNode


class DaemonPod:
    """The pod that a DaemonSet would run; its spec changes while templates are built.

    Required OR-terms that fail for one type are gone for later types, templates and for existing
    nodes, and so is the toleration of PreferNoSchedule that templates add: upstream changes the
    pod in place.
    """

    def __init__(self, name: str, spec: PodSpec, sources: tuple[PodSpec, PodSpec]) -> None:
        self.name = name
        self.spec = spec
        self.sources = sources
        self.requests = pod_requests(spec)
        self.ports: tuple[HostPort, ...] = host_ports(spec)
        self._memo: dict[tuple[object, ...], bool] = {}

    def runs_on_new_node(
        self,
        template: Requirements,
        taints: Sequence[Taint],
        compiled: CompiledType,
        well_known: frozenset[str],
        *,
        consume: bool = True,
    ) -> bool:
        """Say whether the daemon would run on this type of the template.

        May drop OR-terms for good, unless ``consume`` is False.
        """
        before = self.spec
        runs = self._runs(template, taints, compiled, well_known)
        if not consume:
            self.spec = before
        return runs

    def _runs(
        self,
        template: Requirements,
        taints: Sequence[Taint],
        compiled: CompiledType,
        well_known: frozenset[str],
    ) -> bool:
        if TOLERATE_PREFER_NO_SCHEDULE not in self.spec.tolerations:
            tolerations = (*self.spec.tolerations, TOLERATE_PREFER_NO_SCHEDULE)
            self.spec = replace(self.spec, tolerations=tolerations)
        if untolerated(taints, self.spec.tolerations):
            return False
        while True:
            required = pod_requirements(self.spec, strict=True)
            if self._fits(template, required, compiled, well_known):
                return True
            terms = self.spec.required_node_affinity
            if not terms or len(terms) <= 1:
                return False
            self.spec = replace(self.spec, required_node_affinity=terms[1:])

    def _fits(
        self,
        template: Requirements,
        required: Requirements,
        compiled: CompiledType,
        well_known: frozenset[str],
    ) -> bool:
        held: tuple[Requirement | None, ...] = tuple(
            compiled.requirements.get(key) for key in required.keys
        )
        identity = (template, required, held)
        known = self._memo.get(identity)
        if known is None:
            known = self._memo[identity] = template.compatible(
                required, well_known
            ) and compiled.requirements.intersects(required)
        return known


@dataclass(frozen=True, slots=True)
class OverheadGroup:
    """The columns of a template on which the same daemon pods run."""

    columns: int
    overhead: dict[str, int]
    ports: tuple[tuple[HostPort, ...], ...]


def daemon_pods(daemon_sets: Iterable[DaemonSet], pods: Sequence[Pod]) -> list[DaemonPod]:
    """Return the pod of each DaemonSet, by name of the DaemonSet."""
    ordered = sorted(daemon_sets, key=lambda daemon_set: daemon_set.name)
    return [_daemon_pod(daemon_set, pods) for daemon_set in ordered]


def _daemon_pod(daemon_set: DaemonSet, pods: Sequence[Pod]) -> DaemonPod:
    """Take the newest live pod with the template's required terms, or make one."""
    template = daemon_set.template.spec
    newest: Pod | None = None
    for pod in pods:
        if any(
            owner.kind == "DaemonSet" and owner.uid == daemon_set.uid
            for owner in pod.template.owners
        ) and (newest is None or (pod.creation_ns or 0) > (newest.creation_ns or 0)):
            newest = pod
    if newest is not None:
        spec = source = newest.template.spec
        if template.required_node_affinity and spec is not template:
            spec = replace(spec, required_node_affinity=template.required_node_affinity)
        return DaemonPod(pod_name(newest), spec, (source, template))
    containers = tuple(_with_limits(container) for container in template.containers)
    spec = replace(template, containers=containers)
    return DaemonPod("kube-system/" + daemon_set.name, spec, (template, template))


def _with_limits(container: Container) -> Container:
    """Limits stand in for requests that are not given."""
    return replace(container, requests={**container.limits, **container.requests})


def pod_name(pod: Pod) -> str:
    """Return the pod's name, with its namespace unless that is the default one."""
    return pod.name if pod.namespace == "default" else pod.key


def overhead_groups(
    daemons: Sequence[DaemonPod],
    template: Requirements,
    taints: Sequence[Taint],
    columns: TypeColumns,
    settings: Settings,
) -> list[OverheadGroup]:
    """Group a template's types by the daemons that run on them.

    Ordered by the names of the daemon pods, the group without daemons first.
    """
    members: dict[str, tuple[list[DaemonPod], int]] = {}
    consume = DAEMON_TERMS not in settings.repaired
    for i, compiled in enumerate(columns.types):
        running = [
            daemon
            for daemon in daemons
            if daemon.runs_on_new_node(
                template, taints, compiled, columns.well_known, consume=consume
            )
        ]
        identity = ",".join(sorted(daemon.name for daemon in running))
        first, end = columns.first_column[i], columns.first_column[i + 1]
        bits = ((1 << end) - 1) ^ ((1 << first) - 1)
        known = members.get(identity)
        members[identity] = (running, bits) if known is None else (known[0], known[1] | bits)
    return [
        OverheadGroup(bits, _total(running), tuple(daemon.ports for daemon in running))
        for _, (running, bits) in sorted(
            members.items(), key=lambda item: settings.tie_break.key(item[0])
        )
    ]


def _total(daemons: Iterable[DaemonPod]) -> dict[str, int]:
    total: dict[str, int] = {}
    for daemon in daemons:
        for name, amount in daemon.requests.items():
            total[name] = total.get(name, 0) + amount
    return total


def expected_requests(daemons: Iterable[DaemonPod], node: StateNode) -> dict[str, int]:
    """Return what all daemons take that should run on a state node."""
    labels = from_labels(node.labels)
    return _total(
        daemon
        for daemon in daemons
        if not untolerated(node.taints, daemon.spec.tolerations)
        and labels.compatible(pod_requirements(daemon.spec, strict=True))
    )


def outstanding_requests(
    daemons: Iterable[DaemonPod], node: StateNode, running: dict[str, int]
) -> dict[str, int]:
    """Return what daemons that should run on a state node, and do not yet, will take."""
    expected = expected_requests(daemons, node)
    return {name: max(0, amount - running.get(name, 0)) for name, amount in expected.items()}


def minimum_overhead(
    groups: Iterable[OverheadGroup], columns: int, repaired: frozenset[str] = frozenset()
) -> dict[str, int]:
    """Return what is added to a finished claim's requests for daemons.

    The element-wise minimum over the groups that still have a column; a first group without
    overhead is replaced by the next one instead (upstream's quirk), unless that is repaired.
    """
    left = [group for group in groups if group.columns & columns]
    if DAEMON_OVERHEAD in repaired and not all(group.overhead for group in left):
        return {}
    minimum: dict[str, int] = {}
    for group in left:
        if not minimum:
            minimum = group.overhead
        else:
            minimum = {
                name: min(amount, group.overhead[name])
                for name, amount in minimum.items()
                if name in group.overhead
            }
    return minimum
