"""A solver that takes over what an earlier one has compiled decides the same."""

import gzip
import json
from dataclasses import replace
from pathlib import Path

import pytest

from pyscale.conformance.karpenter.outcome import own_outcome
from pyscale.conformance.karpenter.reading import read_objects, read_settings
from pyscale.policies.karpenter.memory import CompileMemory
from pyscale.policies.karpenter.solver import Solver

GOLDEN = Path(__file__).parents[2] / "golden" / "karpenter"


@pytest.mark.parametrize("family", ["existing", "daemonsets", "preferences", "nodepools"])
def test_memory_changes_no_decision(family):
    memory = CompileMemory()
    with gzip.open(GOLDEN / f"{family}.jsonl.gz", "rt") as lines:
        cases = [json.loads(line)["input"] for line in lines][:20]
    for given in cases:
        objects, settings = read_objects(given), read_settings(given)
        alone = Solver(objects, settings)
        expected = own_outcome(alone, alone.solve())
        for _ in range(2):
            solver = Solver(objects, settings, memory=memory)
            assert own_outcome(solver, solver.solve()) == expected


def test_a_changed_pool_is_noticed():
    with gzip.open(GOLDEN / "resources.jsonl.gz", "rt") as lines:
        given = json.loads(next(lines))["input"]
    memory = CompileMemory()
    objects = read_objects(given)
    assert Solver(objects, memory=memory).solve().claims
    closed = tuple(replace(pool, limits={"cpu": 0}) for pool in objects.node_pools)
    assert not Solver(replace(objects, node_pools=closed), memory=memory).solve().claims
