"""The rows of ``pyscale bench karpenter`` under pytest-benchmark."""

from __future__ import annotations

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from pyscale import bench
from pyscale.bench._frame import Row

ROWS = [row for row in bench.rows_of("karpenter") if not row.needs_golden]


@pytest.mark.benchmark(group="targeted")
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_row_of_the_benchmark(benchmark: BenchmarkFixture, row: Row) -> None:
    work = row.prepare(None)
    result = benchmark.pedantic(work.run, rounds=min(3, row.repeats), warmup_rounds=1)
    assert work.answer(result) == work.expected
    benchmark.extra_info.update(target_seconds=row.target_seconds, answer=str(work.expected))
