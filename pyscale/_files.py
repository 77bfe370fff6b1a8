"""Write files whole or not at all."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from .errors import PyscaleError


def write_whole(path: str | Path, data: bytes) -> Path:
    """Write ``data`` to ``path``, its folder made if missing, and return the path.

    The bytes go to a temporary file beside it, which is then renamed: a reader sees the old file
    or the whole new one.

    Raises
    ------
    PyscaleError
        If the file cannot be written; nothing is left behind.
    """
    target = Path(path)
    scratch = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        scratch.write_bytes(data)
        scratch.replace(target)
    except OSError as error:
        with contextlib.suppress(OSError):
            scratch.unlink()
        raise PyscaleError(f"{target}: cannot be written: {error.strerror}") from error
    return target
