"""Vertical pod autoscalers and LimitRanges, as their manifests write them.

Amounts are in nano-units like all resource lists of the model.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .resources import CPU, MEMORY, Resources

ALL_CONTAINERS = "*"


@dataclass(frozen=True, slots=True)
class ContainerPolicy:
    """``spec.resourcePolicy.containerPolicies[]``; ``mode`` Off leaves the container alone.

    ``controlled_values`` is RequestsAndLimits or RequestsOnly.
    """

    container: str = ALL_CONTAINERS
    mode: str = "Auto"
    min_allowed: Resources = field(default_factory=dict)
    max_allowed: Resources = field(default_factory=dict)
    controlled_resources: tuple[str, ...] = (CPU, MEMORY)
    controlled_values: str = "RequestsAndLimits"


@dataclass(frozen=True, slots=True)
class ContainerRecommendation:
    """What one container should request: four bounds."""

    container: str
    target: Resources
    lower_bound: Resources = field(default_factory=dict)
    upper_bound: Resources = field(default_factory=dict)
    uncapped_target: Resources = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class VerticalPodAutoscaler:
    """An ``autoscaling.k8s.io/v1`` VerticalPodAutoscaler."""

    name: str
    namespace: str = "default"
    annotations: Mapping[str, str] = field(default_factory=dict)
    target: str = ""
    update_mode: str = "Recreate"
    container_policies: tuple[ContainerPolicy, ...] = ()
    recommendation: tuple[ContainerRecommendation, ...] = ()

    def policy_of(self, container: str) -> ContainerPolicy:
        """Return the policy of the named container, else of ``*``, else the default."""
        by_name = {policy.container: policy for policy in self.container_policies}
        found = by_name.get(container) or by_name.get(ALL_CONTAINERS)
        return found or ContainerPolicy()


@dataclass(frozen=True, slots=True)
class LimitRangeItem:
    """One entry of a LimitRange; ``type`` is Container or Pod."""

    type: str
    minimum: Resources = field(default_factory=dict)
    maximum: Resources = field(default_factory=dict)
    default_limit: Resources = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LimitRange:
    """A namespace's LimitRange."""

    name: str
    items: tuple[LimitRangeItem, ...]
    namespace: str = "default"
