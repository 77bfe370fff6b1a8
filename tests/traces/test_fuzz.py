"""Damaged files: a reader answers with a trace or with one line, never with anything else."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from trace_samples import SAMPLES

from pyscale import traces
from pyscale.errors import PyscaleError

CELLS = [b"", b"-1", b"nan", b"1e400", b"9" * 19, b"9" * 30, b"x", b"0.1", b'"', b"\xff", b"\n"]


@st.composite
def damaged(draw, content):
    """Return content with a few bytes or comma-separated cells changed, or its end cut off."""
    data = bytearray(content)
    for _ in range(draw(st.integers(1, 3))):
        kind = draw(st.sampled_from(["cut", "byte", "cell", "line"]))
        place = draw(st.integers(0, max(len(data) - 1, 0)))
        if kind == "cut":
            del data[place:]
        elif kind == "byte" and data:
            data[place] = draw(st.integers(0, 255))
        elif kind == "cell":
            first = data.rfind(b",", 0, place) + 1
            last = data.find(b",", place)
            data[first : last if last >= 0 else len(data)] = draw(st.sampled_from(CELLS))
        elif kind == "line":
            lines = bytes(data).split(b"\n")
            row = draw(st.integers(0, len(lines) - 1))
            data = bytearray(b"\n".join([*lines, lines[row]]))
    return bytes(data)


def outcome(path, name):
    try:
        return traces.load_trace(path, format=name)
    except PyscaleError as error:
        return error


@pytest.mark.parametrize("name", sorted(SAMPLES))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_damaged_file_gives_a_trace_or_one_line(tmp_path, name, data):
    file, content = SAMPLES[name]
    path = tmp_path / file
    path.write_bytes(data.draw(damaged(content)))
    found = outcome(path, name)
    if isinstance(found, PyscaleError):
        assert "\n" not in str(found)
        assert str(path) in str(found)
    else:
        assert found.pods.n_pods > 0


def test_the_csv_readers_withstand_atheris(tmp_path):
    if importlib.util.find_spec("atheris") is None:
        pytest.skip("atheris is not installed")
    script = Path(__file__).parents[1] / "fuzz" / "fuzz_traces.py"
    command = [sys.executable, str(script), "-runs=2000", "-seed=1", "-max_len=400"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, cwd=tmp_path)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "Done 2000 runs" in done.stderr
