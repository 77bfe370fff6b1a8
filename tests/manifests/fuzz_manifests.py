"""Fuzz the manifest readers with atheris: ``python fuzz_manifests.py -runs=100000``."""

from __future__ import annotations

import contextlib
import json
import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["pyscale.manifests", "pyscale.model"]):
    from pyscale.errors import InvalidObjectError
    from pyscale.manifests import load_cluster

sys.path.insert(0, str(Path(__file__).parents[1]))
from strategies_manifests import VALID

LONGEST = 4096


def read(data: bytes) -> None:
    """Read any bytes as a file, and the same bytes in the place of a part of a valid object."""
    data = data[:LONGEST]
    with contextlib.suppress(InvalidObjectError):
        load_cluster(data)
    if len(data) > 2:
        text = json.dumps(VALID[data[0] % len(VALID)]).encode()
        start = data[1] * len(text) // 256
        with contextlib.suppress(InvalidObjectError):
            load_cluster(text[:start] + data[2:] + text[start + len(data) - 2 :])


if __name__ == "__main__":
    atheris.Setup(sys.argv, read)
    atheris.Fuzz()
