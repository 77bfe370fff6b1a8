"""The effective request of a pod: containers, init containers, sidecars, pod level and overhead.

The three programs agree on how the parts are put together and differ in what a single container
asks for (defaults, limits that become requests, rounding); that part is a parameter here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from .pods import Container, PodSpec
from .resources import CPU, MEMORY, Resources

ContainerRequest = Callable[[Container], Mapping[str, int]]


def is_sidecar(container: Container) -> bool:
    """Whether an init container keeps running beside the app containers."""
    return container.restart_policy == "Always"


def is_pod_level_resource(name: str) -> bool:
    """Whether ``spec.resources`` may name the resource."""
    return name in (CPU, MEMORY) or name.startswith("hugepages-")


def written_request(container: Container) -> Resources:
    """Return the container's requests as written."""
    return container.requests


def effective_request(
    spec: PodSpec, of_container: ContainerRequest = written_request, pod_level: bool = True
) -> dict[str, int]:
    """Return what a pod needs of each resource, in nano-units.

    Parameters
    ----------
    spec : PodSpec
    of_container : callable
        Request of one container or init container, in nano-units.
    pod_level : bool
        Whether pod-level requests replace the sum over the containers.

    Returns
    -------
    dict of int
        Only resources that some part names: absent is not the same as 0.

    Notes
    -----
    Follows kubernetes ``component-helpers/resource/helpers.go:PodRequests``.  A sidecar counts
    beside the app containers and beside every init container declared after it.
    """
    total: dict[str, int] = {}
    sidecars: dict[str, int] = {}
    peak: dict[str, int] = {}
    for container in spec.containers:
        _add(total, of_container(container))
    for container in spec.init_containers:
        request = of_container(container)
        if is_sidecar(container):
            _add(total, request)
            _add(sidecars, request)
            in_use = sidecars
        else:
            in_use = dict(request)
            _add(in_use, sidecars)
        for name, amount in in_use.items():
            if name not in peak or amount > peak[name]:
                peak[name] = amount
    for name, amount in peak.items():
        if name not in total or amount > total[name]:
            total[name] = amount
    if pod_level:
        for name, amount in spec.resources.items():
            if is_pod_level_resource(name):
                total[name] = amount
    _add(total, spec.overhead)
    return total


def _add(total: dict[str, int], more: Mapping[str, int]) -> None:
    for name, amount in more.items():
        total[name] = total.get(name, 0) + amount
