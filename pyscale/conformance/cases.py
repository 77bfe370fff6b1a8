"""Find and read recorded cases."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import TraceError

SUFFIXES = (".jsonl", ".jsonl.gz")
BENCH_FOLDER = "bench"


@dataclass(frozen=True, slots=True)
class Case:
    """One recorded line, not yet decoded.

    ``program`` is the folder that the file lies in; a field ``program`` of the line itself wins.
    """

    file: str
    row: int
    program: str
    line: bytes


def find_files(paths: Sequence[str | Path]) -> list[Path]:
    """Return the recording files at and below ``paths``, each folder in sorted order.

    Folders named ``bench`` below a given path are left out: they hold inputs for timing, in
    another outcome format.

    Raises
    ------
    TraceError
        If a path does not exist, or nothing was found below it.
    """
    files: list[Path] = []
    for path in map(Path, paths):
        if path.is_dir():
            found = sorted(
                file
                for file in path.rglob("*")
                if file.name.endswith(SUFFIXES)
                and BENCH_FOLDER not in file.relative_to(path).parts[:-1]
            )
            if not found:
                raise TraceError(str(path), f"expected files named *{' or *'.join(SUFFIXES)}")
            files.extend(found)
        elif path.exists():
            files.append(path)
        else:
            raise TraceError(str(path), "no such file or folder")
    return files


def read_cases(paths: Sequence[str | Path]) -> Iterator[Case]:
    """Yield the cases of all files, in order, one line at a time.

    Raises
    ------
    TraceError
        If a file cannot be read to its end, for example a truncated gzip.
    """
    for file in find_files(paths):
        program = file.resolve().parent.name
        row = 0
        try:
            with gzip.open(file) if file.suffix == ".gz" else file.open("rb") as lines:
                for row, line in enumerate(lines, start=1):
                    if line.strip():
                        yield Case(str(file), row, program, line)
        except (OSError, EOFError, zlib.error) as error:
            raise TraceError(str(file), f"cannot be read: {error}", row + 1) from error
