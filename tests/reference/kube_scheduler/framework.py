"""Runs the plugins of a profile in order."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .cluster import Cluster
from .filters_node import NodeAffinity, NodeName, NodePorts, NodeUnschedulable, TaintToleration
from .filters_resources import NodeResourcesFit
from .filters_volumes import NodeVolumeLimits, VolumeBinding, VolumeRestrictions, VolumeZone
from .model import Node, Pod
from .node_scores import ImageLocality, NodeAffinityScore, TaintTolerationScore
from .plugin import FilterPlugin, PreFilterResult, ScorePlugin, Scores
from .pod_affinity import InterPodAffinity, InterPodAffinityScore
from .profile import Profile
from .resource_scores import NodeResourcesBalancedAllocation, NodeResourcesFitScore
from .status import UNRESOLVABLE, Status
from .topology_spread import PodTopologySpread
from .topology_spread_score import PodTopologySpreadScore

FILTER_PLUGINS: tuple[type[FilterPlugin], ...] = (
    NodeUnschedulable,
    NodeName,
    TaintToleration,
    NodeAffinity,
    NodePorts,
    NodeResourcesFit,
    VolumeRestrictions,
    NodeVolumeLimits,
    VolumeBinding,
    VolumeZone,
    PodTopologySpread,
    InterPodAffinity,
)
SCORE_PLUGINS: tuple[type[ScorePlugin], ...] = (
    TaintTolerationScore,
    NodeAffinityScore,
    NodeResourcesFitScore,
    PodTopologySpreadScore,
    InterPodAffinityScore,
    NodeResourcesBalancedAllocation,
    ImageLocality,
)


@dataclass
class CycleState:
    """What PreFilter left for the filters of one scheduling cycle."""

    plugin_states: dict[str, Any] = field(default_factory=dict)  # only of plugins that did not skip
    node_names: set[str] | None = None
    failure: Status | None = None
    results: dict[str, PreFilterResult] = field(default_factory=dict)


class Framework:
    def __init__(self, profile: Profile):
        self.profile = profile
        self.filter_plugins = [plugin(profile) for plugin in FILTER_PLUGINS]
        self.score_plugins = [
            plugin(profile) for plugin in SCORE_PLUGINS if plugin.name in profile.score_weights
        ]

    # --- filtering ---

    def run_pre_filter(self, pod: Pod, cluster: Cluster) -> CycleState:
        cycle = CycleState()
        for plugin in self.filter_plugins:
            result = plugin.pre_filter(pod, cluster)
            cycle.results[plugin.name] = result
            if result.status is not None:
                if cycle.failure is None or result.status.code == UNRESOLVABLE:
                    cycle.failure = result.status
                if result.status.code == UNRESOLVABLE:
                    break
                continue
            if result.skip:
                continue
            cycle.plugin_states[plugin.name] = result.state
            if result.node_names is not None:
                known = cycle.node_names
                cycle.node_names = result.node_names if known is None else known & result.node_names
        return cycle

    def run_filters(self, pod: Pod, node: Node, cycle: CycleState) -> Status | None:
        """Profile order, stops at the first failure."""
        for plugin in self.filter_plugins:
            if plugin.name in cycle.plugin_states:
                status = plugin.filter(cycle.plugin_states[plugin.name], pod, node)
                if status is not None:
                    return status
        return None

    def run_filters_with_nominated(
        self, pod: Pod, node: Node, cycle: CycleState, cluster: Cluster
    ) -> Status | None:
        """With pods of at least the same priority nominated to the node added first, then
        without."""
        nominated = [
            other
            for other in cluster.nominated.get(node.name, [])
            if other.priority >= pod.priority and other.key != pod.key
        ]
        if nominated:
            crowded_node, crowded_cycle = node.copy(), self.copy_cycle(cycle)
            for other in nominated:
                crowded_node.add_pod(other)
                self.account(crowded_cycle, pod, crowded_node, other, 1)
            status = self.run_filters(pod, crowded_node, crowded_cycle)
            if status is not None:
                return status
        return self.run_filters(pod, node, cycle)

    def account(self, cycle: CycleState, pod: Pod, node: Node, other: Pod, sign: int) -> None:
        """AddPod / RemovePod of every plugin that did not skip."""
        for plugin in self.filter_plugins:
            if plugin.name in cycle.plugin_states:
                plugin.account(cycle.plugin_states[plugin.name], pod, node, other, sign)

    def copy_cycle(self, cycle: CycleState) -> CycleState:
        states = {
            plugin.name: plugin.copy_state(cycle.plugin_states[plugin.name])
            for plugin in self.filter_plugins
            if plugin.name in cycle.plugin_states
        }
        return CycleState(states, cycle.node_names, cycle.failure, cycle.results)

    # --- scoring ---

    def run_scores(
        self, pod: Pod, feasible: list[Node], cluster: Cluster
    ) -> tuple[dict[str, Scores | None], list[int]]:
        """Scores per plugin (None if skipped) and the weighted totals."""
        by_plugin: dict[str, Scores | None] = {}
        totals = [0] * len(feasible)
        for plugin in self.score_plugins:
            scores = plugin.score(pod, feasible, cluster)
            by_plugin[plugin.name] = scores
            if scores is not None:
                weight = self.profile.score_weights[plugin.name]
                totals = [
                    total + weight * score
                    for total, score in zip(totals, scores.final, strict=False)
                ]
        return by_plugin, totals
