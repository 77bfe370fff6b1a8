"""The three request vectors of a pod, in the integers that the scheduler counts.

Follows ``S/framework/types.go`` (``Resource.Add``, ``CalculateResource``) and
``P/noderesources/resource_allocation.go`` of kubernetes 1.36.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from pyscale.model.pods import Container, PodSpec
from pyscale.model.requests import ContainerRequest, effective_request, is_pod_level_resource
from pyscale.model.resources import CPU, EPHEMERAL_STORAGE, MEMORY, NANO, PODS, Resources

NATIVE = (CPU, MEMORY, EPHEMERAL_STORAGE)
_MILLI = NANO // 1000
DEFAULT_CPU = 100 * _MILLI
"""What a container without a CPU request is assumed to use when nodes are scored."""
DEFAULT_MEMORY = 200 * 2**20 * NANO


def is_extended_resource(name: str) -> bool:
    """Whether a name is that of an extended resource."""
    return "/" in name and "kubernetes.io/" not in name and not name.startswith("requests.")


def is_scalar_resource(name: str) -> bool:
    """Whether a resource is counted as a plain integer beside the native ones."""
    if name in NATIVE or name == PODS:
        return False
    return (
        is_extended_resource(name)
        or "kubernetes.io/" in name
        or name.startswith(("hugepages-", "attachable-volumes-"))
    )


def _wrapped(value: int) -> int:
    """The value in 64 bits, as Go's conversions leave it."""
    return (value + 2**63) % 2**64 - 2**63


def counted(amounts: Resources) -> dict[str, int]:
    """Return milli-CPU and whole units of all else, rounded up; other names are left out."""
    units = {}
    for name, amount in amounts.items():
        if name == CPU:
            units[name] = _wrapped(-(-amount // _MILLI))
        elif name in NATIVE or is_scalar_resource(name):
            units[name] = _wrapped(-(-amount // NANO))
    return units


def allowed_pods(allocatable: Resources) -> int:
    """Return how many pods a node may hold."""
    return _wrapped(-(-allocatable.get(PODS, 0) // NANO))


def container_request(container: Container) -> dict[str, int]:
    """Return a container's requests after API defaulting, in nano-units.

    A limit becomes the request where there is none; each entry is rounded up to a whole milli-unit.
    """
    entries = {**container.limits, **container.requests}
    return {name: -(-amount // _MILLI) * _MILLI for name, amount in entries.items()}


@dataclass(frozen=True)
class PodRequests:
    """What a pod asks for, as the different rules see it.

    Attributes
    ----------
    request : dict of int
        Filter, node totals and balanced allocation.
    non_zero : dict of int
        What the placed pod adds to the node's totals that LeastAllocated reads.
    fit_score : dict of int
        The pending pod as LeastAllocated sees it: pod-level requests are invisible to it.
    """

    request: Mapping[str, int]
    non_zero: Mapping[str, int]
    fit_score: Mapping[str, int]


def pod_requests(spec: PodSpec) -> PodRequests:
    """Return the request vectors of a pod."""
    spec = _with_pod_level_defaults(spec)
    effective = effective_request(spec, container_request)
    pod_level = [name for name in spec.resources if is_pod_level_resource(name)]
    defaulted: tuple[str, ...] = (CPU, MEMORY)
    if pod_level:
        defaulted = tuple(name for name in defaulted if name not in effective)
    return PodRequests(
        counted(effective),
        counted(effective_request(spec, _with_defaults(defaulted))),
        counted(effective_request(spec, _with_defaults((CPU, MEMORY)), pod_level=False)),
    )


def _with_pod_level_defaults(spec: PodSpec) -> PodSpec:
    """Pod-level limits become pod-level requests where no container asks for the resource."""
    if not spec.resource_limits:
        return spec
    asked = effective_request(spec, container_request, pod_level=False)
    missing = {
        name: amount
        for name, amount in spec.resource_limits.items()
        if name not in spec.resources and name not in asked and is_pod_level_resource(name)
    }
    return replace(spec, resources={**spec.resources, **missing}) if missing else spec


def _with_defaults(names: tuple[str, ...]) -> ContainerRequest:
    defaults = {CPU: DEFAULT_CPU, MEMORY: DEFAULT_MEMORY}
    defaults = {name: defaults[name] for name in names}

    def request(container: Container) -> dict[str, int]:
        return {**defaults, **container_request(container)}

    return request
