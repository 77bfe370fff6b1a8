"""Recorded and own decisions of Karpenter in one form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pyscale.model.nodes import INSTANCE_TYPE_LABEL
from pyscale.model.quantity import parse_quantity
from pyscale.policies.karpenter.instance_types import MAX_PRICE
from pyscale.policies.karpenter.result import Claim, Solution
from pyscale.policies.karpenter.solver import Solver


def own_outcome(solver: Solver, solution: Solution) -> dict[str, Any]:
    """Return the decision of a round as plain data."""
    return {
        "newNodeClaims": _sorted(own_claim(claim, solution.batch) for claim in solution.claims),
        "existingNodes": {
            solver.nodes[node].name: sorted(solution.batch[i] for i in pods)
            for node, pods in solution.placements.items()
        },
        "failedPods": sorted(solution.batch[i] for i in solution.errors),
        "ignored": sorted(name.removeprefix("default/") for name in solution.ignored),
    }


def recorded_outcome(recorded: Mapping[str, Any]) -> dict[str, Any]:
    """Return a recorded outcome in the form of :func:`own_outcome`."""
    return {
        "newNodeClaims": _sorted(recorded_claim(claim) for claim in recorded["newNodeClaims"]),
        "existingNodes": recorded["existingNodes"],
        "failedPods": sorted(recorded["errors"]),
        "ignored": sorted(recorded.get("ignored", ())),
    }


def own_claim(claim: Claim, batch: Sequence[str]) -> dict[str, Any]:
    """Return a claim in the common form."""
    found = claim.to_dict(batch)
    if found["cheapestPrice"] == MAX_PRICE:
        found["cheapestPrice"] = None
    found["requirements"] = [_without_type_names(entry) for entry in found["requirements"]]
    return found


def recorded_claim(recorded: Mapping[str, Any]) -> dict[str, Any]:
    """Return a recorded claim in the common form."""
    types = expand_type_names(recorded["instanceTypes"])
    return {
        "nodePool": recorded["nodePool"],
        "pods": recorded["pods"],
        "instanceTypes": types,
        "instanceTypesBeforeTruncation": recorded.get("instanceTypesBeforeTruncation", len(types)),
        "requirements": [_without_type_names(entry) for entry in recorded["requirements"]],
        "requests": {name: parse_quantity(text) for name, text in recorded["requests"].items()},
        "cheapestPrice": recorded.get("cheapestPrice"),
        "minValuesRelaxed": recorded.get("minValuesRelaxed", False),
    }


def expand_type_names(names: Sequence[str]) -> list[str]:
    """Write out runs: ``fake-it-3..5`` stands for fake-it-3, fake-it-4, fake-it-5."""
    expanded: list[str] = []
    for name in names:
        if ".." in name:
            first, last = name.removeprefix("fake-it-").split("..")
            expanded += [f"fake-it-{i}" for i in range(int(first), int(last) + 1)]
        else:
            expanded.append(name)
    return expanded


def _without_type_names(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Recordings omit the values of the instance-type requirement: they equal the claim's types."""
    if entry["key"] == INSTANCE_TYPE_LABEL and entry["operator"] == "In":
        return {name: value for name, value in entry.items() if name != "values"}
    return dict(entry)


def _sorted(claims: Any) -> list[dict[str, Any]]:
    return sorted(claims, key=lambda claim: (claim["nodePool"], claim["pods"]))
