"""Recorded decisions of kube-scheduler 1.36.2 are ours."""

from pathlib import Path

import pytest

from pyscale.conformance import judge

RECORDINGS = Path(__file__).parents[1] / "golden" / "kube-scheduler"
FAMILIES = sorted(path.name.removesuffix(".jsonl.gz") for path in RECORDINGS.glob("*.jsonl.gz"))


@pytest.mark.parametrize("family", FAMILIES)
def test_recorded_decisions_are_ours(family):
    verdicts = list(judge([RECORDINGS / f"{family}.jsonl.gz"]))
    assert verdicts
    for verdict in verdicts:
        assert verdict.outcome == "equal", f"{verdict.id}: {verdict.detail}"
