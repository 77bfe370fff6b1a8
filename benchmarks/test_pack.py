"""The rows of ``pyscale bench pack`` under pytest-benchmark, and the calls a simulator repeats."""

from __future__ import annotations

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

import pyscale as ps
from pyscale import bench
from pyscale.bench._frame import Row
from pyscale.bench._instances import web_mix


@pytest.mark.benchmark(group="targeted")
@pytest.mark.parametrize("row", bench.rows_of("pack"), ids=lambda row: row.name)
def test_a_row_of_the_benchmark(benchmark: BenchmarkFixture, row: Row) -> None:
    work = row.prepare(None)
    result = benchmark.pedantic(work.run, rounds=min(3, row.repeats), warmup_rounds=1)
    assert work.answer(result) == work.expected
    benchmark.extra_info.update(target_seconds=row.target_seconds, answer=str(work.expected))


@pytest.mark.benchmark(group="frequent")
@pytest.mark.parametrize("rule", ["first_fit", "best_fit", "worst_fit", "next_fit", "rotating"])
def test_one_class_onto_a_thousand_nodes(benchmark: BenchmarkFixture, rule: str) -> None:
    rng = np.random.default_rng(0)
    free = rng.integers(0, 16_000, (1000, 3))
    packing = benchmark(ps.place, [[250, 500, 1]], [100], free, rule)
    assert packing.n_unplaced == 0
    benchmark.extra_info["nodes"] = len(packing.records)


@pytest.mark.benchmark(group="targeted")
@pytest.mark.parametrize("rule", ["best_fit_decreasing", "worst_fit_decreasing"])
def test_a_million_pods_by_score(benchmark: BenchmarkFixture, rule: str) -> None:
    instance = web_mix(1000, 3, 10**6)
    packing = benchmark.pedantic(
        ps.pack, (instance.requests, instance.counts, instance.capacity, rule), rounds=3
    )
    assert packing.n_unplaced == 0
    assert packing.n_nodes == {"best_fit_decreasing": 52_868, "worst_fit_decreasing": 52_955}[rule]
    benchmark.extra_info["nodes"] = packing.n_nodes


@pytest.mark.benchmark(group="targeted")
def test_a_hundred_thousand_pods_by_fewest_pods(benchmark: BenchmarkFixture) -> None:
    instance = web_mix(1000, 3, 10**5)
    packing = benchmark.pedantic(
        ps.pack,
        (instance.requests, instance.counts, instance.capacity, "fewest_pods_first_decreasing"),
        rounds=3,
    )
    assert packing.n_unplaced == 0
    assert packing.n_nodes == 5253
    benchmark.extra_info["nodes"] = packing.n_nodes


@pytest.mark.benchmark(group="targeted")
def test_ten_million_pods_are_expanded(benchmark: BenchmarkFixture) -> None:
    instance = web_mix(1000, 3, 10**7)

    def setup() -> tuple[tuple[ps.Packing], dict[str, object]]:
        return (ps.pack(instance.requests, instance.counts, instance.capacity),), {}

    nodes = benchmark.pedantic(lambda packing: packing.node_of_pod, setup=setup, rounds=3)
    assert len(nodes) == 10**7
    assert nodes.min() == 0
