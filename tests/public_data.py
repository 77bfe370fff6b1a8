"""The public traces on this machine, if ``PYSCALE_DATA`` names a folder with them."""

import os
from pathlib import Path

import pytest


def public_file(name):
    """Return the path of a public file, or skip the test."""
    folder = os.environ.get("PYSCALE_DATA")
    found = sorted(Path(folder).rglob(name)) if folder else []
    if not found:
        pytest.skip(f"PYSCALE_DATA names no folder with {name}")
    return found[0]
