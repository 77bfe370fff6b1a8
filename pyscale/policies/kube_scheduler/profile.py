"""A scheduler profile: which rules run, with which weights and arguments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from pyscale.model.requirements import NodeSelectorTerm, PreferredNodeSelectorTerm
from pyscale.model.topology import TopologySpreadConstraint

from .rules import UserRule

FILTER_PLUGINS = (
    "NodeUnschedulable",
    "NodeName",
    "TaintToleration",
    "NodeAffinity",
    "NodePorts",
    "NodeResourcesFit",
    "VolumeRestrictions",
    "NodeVolumeLimits",
    "VolumeBinding",
    "VolumeZone",
    "PodTopologySpread",
    "InterPodAffinity",
)
"""Filters in the order of the default profile, which is also the order of the kernel."""

SCORE_PLUGINS = (
    "TaintToleration",
    "NodeAffinity",
    "NodeResourcesFit",
    "PodTopologySpread",
    "InterPodAffinity",
    "NodeResourcesBalancedAllocation",
    "ImageLocality",
)
"""Scorers in the order of the default profile, which is also the order of the kernel."""

DEFAULT_SCORE_WEIGHTS: Mapping[str, int] = MappingProxyType(
    dict(zip(SCORE_PLUGINS, (3, 2, 1, 2, 2, 1, 1), strict=True))
)

DO_NOT_SCHEDULE = "DoNotSchedule"
SCHEDULE_ANYWAY = "ScheduleAnyway"
SYSTEM_SPREAD_CONSTRAINTS = (
    TopologySpreadConstraint(3, "kubernetes.io/hostname", SCHEDULE_ANYWAY),
    TopologySpreadConstraint(5, "topology.kubernetes.io/zone", SCHEDULE_ANYWAY),
)
VERSIONS = ("1.34", "1.35", "1.36")
STRATEGIES = ("LeastAllocated", "MostAllocated", "RequestedToCapacityRatio")


@dataclass(frozen=True)
class ScoringStrategy:
    """How NodeResourcesFit scores.

    Attributes
    ----------
    type : str
        LeastAllocated, MostAllocated or RequestedToCapacityRatio.
    resources : tuple of (str, int)
        Name and weight.
    shape : tuple of (int, int)
        Utilisation 0..100 and score 0..10 of each point, for RequestedToCapacityRatio.
    """

    type: str = "LeastAllocated"
    resources: tuple[tuple[str, int], ...] = (("cpu", 1), ("memory", 1))
    shape: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True)
class Profile:
    """The default profile of kube-scheduler 1.36, unless fields say otherwise.

    Attributes
    ----------
    filters : frozenset of str
        Filter plugins that run.
    score_weights : mapping of str to int
        Score plugins that run, with their weights.
    percentage_of_nodes_to_score : int
        0 is adaptive.
    scoring_strategy : ScoringStrategy
    balanced_resources : tuple of str
    hard_pod_affinity_weight : int
    ignore_preferred_terms_of_existing_pods : bool
    default_spread_constraints : tuple of TopologySpreadConstraint
    default_spread_is_system : bool
        Whether they are the system's, which do not require a node to have their keys.
    ignored_resources, ignored_resource_groups : frozenset of str
        Extended resources that the filter leaves out.
    added_affinity : tuple of NodeSelectorTerm, optional
        Node affinity that the profile adds to every pod.
    added_preferences : tuple of PreferredNodeSelectorTerm
    preemption : bool
        Whether pods that fit nowhere preempt less important ones (plugin DefaultPreemption).
    min_candidate_nodes_percentage, min_candidate_nodes_absolute : int
        How many nodes preemption looks at.
    scheduler_name : str
    version : str
        Behaviour of kube-scheduler 1.34, 1.35 or 1.36 where they differ.
    tie_break : str
        ``heap`` (1.35 and 1.36: the root of a heap) or ``first``.
    rules : tuple of UserRule
        Rules of one's own, after those built in.
    """

    filters: frozenset[str] = frozenset(FILTER_PLUGINS)
    score_weights: Mapping[str, int] = field(default_factory=lambda: dict(DEFAULT_SCORE_WEIGHTS))
    percentage_of_nodes_to_score: int = 0
    scoring_strategy: ScoringStrategy = ScoringStrategy()
    balanced_resources: tuple[str, ...] = ("cpu", "memory")
    hard_pod_affinity_weight: int = 1
    ignore_preferred_terms_of_existing_pods: bool = False
    default_spread_constraints: tuple[TopologySpreadConstraint, ...] = SYSTEM_SPREAD_CONSTRAINTS
    default_spread_is_system: bool = True
    ignored_resources: frozenset[str] = frozenset()
    ignored_resource_groups: frozenset[str] = frozenset()
    added_affinity: tuple[NodeSelectorTerm, ...] | None = None
    added_preferences: tuple[PreferredNodeSelectorTerm, ...] = ()
    preemption: bool = True
    min_candidate_nodes_percentage: int = 10
    min_candidate_nodes_absolute: int = 100
    scheduler_name: str = "default-scheduler"
    version: str = "1.36"
    tie_break: str = "heap"
    rules: tuple[UserRule, ...] = ()

    def __post_init__(self) -> None:
        if self.version not in VERSIONS:
            raise ValueError(f"version must be one of {VERSIONS}, found {self.version!r}")
        if self.tie_break not in ("heap", "first"):
            raise ValueError(f"tie_break must be 'heap' or 'first', found {self.tie_break!r}")
        for name in self.filters:
            if name not in FILTER_PLUGINS:
                raise ValueError(f"filters: unknown filter plugin {name!r}")
        for name, weight in self.score_weights.items():
            if name not in SCORE_PLUGINS:
                raise ValueError(f"score_weights: unknown score plugin {name!r}")
            if not 1 <= weight <= MAX_WEIGHT:
                raise ValueError(
                    f"score_weights[{name!r}]: expected 1 to {MAX_WEIGHT}, found {weight}"
                )


MAX_WEIGHT = 1_000_000
"""Upstream only forbids that 100 times the sum of the weights overflows 64 bits; totals here are
kept in 32, which a million per plugin cannot overflow."""
