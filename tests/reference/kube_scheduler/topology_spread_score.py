"""PodTopologySpread as a score."""

from __future__ import annotations

import math

from .arithmetic import round_half_away, truncated_division
from .cluster import Cluster
from .model import HOSTNAME, Node, Pod
from .plugin import ScorePlugin, Scores
from .topology_spread import (
    SCHEDULE_ANYWAY,
    Constraint,
    constraints_of,
    has_all_keys,
    matching_pods,
)


class PodTopologySpreadScore(ScorePlugin):
    name = "PodTopologySpread"

    def score(self, pod: Pod, feasible: list[Node], cluster: Cluster) -> Scores | None:
        constraints, require_all = constraints_of(pod, SCHEDULE_ANYWAY, self.args, cluster)
        if not constraints:
            return None
        ignored = {n.name for n in feasible if require_all and not has_all_keys(n, constraints)}
        counts = self._domains(constraints, feasible, ignored)
        weights = [
            math.log(
                (len(feasible) - len(ignored) if c.topology_key == HOSTNAME else len(count)) + 2
            )
            for c, count in zip(constraints, counts, strict=False)
        ]
        self._count_pods(pod, constraints, counts, cluster, require_all)
        raw = [
            0 if node.name in ignored else self._raw_score(pod, node, constraints, counts, weights)
            for node in feasible
        ]
        return Scores(raw, self._normalise(feasible, raw, ignored))

    @staticmethod
    def _domains(
        constraints: list[Constraint], feasible: list[Node], ignored: set[str]
    ) -> list[dict[str, int]]:
        """Domains among the feasible nodes.

        A missing label is the domain "". Hostnames are counted per node.
        """
        counts: list[dict[str, int]] = [{} for _ in constraints]
        for node in feasible:
            if node.name in ignored:
                continue
            for constraint, count in zip(constraints, counts, strict=False):
                if constraint.topology_key != HOSTNAME:
                    count[node.labels.get(constraint.topology_key, "")] = 0
        return counts

    @staticmethod
    def _count_pods(
        pod: Pod,
        constraints: list[Constraint],
        counts: list[dict[str, int]],
        cluster: Cluster,
        require_all: bool,
    ) -> None:
        for node in cluster.snapshot:
            if require_all and not has_all_keys(node, constraints):
                continue
            for constraint, count in zip(constraints, counts, strict=False):
                domain = node.labels.get(constraint.topology_key, "")
                if (
                    constraint.topology_key == HOSTNAME
                    or domain not in count
                    or not constraint.includes(pod, node)
                ):
                    continue
                count[domain] += matching_pods(node, constraint.selector, pod.namespace)

    @staticmethod
    def _raw_score(
        pod: Pod,
        node: Node,
        constraints: list[Constraint],
        counts: list[dict[str, int]],
        weights: list[float],
    ) -> int:
        total = 0.0
        for constraint, count, weight in zip(constraints, counts, weights, strict=False):
            if constraint.topology_key not in node.labels:
                continue
            if constraint.topology_key == HOSTNAME:
                matching = matching_pods(node, constraint.selector, pod.namespace)
            else:
                matching = count[node.labels[constraint.topology_key]]
            total += float(matching) * weight + float(constraint.max_skew - 1)
        return round_half_away(total)

    @staticmethod
    def _normalise(feasible: list[Node], raw: list[int], ignored: set[str]) -> list[int]:
        """Fewer pods are better; the maximum starts at 0, the minimum does not."""
        counted = [
            score for node, score in zip(feasible, raw, strict=False) if node.name not in ignored
        ]
        minimum = min(counted, default=0)
        maximum = max([0, *counted])
        normalised = []
        for node, score in zip(feasible, raw, strict=False):
            if node.name in ignored:
                normalised.append(0)
            elif maximum == 0:
                normalised.append(100)
            else:
                normalised.append(truncated_division(100 * (maximum + minimum - score), maximum))
        return normalised
