"""TaintToleration, NodeAffinity and ImageLocality as scores."""

from __future__ import annotations

from .arithmetic import truncated_division
from .cluster import Cluster
from .model import PREFERRED, Node, Pod
from .plugin import ScorePlugin, Scores
from .selectors import node_term_is_empty, node_term_is_valid, node_term_matches, tolerates
from .status import SchedulingError

MEBIBYTE = 2**20


def default_normalise(raw: list[int], reverse: bool) -> list[int]:
    """DefaultNormalize"""
    maximum = max(raw)
    if maximum == 0:
        return [100] * len(raw) if reverse else list(raw)
    scaled = [truncated_division(100 * score, maximum) for score in raw]
    return [100 - score for score in scaled] if reverse else scaled


class TaintTolerationScore(ScorePlugin):
    name = "TaintToleration"

    def score(self, pod: Pod, feasible: list[Node], cluster: Cluster) -> Scores:
        """Untolerated PreferNoSchedule taints, fewer is better; never skipped."""
        tolerations = [
            t for t in pod.tolerations if not t.get("effect") or t["effect"] == "PreferNoSchedule"
        ]
        raw = [
            sum(
                1
                for taint in node.taints
                if taint["effect"] == "PreferNoSchedule"
                and not any(tolerates(t, taint) for t in tolerations)
            )
            for node in feasible
        ]
        return Scores(raw, default_normalise(raw, reverse=True))


class NodeAffinityScore(ScorePlugin):
    name = "NodeAffinity"

    def score(self, pod: Pod, feasible: list[Node], cluster: Cluster) -> Scores | None:
        preferred = list(pod.node_affinity.get(PREFERRED, []))
        added = (self.args.get("addedAffinity") or {}).get(PREFERRED, [])
        if not preferred and not added:
            return None
        terms = [
            t
            for t in preferred + added
            if t["weight"] != 0 and not node_term_is_empty(t["preference"])
        ]
        if not all(node_term_is_valid(t["preference"]) for t in terms):
            raise SchedulingError('running PreScore plugin "NodeAffinity"')
        raw = [
            sum(
                t["weight"]
                for t in terms
                if node_term_matches(t["preference"], node.labels, node.name)
            )
            for node in feasible
        ]
        return Scores(raw, default_normalise(raw, reverse=False))


class ImageLocality(ScorePlugin):
    name = "ImageLocality"

    def score(self, pod: Pod, feasible: list[Node], cluster: Cluster) -> Scores:
        containers = pod.spec.get("containers", []) + pod.spec.get("initContainers", [])
        images = [container.get("image", "") for container in containers]
        images += [v["image"]["reference"] for v in pod.spec.get("volumes", []) if "image" in v]
        images = [with_tag(image) for image in images]
        lowest = 23 * MEBIBYTE
        highest = 1000 * MEBIBYTE * len(containers)  # image volumes are not in this count
        raw = []
        for node in feasible:
            total = sum(self._scaled_size(node, image, len(cluster.snapshot)) for image in images)
            total = min(max(total, lowest), highest)
            raw.append(truncated_division(100 * (total - lowest), highest - lowest))
        return Scores(raw)

    @staticmethod
    def _scaled_size(node: Node, image: str, all_nodes: int) -> int:
        """The image's size on this node times the share of nodes having it.

        The ratio is taken first.
        """
        if image not in node.image_states:
            return 0
        size, nodes_having = node.image_states[image]
        return int(float(size) * (nodes_having / all_nodes))


def with_tag(image: str) -> str:
    return image if image.rfind(":") > image.rfind("/") else image + ":latest"
