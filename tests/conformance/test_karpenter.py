"""Recorded decisions of the real Karpenter, replayed."""

import gzip
import json
from pathlib import Path

import pytest

from pyscale.conformance.karpenter import replay

GOLDEN = Path(__file__).parents[1] / "golden" / "karpenter"
FILES = sorted(GOLDEN.glob("*.jsonl.gz"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name.partition(".")[0])
def test_every_recorded_decision_is_ours(path):
    different = []
    with gzip.open(path, "rt") as lines:
        for line in lines:
            case = json.loads(line)
            ours, accepted = replay(case)
            if ours not in accepted:
                different.append(case["id"])
    assert different == []
