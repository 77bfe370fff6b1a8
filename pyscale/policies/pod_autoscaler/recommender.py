"""From usage to recommendations: percentile, margin, confidence, minimum, and capping by policy.

Follows kubernetes/autoscaler ``vertical-pod-autoscaler/pkg/recommender/logic`` and
``pkg/recommender/routines`` (post-processors).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from ...kernel._histogram import HistogramBank
from ...model.resources import CPU, MEMORY, Resources
from ...model.vertical import ContainerPolicy, VerticalPodAutoscaler
from .usage import Aggregate, amount, scaled

Amounts = dict[str, int]
"""Resource -> millicores or bytes."""

BOUNDS = ("target", "lower_bound", "upper_bound")
_NANO_PER_UNIT = {CPU: 1_000_000, MEMORY: 1_000_000_000}
_INTEGER_CPU = "vpa-post-processor.kubernetes.io/{}_integerCPU"


@dataclass(frozen=True, slots=True)
class RecommenderOptions:
    """Settings of the recommender, named as its flags; ``max_allowed`` is in nano-units."""

    recommendation_margin_fraction: float = 0.15
    pod_recommendation_min_cpu_millicores: float = 25.0
    pod_recommendation_min_memory_mb: float = 250.0
    target_cpu_percentile: float = 0.9
    round_cpu_millicores: int = 1
    round_memory_bytes: int = 1
    oom_bump_up_ratio: float = 1.2
    oom_min_bump_up_bytes: float = 104_857_600.0
    histogram_decay_half_life_s: int = 86_400
    container_recommendation_max_allowed: Resources = field(default_factory=dict)
    cpu_integer_post_processor_enabled: bool = False


@dataclass(slots=True)
class Recommendation:
    """The bounds of one container, in millicores and bytes."""

    target: Amounts
    lower_bound: Amounts
    upper_bound: Amounts
    uncapped_target: Amounts = field(default_factory=dict)

    def all_bounds(self) -> tuple[Amounts, ...]:
        """Return all four bounds."""
        return self.target, self.lower_bound, self.upper_bound, self.uncapped_target


def units_of(resource: str, nano: int) -> int:
    """Return nano-units as millicores or bytes, rounded up."""
    return -(-nano // _NANO_PER_UNIT[resource])


def recommend(
    vpa: VerticalPodAutoscaler, usage: Mapping[str, Aggregate], options: RecommenderOptions
) -> dict[str, Recommendation]:
    """Recommend requests for each container under an autoscaler.

    Parameters
    ----------
    vpa : VerticalPodAutoscaler
    usage : mapping of str to Aggregate
        Merged by container name.
    options : RecommenderOptions

    Returns
    -------
    dict of Recommendation
        Containers whose policy mode is Off are left out.
    """
    active = {name: it for name, it in usage.items() if vpa.policy_of(name).mode != "Off"}
    result = {}
    for name, aggregate in active.items():
        policy = vpa.policy_of(name)
        found = _estimate(aggregate, 1.0 / len(active), options)
        for bound in found.all_bounds():
            for resource in set(bound) - set(policy.controlled_resources):
                del bound[resource]
            _round(bound, options)
        found.uncapped_target = dict(found.target)
        if (
            options.cpu_integer_post_processor_enabled
            and vpa.annotations.get(_INTEGER_CPU.format(name)) == "true"
        ):
            for bound in found.all_bounds():
                if CPU in bound:
                    bound[CPU] = -(-bound[CPU] // 1000) * 1000
        for name_of_bound in BOUNDS:
            _cap(getattr(found, name_of_bound), policy, options)
        result[name] = found
    return result


def _estimate(aggregate: Aggregate, share: float, options: RecommenderOptions) -> Recommendation:
    # Millicores go to cores and back, and MB to bytes, as upstream computes: the last bits count.
    least = {
        CPU: scaled(amount(options.pod_recommendation_min_cpu_millicores * 0.001 * 1000.0), share),
        MEMORY: scaled(amount(options.pod_recommendation_min_memory_mb * 1024 * 1024), share),
    }
    days = aggregate.confidence
    lower, upper = 0.0, math.inf
    if days:
        base = 1.0 + 0.001 / days
        lower, upper = 1.0 / (base * base), 1.0 + 1.0 / days

    def bounds(cpu: float, memory: float, factor: float | None) -> Amounts:
        banks, row = aggregate.banks, aggregate.row
        both = {
            CPU: _bounded(banks.cpu, row, cpu, 1000.0, factor, options),
            MEMORY: _bounded(banks.memory, row, memory, 1.0, factor, options),
        }
        return {resource: max(value, least[resource]) for resource, value in both.items()}

    return Recommendation(
        target=bounds(options.target_cpu_percentile, 0.9, None),
        lower_bound=bounds(0.5, 0.5, lower),
        upper_bound=bounds(0.95, 0.95, upper),
    )


def _bounded(
    bank: HistogramBank,
    row: int,
    percentile: float,
    units: float,
    factor: float | None,
    options: RecommenderOptions,
) -> int:
    base = amount(bank.percentile(row, percentile) * units)
    with_margin = base + scaled(base, options.recommendation_margin_fraction)
    return with_margin if factor is None else scaled(with_margin, factor)


def _round(bound: Amounts, options: RecommenderOptions) -> None:
    steps = ((CPU, options.round_cpu_millicores), (MEMORY, options.round_memory_bytes))
    for resource, step in steps:
        if step != 1 and bound.get(resource):
            bound[resource] = math.ceil(bound[resource] / step) * step


def _cap(bound: Amounts, policy: ContainerPolicy, options: RecommenderOptions) -> None:
    """Clamp to the policy; the global maximum applies where the policy has none."""
    for resource in bound:
        maximum = policy.max_allowed.get(
            resource, options.container_recommendation_max_allowed.get(resource)
        )
        if resource in policy.min_allowed:
            least = units_of(resource, policy.min_allowed[resource])
            bound[resource] = max(bound[resource], least)
        if maximum is not None:
            bound[resource] = min(bound[resource], units_of(resource, maximum))
