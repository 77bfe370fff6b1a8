"""Limits on cores, memory and GPUs of the whole cluster.

Specification section 4.4; upstream ``resourcequotas`` and ``cloudprovider/resource_limiter.go``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ...model.resources import CPU, MEMORY
from .node_shapes import NodeShape
from .options import Options

GIB = 2**30
GPU_RESOURCES = (
    "nvidia.com/gpu",
    "habana.ai/gaudi",
    "gpu.intel.com/i915",
    "amd.com/gpu",
    "microsoft.com/directx",
)
CLUSTER_WIDE = "cluster-wide"


def contribution(shape: NodeShape, gpu_label: str = "") -> dict[str, int]:
    """Return what one node uses: whole cores, rounded up, bytes, GPUs by the label's value."""
    used = {
        CPU: -(-shape.capacity.get(CPU, 0) // 1000),
        MEMORY: shape.capacity.get(MEMORY, 0),
    }
    kind = shape.labels.get(gpu_label) if gpu_label else None
    if kind:
        used[kind] = sum(shape.capacity.get(name, 0) for name in GPU_RESOURCES)
    return used


def maxima(options: Options) -> dict[str, int]:
    """Return the upper limits by resource: cores, bytes, GPUs by type."""
    return {
        CPU: options.cores_total[1],
        MEMORY: options.memory_total[1] * GIB,
        **{kind: high for kind, _, high in options.gpu_total},
    }


def minima(options: Options) -> dict[str, int]:
    """Return the lower limits by resource: cores, bytes, GPUs by type."""
    return {
        CPU: options.cores_total[0],
        MEMORY: options.memory_total[0] * GIB,
        **{kind: low for kind, low, _ in options.gpu_total},
    }


class QuotaTracker:
    """What is left of the cluster-wide limits.

    Parameters
    ----------
    limits : mapping
        Upper limits by resource (:func:`maxima`).
    used : iterable of (mapping, int)
        Contributions of nodes, and how many nodes have each.
    """

    def __init__(
        self, limits: Mapping[str, int], used: Iterable[tuple[Mapping[str, int], int]]
    ) -> None:
        total = dict.fromkeys(limits, 0)
        for node, count in used:
            for name in total:
                total[name] += node.get(name, 0) * count
        self.left = {name: max(0, limit - total[name]) for name, limit in limits.items()}

    def allowed(self, node: Mapping[str, int], count: int) -> int:
        """Return how many of ``count`` alike nodes fit under the limits."""
        most = count
        for name, left in self.left.items():
            each = node.get(name, 0)
            if each > 0 and left < each * count:
                most = min(most, left // each)
        return most

    def exceeded(self, node: Mapping[str, int], count: int) -> list[str]:
        """Return the resources that ``count`` nodes would exceed, sorted."""
        return sorted(
            name
            for name, left in self.left.items()
            if node.get(name, 0) > 0 and left < node[name] * count
        )

    def consume(self, node: Mapping[str, int], count: int) -> None:
        """Take the room of ``count`` nodes away."""
        for name in self.left:
            self.left[name] = max(0, self.left[name] - node.get(name, 0) * count)


def exceeded_text(names: Iterable[str]) -> str:
    """Return upstream's reason for a group that a quota excludes."""
    return f'exceeded quota: "{CLUSTER_WIDE}", resources: {", ".join(names)}'
