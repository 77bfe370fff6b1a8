"""What may be disrupted, how many at a time, and when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .requirements import LabelSelector


@dataclass(frozen=True, slots=True)
class PodDisruptionBudget:
    """A PodDisruptionBudget; ``min_available`` and ``max_unavailable`` as written (int or %)."""

    name: str
    namespace: str = "default"
    selector: LabelSelector | None = None
    min_available: int | str | None = None
    max_unavailable: int | str | None = None
    unhealthy_pod_eviction_policy: str | None = None
    disruptions_allowed: int = 0
    current_healthy: int = 0
    desired_healthy: int = 0
    expected_pods: int = 0
    disrupted_pods: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DisruptionBudget:
    """One budget of a NodePool: ``nodes`` as written (count or percentage).

    ``schedule`` is a five-field cron expression or an ``@`` word in UTC; ``duration_ns`` goes with
    it.  ``reasons`` None means all reasons.
    """

    nodes: str = "10%"
    reasons: tuple[str, ...] | None = None
    schedule: str | None = None
    duration_ns: int | None = None


@dataclass(frozen=True, slots=True)
class DisruptionSettings:
    """``spec.disruption`` of a NodePool; ``consolidate_after_ns`` None means Never."""

    consolidation_policy: str = "WhenEmptyOrUnderutilized"
    consolidate_after_ns: int | None = 0
    budgets: tuple[DisruptionBudget, ...] = (DisruptionBudget(),)
