"""``pyscale bench karpenter``: provisioning rounds and consolidations, beside the real times.

Of provisioning only Solve is timed, as in the recordings: objects are read and interned before,
the counts of the topology are part of it.  Of consolidation one method is timed, from candidates to
command.  The first run over a cluster answers each distinct question for the first time; it is one
of the runs whose median counts.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pyscale.bench._frame import Row, Work
from pyscale.policies.karpenter.result import Solution
from pyscale.policies.karpenter.solver import Solver

PROGRAM = "karpenter"

# The real program leaves ties between zones to chance, so its price of the diverse mix is one of
# many.  These totals are those of the plain restatement, which breaks ties by name as we do.
_LEXICOGRAPHIC_PRICES = {
    "diverse-1000": 331.11528,
    "diverse-5000": 1737.410974,
    "diverse-20000": 7113.313044,
}

_TARGETS_MS = {
    "diverse-1000": 1,
    "diverse-5000": 6,
    "diverse-20000": 52,
    "resources-20000-10-fake400": 8,
    "resources-20000-100-fake400": 8,
    "resources-20000-1000-fake400": 8,
    "resources-20000-10-kwok": 11,
    "resources-20000-100-kwok": 11,
    "resources-20000-1000-kwok": 11,
}
_CONSOLIDATION_MS = {
    "consolidation-single-full-100": 1,
    "consolidation-single-full-300": 5,
    "consolidation-single-full-1000": 54,
    "consolidation-multi-100": 1,
    "consolidation-multi-300": 1,
    "consolidation-multi-1000": 1,
}
_GENERATED_MS = {1_000: 1, 10_000: 20, 100_000: 500, 1_000_000: 10_000}

# Upstream's own benchmark; its node counts and seconds were measured with five workers.
PREFERRING_PODS = 4000
_PREFERENCES = {"Respect": (4000, 58.67, 0.059), "Ignore": (21, 1.07, 0.002)}


def total_price(solution: Solution) -> float:
    """Return the sum of the cheapest prices of all claims, to a millionth of a dollar."""
    return round(sum(claim.cheapest_price for claim in solution.claims), 6)


def recorded(name: str) -> Callable[[Path | None], Work]:
    """Provision for a recorded queue."""

    def prepare(golden: Path | None) -> Work:
        from pyscale.conformance.karpenter.reading import read_objects, read_settings

        assert golden is not None
        folder = golden / PROGRAM / "bench"
        case = json.loads(gzip.decompress((folder / f"{name}.jsonl.gz").read_bytes()))
        times = json.loads((folder / "recorded.json").read_text(encoding="utf-8"))
        given, outcome = case["input"], case["outcome"]
        solver = Solver(read_objects(given), read_settings(given))
        price = _LEXICOGRAPHIC_PRICES.get(name)
        if price is None and not case.get("nondeterministic"):
            price = outcome["totalCheapestPrice"][0]

        def answer(solution: Solution) -> tuple[Any, ...]:
            found = (len(solution.claims), len(solution.errors))
            return found if price is None else (*found, total_price(solution))

        expected = (outcome["nodes"][0], outcome["errors"][0])
        return Work(
            solver.solve,
            expected=expected if price is None else (*expected, price),
            answer=answer,
            recorded_seconds=times["inputs"][name]["cpu_seconds"],
        )

    return prepare


def consolidating(name: str) -> Callable[[Path | None], Work]:
    """Compute the command of one consolidation method; candidates and their costs are given."""

    def prepare(golden: Path | None) -> Work:
        from pyscale.conformance.karpenter.reading import read_objects, read_settings
        from pyscale.policies.karpenter.disruption import Disruption
        from pyscale.policies.karpenter.evaluation import MethodResult

        assert golden is not None
        folder = golden / PROGRAM / "bench"
        case = json.loads(gzip.decompress((folder / f"{name}.jsonl.gz").read_bytes()))
        times = json.loads((folder / "recorded.json").read_text(encoding="utf-8"))
        given = case["input"]
        (method,) = given["methods"]
        disruption = Disruption(Solver(read_objects(given), read_settings(given)))
        disruption.evaluate(method, compute=False)

        def answer(result: MethodResult) -> tuple[Any, ...]:
            command = result.command
            return () if command is None else (command.decision, *command.names)

        (recorded_command,) = case["outcome"]["commands"].get(method) or [None]
        expected: tuple[Any, ...] = ()
        if recorded_command is not None:
            expected = (recorded_command["decision"], *recorded_command["candidates"])
        return Work(
            lambda: disruption.evaluate(method),
            expected=expected,
            answer=answer,
            recorded_seconds=times["inputs"][name]["cpu_seconds"],
        )

    return prepare


def _claims_and_failures(solution: Solution) -> tuple[int, int]:
    return solution.raw.n_claims, int((solution.raw.place < 0).sum())


def generated(n: int) -> Callable[[Path | None], Work]:
    """Provision for the mix in a size that nobody has recorded."""

    def prepare(golden: Path | None) -> Work:
        from pyscale.bench._diverse import diverse_mix

        # Every pod of the last fifth needs a node of its own, and the others fit beside them.
        return Work(diverse_mix(n).solve, expected=(n // 5, 0), answer=_claims_and_failures)

    return prepare


def preferring(policy: str) -> Callable[[Path | None], Work]:
    """Provision for pods with preferences that cannot all be met."""

    def prepare(golden: Path | None) -> Work:
        from pyscale.bench._diverse import preferring_pods

        nodes, seconds, _ = _PREFERENCES[policy]
        solver = preferring_pods(PREFERRING_PODS, policy)
        return Work(
            solver.solve,
            expected=(nodes, 0),
            answer=_claims_and_failures,
            recorded_seconds=seconds,
        )

    return prepare


def _describe(name: str) -> str:
    kind, pods, *rest = name.split("-")
    if kind == "consolidation":
        search = "one multi-node search" if pods == "multi" else "every candidate alone"
        return f"consolidation of {int(rest[-1]):,} nodes, {search}"
    if kind == "diverse":
        return f"{int(pods):,} pods of the diverse mix, 400 types"
    return f"{int(pods):,} pods in {int(rest[0]):,} classes, {rest[1]}"


ROWS = (
    *(
        Row(
            f"karpenter/{name}",
            _describe(name),
            recorded(name),
            milliseconds / 1000,
            needs_golden=True,
        )
        for name, milliseconds in _TARGETS_MS.items()
    ),
    *(
        Row(
            f"karpenter/{name}",
            _describe(name),
            consolidating(name),
            milliseconds / 1000,
            needs_golden=True,
        )
        for name, milliseconds in _CONSOLIDATION_MS.items()
    ),
    *(
        Row(
            f"karpenter/preferences-{policy.lower()}",
            f"{PREFERRING_PODS:,} pods with preferences, policy {policy}",
            preferring(policy),
            target,
        )
        for policy, (_, _, target) in _PREFERENCES.items()
    ),
    *(
        Row(
            f"karpenter/mix-{n}",
            f"{n:,} pods of the same mix, generated",
            generated(n),
            milliseconds / 1000,
            repeats=3 if n > 100_000 else 1000,
        )
        for n, milliseconds in _GENERATED_MS.items()
    ),
)
