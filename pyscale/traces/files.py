"""Opening trace files: plain or compressed, with one clear error for what cannot be read."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import zlib
from pathlib import Path
from typing import IO, Any, TypeAlias

from pyscale.errors import MissingDependencyError, TraceError

PathLike: TypeAlias = str | os.PathLike[str]

_GZIP = b"\x1f\x8b"
_BZIP2 = b"BZh"
_XZ = b"\xfd7zXZ\x00"
_MAGIC_BYTES = 8


def check_file(path: PathLike) -> Path:
    """Return the path of a readable, non-empty regular file.

    Parameters
    ----------
    path : str or path
        What the caller gave.

    Returns
    -------
    Path

    Raises
    ------
    TraceError
        If there is no such file, it is a directory, it is empty or it may not be read.
    """
    file = Path(path)
    try:
        with file.open("rb") as stream:
            first = stream.read(1)
    except FileNotFoundError:
        raise TraceError(os.fspath(path), "no such file") from None
    except IsADirectoryError:
        raise TraceError(os.fspath(path), "expected a file, found a directory") from None
    except (OSError, ValueError) as error:
        if file.is_dir():  # Windows answers a directory with PermissionError
            raise TraceError(os.fspath(path), "expected a file, found a directory") from None
        reason = getattr(error, "strerror", None) or str(error)
        raise TraceError(os.fspath(path), f"cannot be read: {reason}") from None
    if not first:
        raise TraceError(os.fspath(path), "expected a trace, found an empty file")
    return file


def compression_of(file: Path) -> str:
    """Return ``"gzip"``, ``"bzip2"``, ``"xz"`` or ``""``, told from the file's first bytes."""
    with file.open("rb") as stream:
        head = stream.read(_MAGIC_BYTES)
    if head.startswith(_GZIP):
        return "gzip"
    if head.startswith(_BZIP2):
        return "bzip2"
    return "xz" if head.startswith(_XZ) else ""


def open_bytes(path: PathLike) -> IO[bytes]:
    """Open a file for reading its decompressed bytes.

    Reading from the result may raise what :data:`DAMAGE` lists; callers turn it into a
    :class:`~pyscale.errors.TraceError` by :func:`damaged`.
    """
    file = check_file(path)
    kind = compression_of(file)
    if kind == "gzip":
        return gzip.open(file, "rb")  # type: ignore[return-value]
    if kind == "bzip2":
        return bz2.open(file, "rb")
    if kind == "xz":
        return lzma.open(file, "rb")
    return file.open("rb")


DAMAGE = (EOFError, gzip.BadGzipFile, zlib.error, lzma.LZMAError, OSError)
"""What reading a truncated or corrupt compressed file raises."""


def damaged(path: PathLike, error: BaseException) -> TraceError:
    """Return the error for compressed data that ends early or is corrupt."""
    kind = compression_of(Path(path)) or "file"
    if isinstance(error, EOFError):
        return TraceError(os.fspath(path), f"the {kind} data ends early: the file is truncated")
    return TraceError(os.fspath(path), f"the {kind} data is corrupt: {error}")


def read_bytes(path: PathLike) -> bytes:
    """Return a file's whole content, decompressed.

    Raises
    ------
    TraceError
        As :func:`check_file`; or the compressed data is truncated or corrupt, or holds nothing.
    """
    try:
        with open_bytes(path) as stream:
            data = stream.read()
    except DAMAGE as error:
        raise damaged(path, error) from None
    if not data:
        raise TraceError(os.fspath(path), "expected a trace, found an empty file")
    return data


def read_head(path: PathLike, n_bytes: int = 4096) -> bytes:
    """Return the first decompressed bytes of a file, for telling its format."""
    try:
        with open_bytes(path) as stream:
            return stream.read(n_bytes)
    except DAMAGE as error:
        raise damaged(path, error) from None


def read_text(path: PathLike) -> str:
    """Return a file's text: UTF-8, or Latin-1 where it is not (old logs)."""
    data = read_bytes(path)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def require_arrow() -> Any:
    """Import pyarrow, or say which extra brings it."""
    try:
        import pyarrow
    except ImportError:
        raise MissingDependencyError("pyarrow", "io") from None
    return pyarrow
