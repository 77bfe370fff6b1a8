"""Recorded decisions of HPA, VPA and KEDA, kept in the repository whole, are reproduced."""

from pathlib import Path

import pytest

from pyscale.conformance import judge

GOLDEN = Path(__file__).resolve().parent.parent / "golden"
FILES = sorted(
    file for program in ("hpa", "vpa", "keda") for file in (GOLDEN / program).glob("*.jsonl.gz")
)


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}-{file.name}")
def test_recorded_decisions_are_reproduced(file):
    verdicts = list(judge([file]))
    assert verdicts
    assert [verdict for verdict in verdicts if verdict.outcome != "equal"] == []
