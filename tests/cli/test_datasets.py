"""``pyscale datasets`` lists, fetches and converts."""

import json

import pytest
from command import pyscale, refusal


def test_the_list_says_what_is_here(tmp_path):
    done = pyscale("datasets", "list", "--format", "json", env={"PYSCALE_DATA": str(tmp_path)})
    rows = {row["name"]: row for row in json.loads(done.stdout)}
    assert rows["openb"]["here"] is False


def test_without_a_sub_command_it_lists():
    assert "web-and-batch" in pyscale("datasets").stdout


def test_an_example_becomes_a_table(tmp_path):
    target = tmp_path / "jobs.csv"
    done = pyscale("datasets", "convert", "bursty-batch", target)
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith(f"{target}\n")
    assert len(target.read_text().splitlines()) == 241


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("fetch", "nothing"), "expected one of alibaba-2017"),
        (("convert", "nothing", "x.csv"), "nothing: no such file, example or dataset"),
        (("convert", "bursty-batch", "x.zip"), ".zip"),
    ],
)
def test_wrong_arguments_are_one_line(arguments, message):
    assert message in refusal(pyscale("datasets", *arguments))
