"""The scheduler's rows say what they need."""

from pyscale.bench import run


def test_recorded_rows_need_the_recordings():
    (row,) = run(["scheduler/resource-100-10000"])
    assert row.seconds is None
    assert row.note
