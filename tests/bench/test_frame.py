from __future__ import annotations

import errno
from pathlib import Path

import pytest

from pyscale import bench
from pyscale.bench import _frame
from pyscale.bench._frame import BenchRow, Row, Work


def row(work: Work, **options: object) -> Row:
    return Row("pack/example", "an example", lambda golden: work, **options)  # type: ignore[arg-type]


def test_the_median_the_ratio_and_the_answer_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = iter([0.0, 4.0, 10.0, 11.0, 20.0, 22.0])
    monkeypatch.setattr(_frame.time, "perf_counter", lambda: next(ticks))
    work = Work(lambda: [1, 2], expected=2, answer=len, units=4, recorded_seconds=5.0)
    done = _frame.run_row(row(work, target_seconds=0.5), None, 3)
    assert done == BenchRow("pack/example", "an example", 0.5, 0.5, 5.0, 10.0, True)
    assert list(done.to_dict()) == [
        "name", "work", "seconds", "target_seconds", "recorded_seconds", "ratio", "answer_equal",
    ]  # fmt: skip


def test_a_wrong_answer_is_shown_with_the_right_one() -> None:
    answers = iter([7, 8])
    done = _frame.run_row(row(Work(lambda: next(answers), expected=7)), None, 2)
    assert done.answer_equal is False
    assert done.to_dict()["note"] == "expected 7, found 8"


def test_long_work_is_run_less_often() -> None:
    runs: list[int] = []
    _frame.run_row(row(Work(lambda: runs.append(1), expected=None), repeats=2), None, 9)
    assert len(runs) == 2


def test_rows_without_their_recordings_say_so(tmp_path: Path) -> None:
    needy = row(Work(lambda: 0, expected=0), needs_golden=True)
    assert _frame.run_row(needy, None, 1).note == (
        "needs recordings: name their folder with --golden or PYSCALE_GOLDEN"
    )
    assert _frame.run_row(needy, tmp_path, 1).answer_equal

    def missing(golden: Path | None) -> Work:
        raise FileNotFoundError(errno.ENOENT, "no such file", "bench/pods.jsonl")

    done = _frame.run_row(Row("a/b", "c", missing, needs_golden=True), tmp_path, 1)
    assert done.seconds is None
    assert done.answer_equal is None
    assert done.note == "needs recordings: bench/pods.jsonl is missing"


def test_the_folder_of_recordings_may_come_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    seen: list[Path | None] = []

    def prepare(golden: Path | None) -> Work:
        seen.append(golden)
        return Work(lambda: 0, expected=0)

    rows = [Row("pack/x", "x", prepare, needs_golden=True), Row("pack/y", "y", prepare)]
    monkeypatch.setattr(_frame, "rows_of", lambda name: rows)
    monkeypatch.setenv("PYSCALE_GOLDEN", str(tmp_path))
    shown: list[BenchRow] = []
    assert bench.run(["pack"], on_row=shown.append) == shown
    bench.run(["pack/x"], golden=tmp_path / "other")
    assert seen == [tmp_path, None, tmp_path / "other"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"wanted": ["nothing"]}, "benchmark must be one of .*pack.*, found 'nothing'"),
        ({"wanted": ["pack/no"]}, "row must be one of pack/fit-int64, .* found 'pack/no'"),
        ({"repeats": 0}, "repeats must be >= 1, found 0"),
    ],
)
def test_unknown_names_are_refused(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        bench.run(**arguments)  # type: ignore[arg-type]


def test_every_benchmark_has_rows_with_its_name() -> None:
    assert "pack" in bench.names()
    for name in bench.names():
        rows = bench.rows_of(name)
        assert rows
        assert len({row.name for row in rows}) == len(rows)
        assert all(row.name.startswith(f"{name}/") for row in rows)
