"""The shipped EC2 table is what the script makes of its sources."""

import gzip
import importlib.metadata
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import pytest

from pyscale.catalog.ec2_data import source

SCRIPT = Path(__file__).parents[2] / "tools" / "build_ec2_catalog.py"


def test_the_shipped_table_can_be_made_again(tmp_path):
    for package in ("moto", "apache-libcloud"):
        try:
            version = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            pytest.skip(f"{package} is not installed")
        if f"{package} {version}" not in source():
            pytest.skip(f"{package} {version} is not the version of the shipped table")
    target = tmp_path / "ec2.json.gz"
    subprocess.run([sys.executable, SCRIPT, target], check=True, capture_output=True)
    shipped = files("pyscale.catalog").joinpath("data", "ec2.json.gz").read_bytes()
    assert gzip.decompress(target.read_bytes()) == gzip.decompress(shipped)
