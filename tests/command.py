"""Run the command line as a user does."""

import os
import subprocess
import sys


def pyscale(*arguments, env=None, **options):
    """Run a command; ``env`` is added to this process's environment."""
    return subprocess.run(
        [sys.executable, "-m", "pyscale", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **(env or {})},
        **options,
    )


def refusal(done):
    """Return the one line that says what is wrong, and check that there is nothing else."""
    assert done.returncode == 2, done
    assert done.stdout == ""
    assert done.stderr.startswith("pyscale: ")
    assert done.stderr.count("\n") == 1
    return done.stderr[len("pyscale: ") : -1]
