"""The rows of the Karpenter benchmark give the right answers."""

import pytest

from pyscale.bench import rows_of, run


def test_recorded_rows_need_the_recordings():
    (row,) = run(["karpenter/diverse-1000"])
    assert row.seconds is None
    assert "needs recordings" in row.note


@pytest.mark.parametrize(
    "name", ["preferences-respect", "preferences-ignore", "mix-1000", "mix-10000"]
)
def test_generated_rows_are_answered(name):
    (row,) = run([f"karpenter/{name}"], repeats=2)
    assert row.answer_equal, row.note


def test_every_row_has_a_target():
    assert all(row.target_seconds for row in rows_of("karpenter"))
