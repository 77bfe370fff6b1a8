"""Run one check on every vector path that this machine has."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from pyscale.kernel import _fit


def simd_paths() -> Iterator[str]:
    """Yield each available path while it is in force, then restore the one before."""
    before = _fit.simd_path()
    try:
        for path in ("baseline", "avx2"):
            if _fit.use_simd_path(path):
                yield path
    finally:
        _fit.use_simd_path(before)


@contextmanager
def forced(path: str) -> Iterator[bool]:
    """Force one path; yields whether this machine has it."""
    before = _fit.simd_path()
    try:
        yield _fit.use_simd_path(path)
    finally:
        _fit.use_simd_path(before)
