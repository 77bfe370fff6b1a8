"""Taints that Cluster Autoscaler treats specially.

Specification sections 1.3 and 4.2; upstream ``utils/taints``.
"""

from __future__ import annotations

from collections.abc import Iterable

from ...model.taints import Taint
from .options import Options
from .world import DELETION_CANDIDATE, TO_BE_DELETED

STARTUP_PREFIXES = (
    "startup-taint.cluster-autoscaler.kubernetes.io/",
    "ignore-taint.cluster-autoscaler.kubernetes.io/",
)
STATUS_PREFIX = "status-taint.cluster-autoscaler.kubernetes.io/"
NODE_CONDITION_TAINTS = frozenset(
    {
        "node.kubernetes.io/not-ready",
        "node.kubernetes.io/unreachable",
        "node.kubernetes.io/unschedulable",
        "node.kubernetes.io/memory-pressure",
        "node.kubernetes.io/disk-pressure",
        "node.kubernetes.io/network-unavailable",
        "node.kubernetes.io/pid-pressure",
        "node.cloudprovider.kubernetes.io/uninitialized",
        "node.cloudprovider.kubernetes.io/shutdown",
        "cloud.google.com/impending-node-termination",
        "NodeWithImpairedVolumes",
    }
)


def is_startup_taint(key: str, options: Options) -> bool:
    """Whether nodes with the taint are still starting."""
    return (
        key in options.startup_taint
        or key in options.ignore_taint
        or key.startswith(STARTUP_PREFIXES + options.startup_taint_prefix)
    )


def template_taints(taints: Iterable[Taint], options: Options) -> tuple[Taint, ...]:
    """Return the taints that a new node of the group would have too."""
    return tuple(
        taint
        for taint in taints
        if taint.key not in (TO_BE_DELETED, DELETION_CANDIDATE)
        and taint.key not in NODE_CONDITION_TAINTS
        and not is_startup_taint(taint.key, options)
        and taint.key not in options.status_taint
        and not taint.key.startswith(STATUS_PREFIX)
    )
