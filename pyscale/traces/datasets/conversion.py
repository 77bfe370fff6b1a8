"""Converting traces of any format to the generic table."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from .download import fetch
from .registry import DATASETS, get_dataset


def convert(
    source: str | os.PathLike[str],
    target: str | os.PathLike[str],
    *,
    file: str | None = None,
    format: str | None = None,
    cache: str | os.PathLike[str] | None = None,
    **options: Any,
) -> Path:
    """Write a trace, or a load signal, as a generic table.

    Parameters
    ----------
    source : str or path
        Name of a dataset, which is fetched if need be, or a file.
    target : str or path
        ``.csv``, ``.csv.gz``, ``.parquet`` or ``.arrow``.
    file : str, optional
        File of the dataset instead of its main one.
    format : str, optional
        Format of the source; a dataset knows its own, a file's is told from its content.
    cache : path, optional
        Folder for downloads, as for :func:`~pyscale.traces.datasets.fetch`.
    **options
        Options of the reader.

    Returns
    -------
    Path
        The target.

    Raises
    ------
    TraceError
        If the source cannot be fetched or read, or the target cannot be written.
    UnsupportedError
        If a pod has something that the table cannot say.
    ValueError
        For an unknown format or ending.
    """
    from pyscale.traces.load_registry import LOAD_FORMATS, read_loads
    from pyscale.traces.load_table import write_loads
    from pyscale.traces.registry import load_trace
    from pyscale.traces.table_write import write_table

    path: str | os.PathLike[str] = source
    if isinstance(source, str) and source in DATASETS:
        dataset = get_dataset(source)
        path = fetch(source, file, cache=cache)
        # The other files of a dataset may have a format of their own.
        if format is None and file in (None, dataset.main):
            format = dataset.format
    if format in LOAD_FORMATS:
        return write_loads(read_loads(path, format, **options), target)
    return write_table(load_trace(path, format, **options), target)
