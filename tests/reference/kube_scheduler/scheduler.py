"""One scheduling cycle: sampling, feasible nodes, the choice of the host."""

from __future__ import annotations

from dataclasses import dataclass, field

from .cluster import Cluster
from .framework import CycleState, Framework
from .model import Node, Pod
from .plugin import Scores
from .status import Status, fit_error_message

OUTSIDE_PRE_FILTER_SET = "node(s) didn't satisfy plugin(s) [NodeAffinity]"


@dataclass
class CycleResult:
    cycle: CycleState | None = None
    feasible: list[Node] = field(default_factory=list)
    failed: dict[str, Status] = field(default_factory=dict)  # by node name
    message: str | None = None  # the FitError text, if no node is feasible
    nodes_wanted: int = 0  # K(n)
    scanned: list[str] = field(default_factory=list)
    scores: dict[str, Scores | None] = field(default_factory=dict)
    totals: list[int] | None = None
    chosen: Node | None = None

    def top_nodes(self) -> list[str]:
        """All nodes with the best total, or the only feasible one."""
        if self.totals is None:
            return sorted(node.name for node in self.feasible)
        best = max(self.totals)
        return sorted(
            node.name
            for node, total in zip(self.feasible, self.totals, strict=False)
            if total == best
        )

    @property
    def failed_in_pre_filter(self) -> bool:
        return self.cycle is not None and self.cycle.failure is not None


def nodes_to_find(node_count: int, percentage: int) -> int:
    """K(n); percentage 0 means adaptive."""
    if node_count < 100:
        return node_count
    percentage = percentage or max(5, 50 - node_count // 125)
    return max(100, node_count * percentage // 100)


class Scheduler:
    def __init__(self, framework: Framework, cluster: Cluster):
        self.framework = framework
        self.cluster = cluster
        self.next_start_index = 0

    def schedule(self, pod: Pod) -> CycleResult:
        """Filter, score, choose. The pod is not placed."""
        result = self.find_feasible_nodes(pod)
        if len(result.feasible) == 1:
            result.chosen = result.feasible[0]
        elif result.feasible:
            result.scores, result.totals = self.framework.run_scores(
                pod, result.feasible, self.cluster
            )
            result.chosen = result.feasible[heap_root(result.totals)]
        return result

    def find_feasible_nodes(self, pod: Pod) -> CycleResult:
        nodes = self.cluster.refresh()
        if not nodes:
            return CycleResult(message="no nodes available to schedule pods")
        cycle = self.framework.run_pre_filter(pod, self.cluster)
        result = CycleResult(cycle)
        if cycle.failure is not None:
            result.message = (
                f"0/{len(nodes)} nodes are available: {', '.join(cycle.failure.reasons)}."
            )
            return result
        nominated = (
            self.cluster.nodes.get(pod.nominated_node_name) if pod.nominated_node_name else None
        )
        if nominated is not None:
            # The fast path does not move the start index.
            status = self._filter(pod, nominated, result)
            if status is None:
                result.feasible = [nominated]
                return result
        self._scan(pod, nodes, result)
        if not result.feasible:
            result.message = self._fit_error(nodes, result)
        return result

    def _filter(self, pod: Pod, node: Node, result: CycleResult) -> Status | None:
        status = self.framework.run_filters_with_nominated(pod, node, result.cycle, self.cluster)
        result.scanned.append(node.name)
        if status is not None:
            result.failed[node.name] = status
        return status

    def _scan(self, pod: Pod, nodes: list[Node], result: CycleResult) -> None:
        """From the start index on until K nodes are feasible and one more is met.

        That one is discarded.
        """
        candidates = nodes
        if result.cycle.node_names is not None:
            # Upstream scans several names in map order; here they are sorted.
            candidates = [
                self.cluster.nodes[n]
                for n in sorted(result.cycle.node_names)
                if n in self.cluster.nodes
            ]
        result.nodes_wanted = nodes_to_find(
            len(candidates), self.framework.profile.percentage_of_nodes_to_score
        )
        for i in range(len(candidates)):
            node = candidates[(self.next_start_index + i) % len(candidates)]
            if self._filter(pod, node, result) is None:
                if len(result.feasible) == result.nodes_wanted:
                    break
                result.feasible.append(node)
        visited = len(result.feasible) + len(result.failed)
        self.next_start_index = (self.next_start_index + visited) % len(nodes)

    @staticmethod
    def _fit_error(nodes: list[Node], result: CycleResult) -> str:
        counts: dict[str, int] = {}
        for status in result.failed.values():
            for reason in status.reasons:
                counts[reason] = counts.get(reason, 0) + 1
        outside = len(nodes) - len(result.failed)
        if result.cycle.node_names is not None and outside > 0:
            counts[OUTSIDE_PRE_FILTER_SET] = counts.get(OUTSIDE_PRE_FILTER_SET, 0) + outside
        return fit_error_message(len(nodes), counts)


def heap_root(totals: list[int]) -> int:
    """The index left at the root of a max-heap built in place over the totals.

    Ties are resolved by heap position alone: the right child is preferred only if strictly
    greater, and a
    parent moves down only under a strictly greater child.
    """
    heap = list(range(len(totals)))
    for start in range(len(heap) // 2 - 1, -1, -1):
        parent = start
        while 2 * parent + 1 < len(heap):
            child = 2 * parent + 1
            right = child + 1
            if right < len(heap) and totals[heap[right]] > totals[heap[child]]:
                child = right
            if totals[heap[child]] <= totals[heap[parent]]:
                break
            heap[parent], heap[child] = heap[child], heap[parent]
            parent = child
    return heap[0]
