"""Rounds over one compiled cluster: what-ifs leave no trace and agree with full rounds."""

import gzip
import json
from pathlib import Path

import pytest

from pyscale.conformance.karpenter.outcome import own_outcome
from pyscale.conformance.karpenter.reading import read_objects, read_settings
from pyscale.policies.karpenter.solver import Solver

GOLDEN = Path(__file__).parents[2] / "golden" / "karpenter"


def solvers(family, limit=25):
    with gzip.open(GOLDEN / f"{family}.jsonl.gz", "rt") as lines:
        for line in lines:
            given = json.loads(line)["input"]
            if given.get("nodes"):
                yield Solver(read_objects(given), read_settings(given))
                limit -= 1
            if not limit:
                return


def removable(solver):
    return [node.name for node in solver.nodes if node.has_node and not node.marked_for_deletion]


FAMILIES = ["existing", "spread", "affinity", "ports-volumes", "taints"]


@pytest.mark.parametrize("family", FAMILIES)
def test_a_what_if_leaves_no_trace(family):
    for solver in solvers(family):
        before = own_outcome(solver, solver.solve())
        for name in removable(solver):
            solver.solve([name])
        assert own_outcome(solver, solver.solve()) == before


@pytest.mark.parametrize("family", FAMILIES)
def test_what_ifs_sum_up_what_single_rounds_decide(family):
    for solver in solvers(family):
        groups = [[name] for name in removable(solver)] + [removable(solver)[:3], []]
        sums = solver.what_ifs(groups)
        for i, group in enumerate(groups):
            solution = solver.solve(group, strict_reservations=False)
            n_pending = len(solver.pending)
            leaving = sum(len(moved_from(solver, name)) for name in group)
            failed = {pod for pod in solution.errors if pod >= n_pending}
            for node, pods in solution.placements.items():
                if solver.nodes[node].managed and not solver.nodes[node].initialized:
                    failed |= {pod for pod in pods if n_pending <= pod < n_pending + leaving}
            assert sums.unplaced[i] == bool(failed)
            if failed:
                continue
            assert sums.n_claims[i] == len(solution.claims)
            if solution.claims:
                assert sums.columns(i) == solution.claims[0].columns


def moved_from(solver, name):
    i = solver.node_number[name]
    return solver.leavers[solver.leavers_off[i] : solver.leavers_off[i + 1]]


@pytest.mark.parametrize("family", FAMILIES)
def test_every_pod_of_the_batch_is_placed_once_or_explained(family):
    for solver in solvers(family):
        solution = solver.solve()
        seen = sorted(
            [
                *(pod for claim in solution.claims for pod in claim.pods),
                *(pod for pods in solution.placements.values() for pod in pods),
                *solution.errors,
            ]
        )
        assert seen == list(range(len(solution.batch)))
        assert all(solution.errors.values())


@pytest.mark.parametrize("family", ["resources", "requirements", "nodepools", "overrides"])
def test_no_claim_without_a_compatible_priced_offering(family):
    with gzip.open(GOLDEN / f"{family}.jsonl.gz", "rt") as lines:
        cases = [json.loads(line)["input"] for line in lines]
    for given in cases:
        solver = Solver(read_objects(given), read_settings(given))
        for claim in solver.solve().claims:
            assert claim.types
            assert 0 < claim.cheapest_price < 1e6
