"""Recorded decisions of kube-scheduler, replayed through the policy.

The schema of the recordings is that of their README: kinds ``filter``, ``score``, ``sequence``,
``preemption``, ``quantities`` and ``selectors``.  Objects are read without validation, because some
cases hold what an API server would refuse.
"""

from __future__ import annotations

from typing import Any

from ..errors import UnsupportedError
from ._scheduler_cases import CaseInput
from ._scheduler_cycles import filter_rows, preemption_rows, score_rows
from ._scheduler_sequence import sequence_rows
from ._scheduler_tables import quantity_rows, selector_rows

_KINDS = {
    "filter": filter_rows,
    "score": score_rows,
    "sequence": sequence_rows,
    "preemption": preemption_rows,
}
_TABLES = {"quantities": quantity_rows, "selectors": selector_rows}


def replay(case: dict[str, Any]) -> tuple[Any, list[Any]]:
    """Return our decision and the recorded ones, any of which is right.

    Raises
    ------
    UnsupportedError
        The case asks for something that is not there.
    """
    case_input = case["input"]
    accepted = [
        {name: value for name, value in outcome.items() if name != "n"}
        for outcome in case["outcomes"]
    ]
    kind = case_input["kind"]
    if kind in _TABLES:
        return _TABLES[kind](case_input, accepted), accepted
    if kind not in _KINDS:
        raise UnsupportedError(f"recordings of kind {kind!r}")
    return _KINDS[kind](CaseInput(case_input), accepted), accepted


def read_cluster(case_input: dict[str, Any]) -> CaseInput:
    """Read the input of a recorded sequence: its cluster, ready for the first decision."""
    return CaseInput(case_input)
