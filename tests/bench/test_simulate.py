"""The rows of ``pyscale bench simulate`` give the answers they claim."""

from pyscale import bench


def test_the_small_row_is_right():
    (row,) = bench.run(["simulate/web-and-batch"], repeats=1)
    assert row.answer_equal, row.note
