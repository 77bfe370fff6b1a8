"""Compile a user's rule with Numba, at first use.

Nothing imports this module at the top: Numba costs more to import than all else together.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numba
from numba import cfunc, njit, types

carray: Any = numba.carray  # type: ignore[attr-defined]  # Numba does not list it
_POINTER = types.CPointer(types.int64)  # type: ignore[no-untyped-call]
_SIGNATURE = types.void(
    _POINTER,
    _POINTER,
    types.int64,
    types.int64,
    types.int32,
    types.CPointer(types.float64),  # type: ignore[no-untyped-call]
    types.voidptr,
)
_ROWS = types.Array(types.int64, 2, "A")
_ROW = types.Array(types.int64, 1, "C")
_OUT = types.Array(types.float64, 1, "C")


def can_compile() -> bool:
    """Whether Numba compiles at all here (``NUMBA_DISABLE_JIT`` is not set)."""
    return not getattr(numba.config, "DISABLE_JIT", 0)


@lru_cache(maxsize=64)
def compile_rule(function: Callable[..., Any]) -> tuple[int, object]:
    """Compile ``function(offered, requested, request, out)`` to a C callback.

    Returns
    -------
    (int, object)
        The address, and what must stay alive as long as it is used.

    Raises
    ------
    TypeError
        Numba cannot compile the function for arrays of int64 (2-d, 2-d, 1-d) and float64 (1-d).
    """
    compiled = njit(function)
    try:
        compiled.compile((_ROWS, _ROWS, _ROW, _OUT))
    except (numba.core.errors.NumbaError, TypeError) as error:
        reason = str(error).strip().splitlines()
        raise TypeError(
            f"{function.__qualname__}(offered, requested, request, out) cannot be compiled: "
            f"{reason[-1] if reason else type(error).__name__}"
        ) from error

    @cfunc(_SIGNATURE)
    def entry(table, request, n, stride, n_resources, out, user):  # type: ignore[no-untyped-def]
        rows = carray(table, (2 * n_resources, stride))
        compiled(
            rows[:n_resources, :n],
            rows[n_resources:, :n],
            carray(request, (n_resources,)),
            carray(out, (n,)),
        )

    callback: Any = entry
    return int(callback.address), entry
