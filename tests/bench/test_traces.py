import numpy as np
import pytest

from pyscale import bench
from pyscale.bench import traces
from pyscale.traces import load_trace
from pyscale.traces.datasets.download import DATA_VARIABLE


def test_the_generated_rows_give_the_answers_that_are_recorded(monkeypatch):
    monkeypatch.delenv(DATA_VARIABLE, raising=False)
    quick = [row.name for row in bench.rows_of("traces") if row.name != "traces/stream"]
    for row in bench.run(quick, repeats=1):
        assert row.answer_equal, row


@pytest.mark.parametrize(
    ("write", "rows"), [(traces.write_alibaba_2017, 31_756), (traces.write_openb, 8_152)]
)
def test_a_generated_file_has_the_size_of_the_public_one(tmp_path, write, rows):
    trace = load_trace(write(tmp_path / "x.csv"))
    assert len(trace) == trace.summary.rows_read == rows
    if rows == 31_756:
        assert trace.pods.n_pods == pytest.approx(2_551_075, rel=0.1)
        assert len(np.unique(trace.pods.class_id)) == pytest.approx(682, rel=0.1)
