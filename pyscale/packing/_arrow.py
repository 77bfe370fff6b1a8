"""Columns of integers as an Arrow stream; pyarrow is imported here and nowhere else in packing."""

from __future__ import annotations

from pyscale.errors import MissingDependencyError
from pyscale.packing._border import Int64


def record_stream(
    names: tuple[str, ...], rows: Int64, requested_schema: object | None = None
) -> object:
    """Return the PyCapsule of a stream with one int64 column per name.

    Parameters
    ----------
    names : tuple of str
        Column names.
    rows : ndarray of int64, shape (n_rows, n_columns)
        The columns, side by side.
    requested_schema : PyCapsule, optional
        Passed on to pyarrow.
    """
    try:
        import pyarrow as pa
    except ImportError as error:
        raise MissingDependencyError("pyarrow", "io") from error
    table = pa.table({name: pa.array(rows[:, i]) for i, name in enumerate(names)})
    stream: object = table.__arrow_c_stream__(requested_schema)
    return stream
