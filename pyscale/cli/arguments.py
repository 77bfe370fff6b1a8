"""What several commands take: a trace, a catalogue, an output folder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import PyscaleError

if TYPE_CHECKING:
    from ..model.catalog import Catalog
    from ..traces import Trace


@contextmanager
def usage_errors() -> Iterator[None]:
    """Turn a library's complaint about an argument into the command line's one line."""
    try:
        yield
    except PyscaleError:
        raise
    except (ValueError, TypeError) as error:
        raise PyscaleError(str(error)) from error


def trace_argument(text: str, format: str | None = None, **options: Any) -> Trace:
    """Return the trace that an argument names: a bundled example, a public dataset, or a file.

    A file that has the name of an example is read when it is written with a folder, as ``./NAME``.
    """
    from ..traces import datasets, list_examples, load_example, load_trace

    with usage_errors():
        if text in list_examples():
            return load_example(text, **options)
        if text in datasets.DATASETS and not Path(text).exists():
            dataset = datasets.get_dataset(text)
            return load_trace(datasets.fetch(text), format or dataset.format, **options)
        if not Path(text).exists() and "/" not in text and "." not in text:
            known = ", ".join((*list_examples(), *sorted(datasets.DATASETS)))
            raise PyscaleError(f"{text}: no such file, example or dataset (known: {known})")
        return load_trace(text, format, **options)


def catalog_argument(text: str, seed: int = 0) -> Catalog:
    """Return the catalogue that an argument names, such as ``ec2:us-east-1`` or a file."""
    from ..catalog import parse_catalog

    with usage_errors():
        return parse_catalog(text, seed=seed)


def output_folder(text: str) -> Path:
    """Return a folder that exists and can be written to.

    Raises
    ------
    PyscaleError
        If it cannot be made or written to.
    """
    import os

    folder = Path(text)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise PyscaleError(f"{folder}: cannot be made: {error.strerror}") from error
    if not os.access(folder, os.W_OK):
        raise PyscaleError(f"{folder}: cannot be written to")
    return folder
