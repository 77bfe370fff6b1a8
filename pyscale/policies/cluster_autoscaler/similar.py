"""Which node groups are similar: the comparators of template nodes.

Specification section 4.8, Comparator; upstream ``processors/nodegroupset/compare_nodegroups.go``
and ``aws_nodegroups.go``.
"""

from __future__ import annotations

from ...model.nodes import HOSTNAME_LABEL, REGION_LABEL, ZONE_LABEL
from ...model.resources import MEMORY
from .node_shapes import NodeShape
from .options import Options

BASIC_IGNORED_LABELS = frozenset(
    {
        HOSTNAME_LABEL,
        ZONE_LABEL,
        REGION_LABEL,
        "failure-domain.beta.kubernetes.io/zone",
        "failure-domain.beta.kubernetes.io/region",
        "beta.kubernetes.io/fluentd-ds-ready",
        "kops.k8s.io/instancegroup",
    }
)
AWS_IGNORED_LABELS = frozenset(
    {
        "alpha.eksctl.io/instance-id",
        "alpha.eksctl.io/nodegroup-name",
        "eks.amazonaws.com/nodegroup",
        "k8s.amazonaws.com/eniConfig",
        "lifecycle",
        "topology.ebs.csi.aws.com/zone",
        "topology.k8s.aws/zone-id",
    }
)


class Comparator:
    """Says of two template nodes whether their groups are alike enough to share new nodes.

    Parameters
    ----------
    options : Options
        The ratios and the label flags.
    ignored_labels : frozenset of str
        Labels of the cloud provider that do not count (:data:`AWS_IGNORED_LABELS` for EC2).
    """

    def __init__(self, options: Options, ignored_labels: frozenset[str] = frozenset()) -> None:
        self._only_labels = options.balancing_label
        self._ignored = BASIC_IGNORED_LABELS | ignored_labels | set(options.balancing_ignore_label)
        self._memory_ratio = options.memory_difference_ratio
        self._allocatable_ratio = options.max_allocatable_difference_ratio
        self._free_ratio = options.max_free_difference_ratio

    def difference(self, a: NodeShape, b: NodeShape) -> str | None:
        """Return the first thing that makes two nodes different, None if they are similar.

        With ``balancing_label`` only those labels count, and both nodes must have them.  Taints
        never count.
        """
        if self._only_labels:
            for key in self._only_labels:
                if key not in a.labels or a.labels[key] != b.labels.get(key):
                    return f"label {key}"
            return None
        return (
            self._capacity_difference(a.capacity, b.capacity)
            or _ratio_difference(
                "allocatable", a.allocatable, b.allocatable, self._allocatable_ratio
            )
            or _ratio_difference("free", _free(a), _free(b), self._free_ratio)
            or self._label_difference(a, b)
        )

    def _capacity_difference(self, a: dict[str, int], b: dict[str, int]) -> str | None:
        if a.keys() != b.keys():
            return "capacity: other resources"
        for name, amount in a.items():
            ratio = self._memory_ratio if name == MEMORY else 0.0
            if not _is_within(amount, b[name], ratio):
                return f"capacity: {name} {amount} and {b[name]}"
        return None

    def _label_difference(self, a: NodeShape, b: NodeShape) -> str | None:
        for key in sorted((a.labels.keys() | b.labels.keys()) - self._ignored):
            if a.labels.get(key) != b.labels.get(key):
                return f"label {key}: {a.labels.get(key)} and {b.labels.get(key)}"
        return None


def _free(shape: NodeShape) -> dict[str, int]:
    """Allocatable less the requests of the pods that start with the node."""
    free = dict(shape.allocatable)
    for pod_class in shape.pods:
        for name, amount in pod_class.requests.items():
            free[name] = free.get(name, 0) - amount
    return free


def _is_within(a: int, b: int, ratio: float) -> bool:
    larger, smaller = max(a, b), min(a, b)
    return larger - smaller <= larger * ratio


def _ratio_difference(kind: str, a: dict[str, int], b: dict[str, int], ratio: float) -> str | None:
    if a.keys() != b.keys():
        return f"{kind}: other resources"
    for name, amount in a.items():
        if not _is_within(amount, b[name], ratio):
            return f"{kind}: {name} {amount} and {b[name]}"
    return None
