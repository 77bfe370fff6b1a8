"""Replay recorded decisions of Karpenter."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pyscale.errors import UnsupportedError
from pyscale.policies.karpenter.labels import CORE_WELL_KNOWN, TEST_RESERVATION_LABEL
from pyscale.policies.karpenter.requirements import Requirement, Requirements, make_requirement
from pyscale.policies.karpenter.solver import Solver

from .disrupting import own_disruption, recorded_disruption
from .outcome import own_outcome, recorded_outcome
from .reading import read_objects, read_settings


def replay(case: dict[str, Any]) -> tuple[Any, list[Any]]:
    """Return our decision on a recorded case, and the recorded one to hold it against.

    Parameters
    ----------
    case : dict
        One line of a recording.

    Returns
    -------
    ours : dict
    accepted : list of dict
        One decision: the lexicographic one where the real program leaves something to chance.

    Notes
    -----
    Error categories are explanations and left out; the failed pods are compared.
    """
    given = case["input"]
    expected = case.get("lexicographic") or case["outcomes"][0]
    kind = given.get("kind", "provisioning")
    if kind == "algebra":
        ours = replay_algebra(given)
        return ours, [{name: expected[name] for name in ours}]
    if kind == "provisioning":
        solver = Solver(read_objects(given), read_settings(given))
        fallback = bool(given.get("options", {}).get("reservedFallback"))
        solution = solver.solve(strict_reservations=not fallback)
        return own_outcome(solver, solution), [recorded_outcome(expected)]
    if kind == "disruption":
        return own_disruption(given), [recorded_disruption(expected, given)]
    raise UnsupportedError(f"Karpenter's {kind}")


def replay_algebra(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the algebra of requirements says about two sets."""
    well_known = CORE_WELL_KNOWN | {TEST_RESERVATION_LABEL, *given.get("wellKnownLabels", ())}
    holder, incoming = (_expressions(given[side]) for side in ("a", "b"))
    return {
        "intersects": holder.intersects(incoming),
        "compatibleStrict": holder.compatible(incoming),
        "compatibleLoose": holder.compatible(incoming, well_known),
        "hasIntersection": {
            held.key: held.has_intersection(incoming.get_or_exists(held.key))
            for held in holder
            if held.key in incoming
        },
        "merged": {held.key: _describe(held, given["probe"]) for held in holder.merged(incoming)},
    }


def _expressions(given: list[dict[str, Any]]) -> Requirements:
    return Requirements(
        make_requirement(
            item["key"], item["operator"], item.get("values") or (), item.get("minValues")
        )
        for item in given
    )


def _describe(requirement: Requirement, probe: list[str]) -> dict[str, Any]:
    return {
        "operator": requirement.operator,
        "len": requirement.length,
        "has": {value: requirement.has(value) for value in probe},
        "render": Requirements((requirement,)).entries(),
    }
