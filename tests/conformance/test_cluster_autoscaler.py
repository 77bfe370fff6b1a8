"""Cluster Autoscaler's recorded decisions are pyscale's."""

from pathlib import Path

import pytest

from pyscale.conformance import judge

GOLDEN = Path(__file__).parents[1] / "golden" / "cluster-autoscaler"
FAMILIES = sorted(path.name.split(".")[0] for path in GOLDEN.glob("*.jsonl.gz"))


@pytest.mark.parametrize("family", FAMILIES)
def test_recorded_decisions_are_equal(family):
    verdicts = list(judge([GOLDEN / f"{family}.jsonl.gz"]))

    assert [v for v in verdicts if v.outcome != "equal"] == []
    assert verdicts
