"""kube-scheduler's decisions: filters, scores, sampling, preemption."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .configuration import profile_from_configuration, queue_from_configuration
    from .objects import ClusterObjects
    from .policy import KubeScheduler
    from .preemption import preempt
    from .profile import Profile, ScoringStrategy
    from .queue import QueueOptions
    from .rules import filter_rule, score_rule
    from .scheduler import Scheduler
    from .snapshot import Snapshot

_MODULE_OF = {
    "ClusterObjects": "objects",
    "KubeScheduler": "policy",
    "Profile": "profile",
    "QueueOptions": "queue",
    "Scheduler": "scheduler",
    "ScoringStrategy": "profile",
    "Snapshot": "snapshot",
    "filter_rule": "rules",
    "preempt": "preemption",
    "profile_from_configuration": "configuration",
    "queue_from_configuration": "configuration",
    "score_rule": "rules",
}

__all__ = [
    "ClusterObjects",
    "KubeScheduler",
    "Profile",
    "QueueOptions",
    "Scheduler",
    "ScoringStrategy",
    "Snapshot",
    "filter_rule",
    "preempt",
    "profile_from_configuration",
    "queue_from_configuration",
    "score_rule",
]


def __getattr__(name: str) -> Any:
    """Import the module of a name when it is first used."""
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_MODULE_OF[name]}", __name__), name)
