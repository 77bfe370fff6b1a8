"""``pyscale conformance`` on the command line."""

import subprocess
import sys


def run(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "pyscale", *arguments], capture_output=True, text=True, check=False
    )


def test_missing_path_exits_with_two_and_one_line(tmp_path):
    done = run("conformance", str(tmp_path / "nowhere"))
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.endswith("nowhere: no such file or folder\n")
    assert done.stderr.count("\n") == 1


def test_unknown_option_exits_with_two():
    done = run("conformance", "--nonsense")
    assert done.returncode == 2
    assert "No such option: --nonsense" in done.stderr


def test_version_is_printed():
    done = run("--version")
    assert done.returncode == 0
    assert done.stdout.startswith("pyscale ")


def test_help_lists_the_command():
    assert "conformance" in run("--help").stdout
