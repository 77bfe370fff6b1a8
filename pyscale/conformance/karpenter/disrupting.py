"""Recorded and own disruption decisions of Karpenter in one form."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pyscale.policies.karpenter.candidates import METHODS, REASONS, SINGLE_NODE
from pyscale.policies.karpenter.consolidation import Command
from pyscale.policies.karpenter.disruption import Disruption
from pyscale.policies.karpenter.solver import Solver

from .outcome import own_claim, recorded_claim
from .reading import read_objects, read_settings

NO_OP = "no-op"


def own_disruption(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the decisions of all methods on a recorded input as plain data."""
    disruption = Disruption(Solver(read_objects(given), read_settings(given)))
    outcome: dict[str, Any] = {
        "conditions": _conditions(disruption),
        "candidates": {},
        "candidateInfo": {},
        "budgets": {},
        "commands": {},
        "actingMethod": "",
    }
    for method in given.get("methods") or METHODS:
        result = disruption.evaluate(method)
        outcome["candidates"][method] = [candidate.name for candidate in result.candidates]
        outcome["budgets"][REASONS[method]] = result.budgets
        for candidate in result.candidates:
            outcome["candidateInfo"][candidate.name] = {
                "price": candidate.price,
                "rescheduleCost": candidate.reschedule_cost,
                "disruptionCost": candidate.disruption_cost(disruption.solver.objects.now_ns),
            }
        if result.command is not None:
            outcome["commands"][method] = own_command(result.command)
            outcome["actingMethod"] = outcome["actingMethod"] or method
    if given.get("perCandidate"):
        outcome["perCandidate"] = {}
        for candidate in disruption.evaluate(SINGLE_NODE).candidates:
            command = disruption.evaluate(SINGLE_NODE, candidate.name).command
            outcome["perCandidate"][candidate.name] = own_command(command)
    return outcome


def recorded_disruption(recorded: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return a recorded outcome in the form of :func:`own_disruption`."""
    conditions = recorded.get("conditions", {})
    outcome = {
        "conditions": {
            "Consolidatable": sorted(conditions.get("Consolidatable", {})),
            "Drifted": conditions.get("Drifted", {}),
        },
        "candidates": recorded["candidates"],
        "candidateInfo": recorded.get("candidateInfo", {}),
        "budgets": recorded["budgets"],
        "commands": {
            method: recorded_command(commands[0])
            for method, commands in recorded["commands"].items()
        },
        "actingMethod": recorded["actingMethod"],
    }
    if given.get("perCandidate"):
        outcome["perCandidate"] = {
            name: None if command["decision"] == NO_OP else recorded_command(command)
            for name, command in recorded.get("perCandidate", {}).items()
        }
    return outcome


def own_command(command: Command | None) -> dict[str, Any] | None:
    """Return a command as plain data."""
    if command is None:
        return None
    simulation = command.simulation
    return {
        "decision": command.decision,
        "candidates": command.names,
        "existingNodes": {} if simulation is None else simulation.placements(),
        "replacements": _replacements(
            own_claim(claim, simulation.solution.batch)
            for claim in command.replacements
            if simulation is not None
        ),
    }


def recorded_command(recorded: Mapping[str, Any]) -> dict[str, Any]:
    """Return a recorded command in the form of :func:`own_command`."""
    return {
        "decision": recorded["decision"],
        "candidates": recorded["candidates"],
        "existingNodes": recorded.get("existingNodes", {}),
        "replacements": _replacements(map(recorded_claim, recorded.get("replacements", ()))),
    }


def _replacements(claims: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Replacements are recorded after their types were filtered: there is no earlier count."""
    for claim in (found := list(claims)):
        del claim["instanceTypesBeforeTruncation"]
    return sorted(found, key=lambda claim: (claim["nodePool"], claim["pods"]))


def _conditions(disruption: Disruption) -> dict[str, Any]:
    names = {node.name: node.node_name for node in disruption.solver.objects.nodes}
    conditions = disruption.conditions
    return {
        "Consolidatable": sorted(names[name] for name in conditions.consolidatable),
        "Drifted": {names[name]: reason for name, (reason, _) in conditions.drifted.items()},
    }
