"""Many runs: comparisons of policies on one trace, and what more and more node groups cost."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .comparing import compare
    from .comparison import Comparison
    from .mixed_groups import MixedGroupUse, mixed_group_use
    from .node_groups import NodeGroupRun, NodeGroupStudy, study_node_groups

_HOMES = {
    "Comparison": "comparison",
    "MixedGroupUse": "mixed_groups",
    "NodeGroupRun": "node_groups",
    "NodeGroupStudy": "node_groups",
    "compare": "comparing",
    "mixed_group_use": "mixed_groups",
    "study_node_groups": "node_groups",
}

__all__ = [
    "Comparison",
    "MixedGroupUse",
    "NodeGroupRun",
    "NodeGroupStudy",
    "compare",
    "mixed_group_use",
    "study_node_groups",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f".{_HOMES[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
