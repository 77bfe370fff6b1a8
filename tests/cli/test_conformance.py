"""``pyscale conformance`` on the command line."""

from command import pyscale, refusal


def test_missing_path_exits_with_two_and_one_line(tmp_path):
    missing = tmp_path / "nowhere"
    assert refusal(pyscale("conformance", missing)) == f"{missing}: no such file or folder"


def test_unknown_option_exits_with_two():
    assert "No such option: --nonsense" in refusal(pyscale("conformance", "--nonsense"))


def test_version_is_printed():
    done = pyscale("--version")
    assert done.returncode == 0
    assert done.stdout.startswith("pyscale ")


def test_help_lists_the_command():
    assert "conformance" in pyscale("--help").stdout
