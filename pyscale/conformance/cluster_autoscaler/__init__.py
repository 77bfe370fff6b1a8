"""Replays recorded decisions of Cluster Autoscaler.

The format is that of recordings of core commit 33c3f97bf; ``outcomes`` hold the decision in
canonical order, which is pyscale's order, so every ``result`` in them is acceptable.
"""

from __future__ import annotations

from typing import Any

from ...errors import UnsupportedError
from . import families, worlds

_REPLAYS = {
    "estimator": families.estimator,
    "estimator-constraints": families.estimator,
    "equivalence": families.equivalence,
    "expander": families.expander,
    "crop": families.crop,
    "balancing": families.balancing,
    "filter-out-schedulable": families.filter_out_schedulable,
}
_WORLDS = (
    "scaleup",
    "min-size",
    "scaledown-planner",
    "scaledown-actual",
    "upcoming",
    "loop",
    "loop-mixed",
    "large",
    "scalability",
)


def replay(case: dict[str, Any]) -> tuple[Any, list[Any]]:
    """Return pyscale's decision on a recorded case, and the acceptable recorded ones.

    Raises
    ------
    UnsupportedError
        If the case's family is not known.
    """
    family = case["family"]
    accepted = [outcome["result"] for outcome in case["outcomes"]]
    if family in _REPLAYS:
        return _REPLAYS[family](case["input"]), accepted
    if family in _WORLDS:
        return worlds.replay(case["input"], accepted)
    raise UnsupportedError(f"family {family}")
