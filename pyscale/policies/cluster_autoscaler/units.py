"""Integer amounts as the scheduler counts them: milli-CPU, bytes and counts."""

from __future__ import annotations

from ...model.pods import Container, PodSpec
from ...model.requests import effective_request
from ...model.resources import CPU, EPHEMERAL_STORAGE, MEMORY, NANO, PODS, Resources

MILLI = 1_000_000
_NATIVE = (CPU, MEMORY, EPHEMERAL_STORAGE)


def is_counted(name: str) -> bool:
    """Whether the scheduler counts a resource: native, extended, hugepages, volumes; not pods."""
    if name in _NATIVE:
        return True
    return "/" in name or name.startswith(("hugepages-", "attachable-volumes-"))


def counted(resources: Resources) -> dict[str, int]:
    """Convert nano-units to counted units, rounded up; what does not count is left out."""
    return {
        name: -(-amount // (MILLI if name == CPU else NANO))
        for name, amount in resources.items()
        if is_counted(name)
    }


def node_units(resources: Resources) -> dict[str, int]:
    """Convert a node's nano-units to counted units, pods included."""
    found = counted(resources)
    if PODS in resources:
        found[PODS] = -(-resources[PODS] // NANO)
    return found


def container_request(container: Container) -> dict[str, int]:
    """Return a container's request in nano-units; API defaulting makes a limit a request.

    Each entry is rounded up to whole milli-units, as defaulting does too.
    """
    entries = {**container.limits, **container.requests}
    return {name: -(-amount // MILLI) * MILLI for name, amount in entries.items()}


def pod_request(spec: PodSpec) -> dict[str, int]:
    """Return what a pod asks for, in counted units."""
    return counted(effective_request(spec, container_request))
