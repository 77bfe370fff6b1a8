"""NodeResourcesFit as a score and NodeResourcesBalancedAllocation."""

from __future__ import annotations

import math

from .arithmetic import round_half_away, truncated_division
from .cluster import Cluster
from .model import Node, Pod
from .plugin import ScorePlugin, Scores
from .requests import is_scalar_resource

DEFAULT_SCORING_STRATEGY = {
    "type": "LeastAllocated",
    "resources": [{"name": "cpu", "weight": 1}, {"name": "memory", "weight": 1}],
}


def counts_for_node(node: Node, resource: str, pod_amount: int) -> bool:
    """Whether an entry is scored at all: neither an unrequested scalar nor absent from the node."""
    if is_scalar_resource(resource) and pod_amount == 0:
        return False
    return node.allocatable.get(resource, 0) != 0


class NodeResourcesFitScore(ScorePlugin):
    name = "NodeResourcesFit"

    def score(self, pod: Pod, feasible: list[Node], cluster: Cluster) -> Scores:
        strategy = self.args.get("scoringStrategy") or DEFAULT_SCORING_STRATEGY
        return Scores([self._score_node(strategy, pod, node) for node in feasible])

    def _score_node(self, strategy: dict, pod: Pod, node: Node) -> int:
        weighted_sum = weight_sum = 0
        ratio_shaped = strategy["type"] == "RequestedToCapacityRatio"
        for entry in strategy.get("resources") or []:
            resource, weight = entry["name"], entry.get("weight", 1) or 1
            pod_amount = pod.fit_score_request.get(resource, 0)
            if not counts_for_node(node, resource, pod_amount):
                continue
            allocatable = node.allocatable[resource]
            used = node.non_zero_requested if resource in ("cpu", "memory") else node.requested
            requested = used.get(resource, 0) + pod_amount
            score = self._score_resource(strategy, requested, allocatable)
            if ratio_shaped and score == 0:
                continue  # left out of both sums
            weighted_sum += score * weight
            weight_sum += weight
        if weight_sum == 0:
            return 0
        if ratio_shaped:
            return round_half_away(weighted_sum / weight_sum)
        return truncated_division(weighted_sum, weight_sum)

    @staticmethod
    def _score_resource(strategy: dict, requested: int, allocatable: int) -> int:
        if strategy["type"] == "LeastAllocated":
            return (
                0
                if requested > allocatable
                else truncated_division((allocatable - requested) * 100, allocatable)
            )
        if strategy["type"] == "MostAllocated":
            return truncated_division(min(requested, allocatable) * 100, allocatable)
        utilization = (
            100 if requested > allocatable else truncated_division(requested * 100, allocatable)
        )
        return shape_score(strategy["requestedToCapacityRatio"]["shape"], utilization)


def shape_score(shape: list[dict], utilization: int) -> int:
    """Linear interpolation over the shape's points; their scores 0..10 are scaled by 10."""
    points = [(point["utilization"], point["score"] * 10) for point in shape]
    for i, (at, score) in enumerate(points):
        if utilization <= at:
            if i == 0:
                return score
            before, score_before = points[i - 1]
            return score_before + truncated_division(
                (score - score_before) * (utilization - before), at - before
            )
    return points[-1][1]


class NodeResourcesBalancedAllocation(ScorePlugin):
    name = "NodeResourcesBalancedAllocation"

    def score(self, pod: Pod, feasible: list[Node], cluster: Cluster) -> Scores | None:
        """How much the placement changes the balance between resources; 75 is no change (1.36)."""
        entries = self.args.get("resources", [{"name": "cpu"}, {"name": "memory"}])
        resources = [entry["name"] for entry in entries]
        if all(pod.request.get(resource, 0) == 0 for resource in resources):
            return None
        raw = []
        for node in feasible:
            with_pod = balance(resources, pod, node, including_pod=True)
            without_pod = balance(resources, pod, node, including_pod=False)
            raw.append(50 + truncated_division(50 + with_pod - without_pod, 2))
        return Scores(raw)


def balance(resources: list[str], pod: Pod, node: Node, including_pod: bool) -> int:
    """B(x): 100 times (1 - population standard deviation of the used fractions), truncated."""
    fractions = []
    for resource in resources:
        pod_amount = pod.request.get(resource, 0)
        if counts_for_node(node, resource, pod_amount):
            used = node.requested.get(resource, 0) + (pod_amount if including_pod else 0)
            fractions.append(min(1.0, used / node.allocatable[resource]))
    if len(fractions) < 2:
        deviation = 0.0
    elif len(fractions) == 2:
        deviation = abs((fractions[0] - fractions[1]) / 2)
    else:
        # Plain left-to-right sums: since Python 3.12 sum() of floats rounds differently.
        total = 0.0
        for fraction in fractions:
            total += fraction
        mean = total / len(fractions)
        squares = 0.0
        for fraction in fractions:
            squares += (fraction - mean) * (fraction - mean)
        deviation = math.sqrt(squares / len(fractions))
    return int((1 - deviation) * 100.0)
