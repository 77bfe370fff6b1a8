"""``pyscale bench`` prints figures and checks answers."""

import json

from command import pyscale, refusal


def test_one_row_is_measured_and_its_answer_checked():
    done = pyscale("bench", "pack/fit-int64", "--repeats", "1", "--format", "json")
    assert done.returncode == 0, done.stderr
    (row,) = json.loads(done.stdout)
    assert row["answer_equal"] is True
    assert row["seconds"] > 0
    assert set(row) >= {"name", "work", "target_seconds", "recorded_seconds", "ratio"}


def test_an_unknown_benchmark_is_one_line():
    assert "benchmark must be one of" in refusal(pyscale("bench", "nothing"))


def test_the_table_names_the_target():
    done = pyscale("bench", "pack/fit-int64", "--repeats", "1")
    assert "target" in done.stdout
    assert "equal" in done.stdout
