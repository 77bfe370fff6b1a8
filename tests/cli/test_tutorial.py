"""The commands that the tutorial shows run as they stand there."""

import re
import shlex
from pathlib import Path

import pytest
from command import pyscale

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "tutorial.md"
FILES = ROOT / "docs" / "_static" / "tutorial"
SHELL = re.compile(r"```sh\n(.*?)```", re.DOTALL)


@pytest.mark.skipif(not PAGE.exists(), reason="the documentation is not beside the tests")
def test_the_commands_of_the_tutorial_run(tmp_path):
    for file in FILES.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    commands = [line for block in SHELL.findall(PAGE.read_text()) for line in block.splitlines()]
    assert len(commands) > 5
    for command in commands:
        program, *arguments = shlex.split(command)
        assert program == "pyscale", command
        in_checkout = [a if not a.startswith("tests/") else ROOT / a for a in arguments]
        done = pyscale(*in_checkout, cwd=tmp_path)
        assert done.returncode == 0, f"{command}\n{done.stderr}"
