"""The examples run, and print what they promise."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
RUNS = {
    "pack_arrays.py": ((), "first_fit_decreasing"),
    "compare_policies.py": ((), "node groups maintained"),
    "own_policy.py": ((), "four-per-node on"),
    "own_scheduler_rule.py": ((), "pod default/job: small-b"),
    "judge_recordings.py": (("tests/golden/keda",), "200 equal, 0 different"),
}


@pytest.mark.parametrize("name", sorted(path.name for path in (ROOT / "examples").glob("*.py")))
def test_the_example_runs(name):
    arguments, promise = RUNS[name]
    done = subprocess.run(
        [sys.executable, ROOT / "examples" / name, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert promise in done.stdout
