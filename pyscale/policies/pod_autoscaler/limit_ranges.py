"""LimitRanges of a namespace, and how a recommendation is made to fit them.

Follows kubernetes/autoscaler ``vertical-pod-autoscaler/pkg/utils/limitrange`` and
``pkg/utils/vpa/capping.go``.  Amounts are in milli-units; memory is cut to whole bytes where
upstream computes in bytes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ...model.pods import Container
from ...model.resources import CPU, Resources
from ...model.vertical import LimitRange

Amounts = dict[str, int]
_NANO_PER_MILLI = 1_000_000
_MILLI = 1000


def milli_amounts(resources: Resources) -> Amounts:
    """Return a resource list in milli-units, rounded up."""
    return {name: -(-amount // _NANO_PER_MILLI) for name, amount in resources.items()}


def share_of(amount: int, numerator: int, denominator: int, resource: str) -> int:
    """Return ``amount * numerator / denominator``, cut to millicores or whole bytes."""
    result = amount * numerator // denominator
    return result if resource == CPU else result // _MILLI * _MILLI


@dataclass(slots=True)
class Limits:
    """All LimitRange items of one type: the largest minimum, the smallest maximum.

    The default limits are those of the last item that has any, as a whole; upstream reads several
    LimitRanges in map order, so which one is last is arbitrary there.
    """

    minimum: Amounts = field(default_factory=dict)
    maximum: Amounts = field(default_factory=dict)
    default_limit: Amounts = field(default_factory=dict)


def combined(limit_ranges: Sequence[LimitRange], kind: str) -> Limits:
    """Combine the items of one type, Container or Pod."""
    result = Limits()
    for item in (item for limit_range in limit_ranges for item in limit_range.items):
        if item.type != kind:
            continue
        for resource, amount in milli_amounts(item.minimum).items():
            result.minimum[resource] = max(amount, result.minimum.get(resource, amount))
        for resource, amount in milli_amounts(item.maximum).items():
            result.maximum[resource] = min(amount, result.maximum.get(resource, amount))
        if item.default_limit:
            result.default_limit = milli_amounts(item.default_limit)
    return result


def original_ratio(
    container: Container, resource: str, defaults: Mapping[str, int]
) -> tuple[int, int] | None:
    """Return the container's (request, limit), None without a limit.

    A default limit counts as the container's; a limit without a request counts as both.
    """
    limit = milli_amounts(container.limits).get(resource, defaults.get(resource))
    if not limit:
        return None
    return milli_amounts(container.requests).get(resource) or limit, limit


def proportional_limit(
    container: Container, resource: str, request: int, defaults: Mapping[str, int]
) -> int | None:
    """Return the limit that keeps the original ratio; None without one, or for a request of 0."""
    ratio = original_ratio(container, resource, defaults)
    if ratio is None or request == 0:
        return None
    return share_of(request, ratio[1], ratio[0], resource)


def fit_pod(
    requests: Mapping[str, Amounts], containers: Mapping[str, Container], limits: Limits
) -> None:
    """Scale all containers by one factor so that the pod fits its LimitRange, in place.

    Once scaled up to the minimum, the maximum is not looked at.  A resource for which the pod has
    no limit is left alone; default limits do not count here.
    """
    for resource in sorted({*limits.minimum, *limits.maximum}):
        minimum, maximum = limits.minimum.get(resource), limits.maximum.get(resource)
        total = 0
        for name, amounts in requests.items():
            if resource in amounts:
                limit = proportional_limit(containers[name], resource, amounts[resource], {})
                total += limit or 0
        if total == 0:
            continue
        requested = sum(amounts.get(resource, 0) for amounts in requests.values())
        if minimum is not None and requested < minimum:
            _scale(requests, resource, minimum, requested, round_up=resource == CPU)
        elif minimum is not None and total < minimum:
            _scale(requests, resource, minimum, total)
        elif maximum is not None and total > maximum:
            _scale(requests, resource, maximum, total)


def _scale(
    requests: Mapping[str, Amounts],
    resource: str,
    numerator: int,
    denominator: int,
    round_up: bool = False,
) -> None:
    if denominator == 0:
        return
    for amounts in requests.values():
        amount = amounts.get(resource, 0)  # without a recommendation it becomes an explicit 0
        if round_up:
            amounts[resource] = -(-amount * numerator // denominator)
        else:
            amounts[resource] = share_of(amount, numerator, denominator, resource)


def fit_container(amounts: Amounts, container: Container, limits: Limits) -> list[str]:
    """Fit one container's request, and the limit that follows from it, in place.

    Returns
    -------
    list of str
        What was capped, in upstream's words.  The minimum comes first, so the maximum wins.
    """
    capped = []
    for resource in amounts:
        ratio = original_ratio(container, resource, limits.default_limit)
        if resource in limits.minimum:
            least = limits.minimum[resource]
            if ratio is not None:
                least = max(least, share_of(least, ratio[0], ratio[1], resource))
            if amounts[resource] < least:
                amounts[resource] = least
                capped.append(f"{resource} capped to fit Min in container LimitRange")
        if resource in limits.maximum and ratio is not None:
            most = share_of(limits.maximum[resource], ratio[0], ratio[1], resource)
            if amounts[resource] > most:
                amounts[resource] = most
                capped.append(f"{resource} capped to fit Max in container LimitRange")
    return capped
