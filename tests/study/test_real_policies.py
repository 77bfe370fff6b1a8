"""Cluster Autoscaler and Karpenter on a piece of a trace: the laws hold, and runs repeat."""

import pytest
from reference.laws import check_laws, cost_from_records

import pyscale as ps
from pyscale.policies.registry import find_policy

KWOK = ps.catalog.kwok()
MINUTE = 60 * 10**9


@pytest.fixture(scope="module")
def trace():
    day = ps.load_example("web-and-batch", scale="0.05")
    return day.window(20 * 60 * MINUTE, 20 * 60 * MINUTE + 40 * MINUTE)


@pytest.mark.parametrize("name", ["cluster-autoscaler", "karpenter"])
def test_the_laws_hold_and_the_run_repeats(name, trace):
    options = ps.SimulationOptions(end_ns=30 * MINUTE, boot_jitter_ns=20 * 10**9)
    result, again = (
        ps.simulate(trace, find_policy(name)(), KWOK, seed=5, options=options) for _ in range(2)
    )
    check_laws(result, trace.pods.n_pods)
    assert result.metrics.cost_nano == cost_from_records(result, KWOK)
    assert again.digest() == result.digest()
    assert result.metrics.nodes_launched > 0
    assert (result.pods.bound_ns >= 0).mean() > 0.5
    assert all(act.reason for act in result.acts)
