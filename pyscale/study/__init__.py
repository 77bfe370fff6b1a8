"""Many runs: policies on one trace, how far they are from the least cost, and node groups."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .comparing import compare
    from .comparison import Comparison
    from .least_cost import LeastCost, least_costs
    from .mixed_groups import MixedGroupUse, mixed_group_use
    from .node_groups import NodeGroupRun, NodeGroupStudy, study_node_groups

_HOMES = {
    "Comparison": "comparison",
    "LeastCost": "least_cost",
    "MixedGroupUse": "mixed_groups",
    "NodeGroupRun": "node_groups",
    "NodeGroupStudy": "node_groups",
    "compare": "comparing",
    "least_costs": "least_cost",
    "mixed_group_use": "mixed_groups",
    "study_node_groups": "node_groups",
}

__all__ = [
    "Comparison",
    "LeastCost",
    "MixedGroupUse",
    "NodeGroupRun",
    "NodeGroupStudy",
    "compare",
    "least_costs",
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
