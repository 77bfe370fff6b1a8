"""Replay cases and judge them, in this process or in several."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from importlib import import_module
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Literal

from ..errors import TraceError, UnsupportedError
from .cases import Case, read_cases
from .difference import closest_difference

PROGRAMS = ("kube-scheduler", "karpenter", "cluster-autoscaler", "hpa", "vpa", "keda")
"""The programs whose decisions can be replayed; each has a module of its own here."""

Outcome = Literal["equal", "different", "unsupported", "failed"]
_CHUNK = 16


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one case.

    ``detail`` is the first difference, the unsupported feature, or the error.
    """

    program: str
    family: str
    id: str
    outcome: Outcome
    detail: str = ""

    def to_dict(self) -> dict[str, str]:
        """Return the fields as a dict."""
        return asdict(self)


def judge_case(case: Case) -> Verdict:
    """Replay one case.

    Raises
    ------
    TraceError
        If the line is not a recorded case.
    """
    record = _decode(case)
    program = str(record.get("program", case.program))
    family = str(record.get("family", Path(case.file).name.split(".")[0]))
    name = str(record.get("id", f"{family}:{case.row}"))
    if program not in PROGRAMS:
        known = ", ".join(PROGRAMS)
        raise TraceError(
            case.file, f"expected one of {known}, found {program!r}", case.row, "program"
        )
    if "input" not in record:
        raise TraceError(case.file, "expected a recorded case with an input", case.row, "input")
    try:
        replay = _replayer(program)
        ours, accepted = replay(record)
        difference = closest_difference(accepted, ours)
    except UnsupportedError as error:
        return Verdict(program, family, name, "unsupported", error.feature)
    except Exception as error:  # a replay that breaks is a verdict, not the end of the run
        return Verdict(program, family, name, "failed", f"{type(error).__name__}: {error}")
    if difference is None:
        return Verdict(program, family, name, "equal")
    return Verdict(program, family, name, "different", str(difference))


def judge(paths: Sequence[str | Path], jobs: int = 1, only: str | None = None) -> Iterator[Verdict]:
    """Replay all cases below ``paths`` and yield their verdicts in the order of the cases.

    Parameters
    ----------
    paths : sequence of path
        Recording files, or folders of them (``bench`` folders are left out).
    jobs : int
        Number of processes; with 1 everything runs here.
    only : str, optional
        Id of the one case to replay.

    Raises
    ------
    TraceError
        If a file cannot be read, or a line is not a recorded case.
    """
    cases: Iterable[Case] = read_cases(paths)
    if only is not None:
        mark = json.dumps(only).encode()
        cases = (case for case in cases if mark in case.line and _decode(case).get("id") == only)
    if jobs <= 1 or only is not None:
        yield from map(judge_case, cases)
        return
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        for verdicts in pool.map(_judge_chunk, _chunks(iter(cases))):
            yield from verdicts


def _chunks(cases: Iterator[Case]) -> Iterator[list[Case]]:
    while chunk := list(islice(cases, _CHUNK)):
        yield chunk


def _judge_chunk(cases: list[Case]) -> list[Verdict]:
    return [judge_case(case) for case in cases]


def _decode(case: Case) -> dict[str, Any]:
    try:
        record = json.loads(case.line)
    except ValueError as error:
        raise TraceError(case.file, f"expected a line of JSON: {error}", case.row) from error
    if not isinstance(record, dict):
        raise TraceError(case.file, "expected a JSON object", case.row)
    return record


def _replayer(program: str) -> Any:
    module = f"{__package__}.{program.replace('-', '_')}"
    try:
        return import_module(module).replay
    except ModuleNotFoundError as error:
        if error.name != module:
            raise
        raise UnsupportedError(f"replaying {program}") from None
