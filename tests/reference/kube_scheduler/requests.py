"""Effective pod requests and the vectors derived from them."""

from __future__ import annotations

from fractions import Fraction

from .arithmetic import ceil_fraction, parse_quantity

NATIVE_RESOURCES = ("cpu", "memory", "ephemeral-storage")

# what the scorers assume for a container without the entry. An explicit 0 stays 0.
DEFAULT_CPU = Fraction(100, 1000)
DEFAULT_MEMORY = Fraction(200 * 2**20)

Amounts = dict[str, Fraction]


def resource_list(entries: dict | None) -> Amounts:
    """A v1 ResourceList; API defaulting rounds each entry up to whole milli-units."""
    return {
        name: Fraction(ceil_fraction(parse_quantity(quantity) * 1000), 1000)
        for name, quantity in (entries or {}).items()
    }


def is_scalar_resource(name: str) -> bool:
    """Generic integer counters: extended resources, hugepages, attachable volumes."""
    if name in (*NATIVE_RESOURCES, "pods"):
        return False
    if is_extended_resource(name) or "kubernetes.io/" in name:
        return True
    return name.startswith(("hugepages-", "attachable-volumes-"))


def is_extended_resource(name: str) -> bool:
    return "/" in name and "kubernetes.io/" not in name and not name.startswith("requests.")


def is_pod_level_resource(name: str) -> bool:
    return name in ("cpu", "memory") or name.startswith("hugepages-")


def counted(amounts: Amounts) -> dict[str, int]:
    """Integer units of the resources that count.

    Cpu in millicores, the rest in whole units, rounded up.
    """
    units = {}
    for name, amount in amounts.items():
        if name == "cpu":
            units[name] = ceil_fraction(amount * 1000)
        elif name in NATIVE_RESOURCES or is_scalar_resource(name):
            units[name] = ceil_fraction(amount)
    return units


def container_request(container: dict, defaulted: tuple[str, ...] = ()) -> Amounts:
    """One container's requests, with 100m / 200MiB injected for the `defaulted` resources it
    lacks."""
    resources = container.get("resources", {})
    entries = dict(resources.get("requests", {}))
    for name, quantity in resources.get("limits", {}).items():
        entries.setdefault(
            name, quantity
        )  # API defaulting: a limit without a request becomes the request
    request = resource_list(entries)
    if "cpu" in defaulted:
        request.setdefault("cpu", DEFAULT_CPU)
    if "memory" in defaulted:
        request.setdefault("memory", DEFAULT_MEMORY)
    return request


def _add(total: Amounts, more: Amounts) -> None:
    for name, amount in more.items():
        total[name] = total.get(name, Fraction(0)) + amount


def _raise_to(maximum: Amounts, candidate: Amounts) -> None:
    for name, amount in candidate.items():
        if name not in maximum or amount > maximum[name]:
            maximum[name] = amount


def is_sidecar(init_container: dict) -> bool:
    return init_container.get("restartPolicy") == "Always"


def pod_level_requests(spec: dict) -> dict[str, str]:
    requests = spec.get("resources", {}).get("requests", {})
    return {name: quantity for name, quantity in requests.items() if is_pod_level_resource(name)}


def effective_request(
    spec: dict, defaulted: tuple[str, ...] = (), with_pod_level: bool = True
) -> Amounts:
    """The effective pod request, as exact amounts (absent is not the same as 0)."""
    main: Amounts = {}
    sidecars_so_far: Amounts = {}
    init_maximum: Amounts = {}
    for container in spec.get("containers", []):
        _add(main, container_request(container, defaulted))
    for container in spec.get("initContainers", []):
        request = container_request(container, defaulted)
        if is_sidecar(container):
            _add(main, request)
            _add(sidecars_so_far, request)
            in_use = dict(sidecars_so_far)
        else:
            in_use = dict(request)
            _add(in_use, sidecars_so_far)
        _raise_to(init_maximum, in_use)
    total = dict(main)
    _raise_to(total, init_maximum)
    if with_pod_level:
        for name, quantity in pod_level_requests(spec).items():
            total[name] = parse_quantity(quantity)  # replaces, does not take the maximum
    _add(total, resource_list(spec.get("overhead")))
    return total


def filter_request(spec: dict) -> dict[str, int]:
    """What NodeResourcesFit's filter, the node totals and BalancedAllocation use."""
    return counted(effective_request(spec))


def non_zero_request(spec: dict) -> dict[str, int]:
    """What the pod adds to its node's NonZeroRequested."""
    defaulted: tuple[str, ...] = ("cpu", "memory")
    if pod_level_requests(spec):
        present = effective_request(spec)
        defaulted = tuple(name for name in defaulted if name not in present)
    return counted(effective_request(spec, defaulted))


def fit_score_request(spec: dict) -> dict[str, int]:
    """The pending pod as the Fit scorer sees it.

    Defaults injected, pod-level requests invisible.
    """
    return counted(effective_request(spec, ("cpu", "memory"), with_pod_level=False))
