"""A bounded run of the fuzzer, where it is installed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest


def test_a_bounded_fuzz_finds_no_other_error() -> None:
    pytest.importorskip("atheris")
    script = Path(__file__).with_name("fuzz_manifests.py")
    options = ["-runs=5000", "-seed=1", "-max_len=512", "-len_control=0", "-max_total_time=60"]
    run = subprocess.run(
        [sys.executable, str(script), *options], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr[-2000:]
