"""Downloads of public traces: resumed, checked, and put in place only when whole."""

from __future__ import annotations

import hashlib
import os
import urllib.error
import urllib.request
from collections.abc import Callable
from http.client import HTTPException
from pathlib import Path
from typing import IO, Any

from pyscale.errors import MissingDependencyError, TraceError
from pyscale.traces.files import DAMAGE, damaged, open_bytes

from .registry import Dataset, DatasetFile, get_dataset

DATA_VARIABLE = "PYSCALE_DATA"
"""Environment variable that names a folder with local copies."""

_CHUNK_BYTES = 1 << 18
_TIMEOUT_SECONDS = 60
_RANGE_NOT_SATISFIABLE = 416
_PARTIAL_CONTENT = 206

Progress = Callable[[str, int, int | None], None]
"""Called with the file's name, the bytes there so far and the bytes in all (None: unknown)."""


def cache_folder() -> Path:
    """Return the folder that downloads go to; it need not exist yet.

    Raises
    ------
    MissingDependencyError
        If platformdirs is not installed.
    """
    try:
        from platformdirs import user_cache_path
    except ImportError:
        raise MissingDependencyError("platformdirs", "io") from None
    return user_cache_path("pyscale", appauthor=False) / "datasets"


def locate(dataset: Dataset, file: DatasetFile, cache: Path | None = None) -> Path | None:
    """Return where a file is on this machine, or None.

    The folder named by ``PYSCALE_DATA`` is searched first, sub-folders included (the first in
    path order wins), then the cache.
    """
    local = public_copy(dataset.name, file.name)
    if local is not None:
        return local
    path = (cache or cache_folder()) / dataset.name / file.name
    return path if path.is_file() else None


def public_copy(dataset: str, file: str) -> Path | None:
    """Return where a file of a dataset is in the folder named by ``PYSCALE_DATA``, or None."""
    local = os.environ.get(DATA_VARIABLE)
    if not local:
        return None
    root = Path(local)
    for path in (root / dataset / file, root / file):
        if path.is_file():
            return path
    found = sorted(path for path in root.rglob(file) if path.is_file())
    return found[0] if found else None


def fetch(
    name: str,
    file: str | None = None,
    *,
    cache: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
    opener: Callable[..., Any] = urllib.request.urlopen,
) -> Path:
    """Return the path of a dataset's file, after downloading what is not there yet.

    Parameters
    ----------
    name : str
        Name of the dataset.
    file : str, optional
        One file; without it all files are fetched and the path of the main one is returned.
    cache : path, optional
        Folder for downloads instead of the user's cache folder.
    progress : callable, optional
        Called after each block with the file's name, bytes there and bytes in all.
    opener : callable, optional
        Replaces ``urllib.request.urlopen``.

    Returns
    -------
    Path
        A file whose checksum is right; of a file without a known checksum, the one that was
        downloaded first.

    Raises
    ------
    ValueError
        For an unknown name.
    TraceError
        If the download fails or the checksum is wrong; a partial download stays beside the
        target as ``*.part`` and is resumed the next time, unless its checksum was wrong.

    Notes
    -----
    A download resumes with an HTTP range request; a server that ignores the range starts anew.
    The finished file is moved into place in one step, so that nobody sees half of it.
    """
    dataset = get_dataset(name)
    folder = (Path(cache) if cache is not None else cache_folder()) / dataset.name
    wanted = [dataset.file(file)] if file else list(dataset.files)
    paths = {}
    for item in wanted:
        path = locate(dataset, item, folder.parent)
        if path is None:
            path = _download(item, folder, progress, opener)
        elif path.parent == folder:
            _check(item, path, _seen(folder, item))
        else:
            _check(item, path)
        paths[item.name] = path
    return paths[file or dataset.main]


def sha256_of(path: Path, unpacked: bool = False) -> str:
    """Return the SHA-256 of a file, or of its decompressed content."""
    digest = hashlib.sha256()
    try:
        with open_bytes(path) if unpacked else path.open("rb") as stream:
            while block := stream.read(_CHUNK_BYTES):
                digest.update(block)
    except DAMAGE as error:
        raise damaged(path, error) from None
    return digest.hexdigest()


def _check(file: DatasetFile, path: Path, seen: Path | None = None) -> None:
    """Compare with the known checksum, else with the one remembered in ``seen``."""
    expected = file.sha256
    if expected is None and seen is not None and seen.is_file():
        expected = seen.read_text(encoding="ascii").strip()
    if expected is None and seen is None:
        return
    found = sha256_of(path, file.unpacked)
    if expected is not None and found != expected:
        raise TraceError(str(path), f"expected SHA-256 {expected}, found {found}")
    if file.sha256 is None and expected is None and seen is not None:
        seen.write_text(f"{found}\n", encoding="ascii")


def _seen(folder: Path, file: DatasetFile) -> Path:
    return folder / f"{file.name}.sha256"


def _download(
    file: DatasetFile, folder: Path, progress: Progress | None, opener: Callable[..., Any]
) -> Path:
    target = folder / file.name
    part = folder / f"{file.name}.part"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _fill(file, part, progress, opener)
    except urllib.error.HTTPError as error:
        with error:
            raise TraceError(file.url, f"the server answers {error.code} {error.reason}") from None
    except (urllib.error.URLError, HTTPException, OSError) as error:
        reason = getattr(error, "reason", None) or error
        raise TraceError(file.url, f"the download failed: {reason}") from None
    try:
        _check(file, part, _seen(folder, file))
    except TraceError as error:
        part.unlink()
        raise TraceError(file.url, error.problem) from None
    part.replace(target)
    return target


def _fill(
    file: DatasetFile, part: Path, progress: Progress | None, opener: Callable[..., Any]
) -> None:
    done = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(file.url, headers={"User-Agent": "pyscale"})
    if done:
        request.add_header("Range", f"bytes={done}-")
    try:
        response = opener(request, timeout=_TIMEOUT_SECONDS)
    except urllib.error.HTTPError as error:
        if error.code != _RANGE_NOT_SATISFIABLE or not done:
            raise
        with error:
            if error.headers.get("Content-Range", "") in ("", f"bytes */{done}"):
                return  # nothing is left to send: the part is whole
        part.unlink()  # it is a part of another version of the file
        _fill(file, part, progress, opener)
        return
    with response:
        if done and response.status != _PARTIAL_CONTENT:
            done = 0
        length = response.headers.get("Content-Length")
        total = done + int(length) if length else None
        with part.open("ab" if done else "wb") as stream:
            done = _copy(file.name, response, stream, done, total, progress)
    if total is not None and done < total:
        raise OSError(f"the connection ended after {done} of {total} bytes")


def _copy(
    name: str,
    response: Any,
    stream: IO[bytes],
    done: int,
    total: int | None,
    progress: Progress | None,
) -> int:
    while block := response.read(_CHUNK_BYTES):
        stream.write(block)
        done += len(block)
        if progress is not None:
            progress(name, done, total)
    return done
