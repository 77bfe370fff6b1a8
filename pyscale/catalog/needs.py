"""What pods need of a node group: one entry per kind of group that an operator would keep."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from pyscale.model.catalog import ON_DEMAND, SPOT
from pyscale.model.nodes import (
    ARCH_LABEL,
    CAPACITY_TYPE_LABEL,
    HOSTNAME_LABEL,
    INSTANCE_TYPE_LABEL,
    OS_LABEL,
    REGION_LABEL,
    ZONE_LABEL,
)
from pyscale.model.pod_table import NEVER, PodTable
from pyscale.model.pods import PodSpec, PodTemplate
from pyscale.model.requests import effective_request
from pyscale.model.requirements import Requirement
from pyscale.model.resources import CPU, MEMORY
from pyscale.model.taints import NO_SCHEDULE, PREFER_NO_SCHEDULE, Taint

from .group_rules import GroupRules
from .machines import STANDARD_RESOURCES, Machines
from .matching import is_met, stable_key

Pods = PodTable | Sequence[tuple[PodTemplate, int]]

EKS_CAPACITY_TYPE_LABEL = "eks.amazonaws.com/capacityType"
EKS_CAPACITY_TYPES = {ON_DEMAND: "ON_DEMAND", SPOT: "SPOT"}
# What every node of an Auto Scaling group carries by itself.
_NODE_LABELS = (ARCH_LABEL, OS_LABEL, INSTANCE_TYPE_LABEL, REGION_LABEL)
_BUILT_IN_TAINTS = ("node.kubernetes.io/", "node.cloudprovider.kubernetes.io/")


@dataclass(frozen=True, eq=False)
class Need:
    """Pods that one kind of node group serves, and what that group must be.

    ``allowed`` and ``preferred`` say which machine types may serve them, and which an operator
    would choose from.  ``nodes`` is the number of machines of each type that the pods fill on
    average, as if every kind of pod filled machines of its own; ``fit`` the fewest pods of any
    kind that a machine holds.  ``labels`` the group must be given, those in ``absent`` must not be,
    and ``copied`` are label keys that the pods name and that the nodes of
    an Auto Scaling group only have if the group says so.
    """

    class_ids: tuple[int, ...]
    zones: frozenset[str]
    is_zonal: bool
    capacity_type: str
    labels: Mapping[str, str]
    absent: frozenset[str]
    copied: frozenset[str]
    taints: frozenset[Taint]
    has_devices: bool
    allowed: NDArray[np.bool_] = field(repr=False)
    preferred: NDArray[np.bool_] = field(repr=False)
    nodes: NDArray[np.float64] = field(repr=False)
    fit: NDArray[np.int64] = field(repr=False)

    def constraints(self) -> tuple[object, ...]:
        """Return what two needs must share to be one from the start."""
        return (
            tuple(sorted(self.zones)),
            self.is_zonal,
            self.capacity_type,
            tuple(sorted(self.labels.items())),
            tuple(sorted(self.absent)),
            tuple(sorted(self.copied)),
            tuple(sorted((t.key, t.effect, t.value) for t in self.taints)),
            self.has_devices,
            self.allowed.tobytes(),
            self.preferred.tobytes(),
        )

    def merged(self, other: Need) -> Need | None:
        """Return the need of both, None if no group can have both constraints."""
        zones = self.zones & other.zones
        shared = self.labels.keys() & other.labels.keys()
        if (
            not zones
            or self.capacity_type != other.capacity_type
            or any(self.labels[key] != other.labels[key] for key in shared)
            or self.absent & other.labels.keys()
            or other.absent & self.labels.keys()
        ):
            return None
        allowed = self.allowed & other.allowed
        fit = np.minimum(self.fit, other.fit)
        preferred = self.preferred & other.preferred
        if not (preferred & (fit > 0)).any():
            # Pods with and without a device want different machines: either's choice will do.
            preferred = (self.preferred | other.preferred) & allowed
        return Need(
            class_ids=tuple(sorted(self.class_ids + other.class_ids)),
            zones=zones,
            is_zonal=self.is_zonal or other.is_zonal,
            capacity_type=self.capacity_type,
            labels={**self.labels, **other.labels},
            absent=self.absent | other.absent,
            copied=self.copied | other.copied,
            taints=self.taints & other.taints,
            has_devices=self.has_devices or other.has_devices,
            allowed=allowed,
            preferred=preferred,
            nodes=self.nodes + other.nodes,
            fit=fit,
        )


def weights(pods: Pods) -> tuple[Sequence[PodTemplate], NDArray[np.float64]]:
    """Return the templates and how many pods of each run on average.

    Pods of a table count by the share of its whole time for which they run.
    """
    if not isinstance(pods, PodTable):
        pairs = list(pods)
        return [template for template, _ in pairs], np.array([float(n) for _, n in pairs])
    if not len(pods):
        return pods.templates, np.zeros(len(pods.templates))
    ends = pods.arrival_ns + np.maximum(pods.duration_ns, 0)
    start, end = int(pods.arrival_ns.min()), int(ends.max())
    life = np.where(pods.duration_ns == NEVER, end - pods.arrival_ns, pods.duration_ns)
    # A table without any duration is a set of pods, all there at once.
    share = life / (end - start) if end > start else np.ones(len(pods))
    running = np.bincount(pods.class_id, pods.count * share, minlength=len(pods.templates))
    return pods.templates, running.astype(np.float64)


def need_of(
    class_id: int, template: PodTemplate, weight: float, machines: Machines, rules: GroupRules
) -> Need | None:
    """Return what one kind of pod needs, None if no machine of the catalogue can serve it.

    Of alternative terms of a required node affinity the first that some machine meets counts.
    """
    request = effective_request(template.spec)
    fit = machines.fit(request)
    devices = frozenset(name for name, n in request.items() if n and name not in STANDARD_RESOURCES)
    for term in _terms(template.spec):
        need = _need_of_term(class_id, template.spec, term, devices, fit, machines, rules)
        if need is None:
            continue
        prices = machines.prices(need.capacity_type)
        in_zones = [zone in need.zones for zone in machines.zones]
        is_sold = np.isfinite(prices[:, in_zones]).any(axis=1)
        if (need.allowed & is_sold & (fit > 0)).any():
            nodes = np.where(fit > 0, weight / np.maximum(fit, 1), np.inf)
            return replace(need, fit=fit, nodes=nodes)
    return None


def shape_class(spec: PodSpec) -> int:
    """Return 0, 1, 2 for pods that want little, ordinary or much memory per core.

    The bounds, 3 and 6 GiB per core, lie between the 2, 4 and 8 of EC2's c, m and r machines.
    """
    request = effective_request(spec)
    gibibytes = request.get(MEMORY, 0) / 2**30
    cores = request.get(CPU, 0)
    return 0 if gibibytes < 3 * cores else 1 if gibibytes < 6 * cores or not gibibytes else 2


def _terms(spec: PodSpec) -> Iterable[tuple[Requirement, ...]]:
    selected = tuple(Requirement(key, "In", (v,)) for key, v in sorted(spec.node_selector.items()))
    if spec.required_node_affinity is None:
        return [selected]
    # A term with fields names one node, which no group can promise; an empty one matches nothing.
    return [
        selected + term.match_expressions
        for term in spec.required_node_affinity
        if term.match_expressions and not term.match_fields
    ]


def _need_of_term(
    class_id: int,
    spec: PodSpec,
    term: tuple[Requirement, ...],
    devices: frozenset[str],
    fit: NDArray[np.int64],
    machines: Machines,
    rules: GroupRules,
) -> Need | None:
    by_key: dict[str, list[Requirement]] = {}
    for requirement in term:
        by_key.setdefault(stable_key(requirement.key), []).append(requirement)
    if HOSTNAME_LABEL in by_key:
        return None
    capacity_type = _capacity_type(by_key, machines, rules)
    zones = frozenset(
        zone
        for zone in machines.zones
        if all(is_met(requirement, zone) for requirement in by_key.get(ZONE_LABEL, ()))
    )
    custom = _custom_labels(by_key, machines)
    if capacity_type is None or not zones or custom is None:
        return None
    labels = {key: value for key, value in custom.items() if value is not None}

    allowed = np.ones(len(machines), dtype=np.bool_)
    for key, requirements in by_key.items():
        if key in machines.label_keys:
            for requirement in requirements:
                allowed &= machines.mask(requirement)
    if ARCH_LABEL not in by_key:
        allowed &= machines.mask(Requirement(ARCH_LABEL, "In", rules.architectures))
    preferred = allowed & machines.without_other_devices(devices)
    for requirement in rules.machine_requirements:
        if requirement.key in machines.label_keys and requirement.key not in by_key:
            narrowed = preferred & machines.mask(requirement)
            if (narrowed & (fit > 0)).any():
                preferred = narrowed
    named = (CAPACITY_TYPE_LABEL, EKS_CAPACITY_TYPE_LABEL)
    copied = {key for key in by_key if key in named}
    copied |= {key for key in by_key if key in machines.label_keys and key not in _NODE_LABELS}
    return Need(
        class_ids=(class_id,),
        zones=zones,
        is_zonal=len(zones) > 1 and _is_zonal(spec),
        capacity_type=capacity_type,
        labels=labels,
        absent=frozenset(custom.keys() - labels.keys()),
        copied=frozenset(copied),
        taints=frozenset(_taints(spec, labels, devices)),
        has_devices=bool(devices),
        allowed=allowed,
        preferred=preferred,
        nodes=np.zeros(len(machines)),
        fit=np.zeros(len(machines), dtype=np.int64),
    )


def _capacity_type(
    by_key: Mapping[str, list[Requirement]], machines: Machines, rules: GroupRules
) -> str | None:
    for capacity_type in dict.fromkeys((rules.capacity_type, ON_DEMAND, SPOT)):
        values = {
            CAPACITY_TYPE_LABEL: capacity_type,
            EKS_CAPACITY_TYPE_LABEL: EKS_CAPACITY_TYPES.get(capacity_type, ""),
        }
        is_named = any(key in by_key for key in values)
        if not is_named and capacity_type != rules.capacity_type:
            continue
        if all(is_met(r, value) for key, value in values.items() for r in by_key.get(key, ())):
            return capacity_type
    return None


def _custom_labels(
    by_key: Mapping[str, list[Requirement]], machines: Machines
) -> dict[str, str | None] | None:
    """Return labels that the group must have (None: must not), None if no values can be right."""
    known = {*machines.label_keys, ZONE_LABEL, CAPACITY_TYPE_LABEL, EKS_CAPACITY_TYPE_LABEL}
    labels: dict[str, str | None] = {}
    for key, requirements in by_key.items():
        if key in known:
            continue
        values: list[str | None] = [None, "true"]
        for requirement in requirements:
            if requirement.operator in ("Gt", "Lt", "Gte", "Lte"):
                for value in requirement.values:
                    if value.removeprefix("-").isdecimal():
                        values += [str(int(value) + step) for step in (-1, 0, 1)]
            else:
                values += requirement.values
        right = [v for v in values if all(is_met(r, v) for r in requirements)]
        if not right:
            return None
        labels[key] = right[0]
    return labels


def _taints(spec: PodSpec, labels: Mapping[str, str], devices: frozenset[str]) -> Iterable[Taint]:
    """Return taints that keep other pods off: of dedicated groups, and of devices."""
    for toleration in spec.tolerations:
        key = toleration.key
        if not key or key.startswith(_BUILT_IN_TAINTS) or toleration.effect == PREFER_NO_SCHEDULE:
            continue
        if labels or key in devices:
            yield Taint(key, toleration.effect or NO_SCHEDULE, toleration.value)


def _is_zonal(spec: PodSpec) -> bool:
    return any(
        constraint.topology_key == ZONE_LABEL and constraint.when_unsatisfiable == "DoNotSchedule"
        for constraint in spec.topology_spread_constraints
    ) or any(
        term.topology_key == ZONE_LABEL
        for term in (*spec.required_pod_affinity, *spec.required_pod_anti_affinity)
    )
