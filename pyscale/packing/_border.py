"""What the packing functions accept: arrays of integers, checked once, with one-line messages."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Int64 = NDArray[np.int64]

LIMIT = 2**61  # the kernel's sign-bit test cannot overflow below it
MAX_RESOURCES = 32  # sizes of requests are exact in 128 bits up to here
MAX_PODS = 2**62
MAX_NODES = 2**31 - 1


def integers(name: str, values: ArrayLike, shape: tuple[int | str, ...]) -> Int64:
    """Copy ``values`` to a contiguous int64 array of the given shape.

    Parameters
    ----------
    name : str
        The argument's name, for messages.
    values : array_like of int
        What the caller passed.
    shape : tuple of int or str
        Lengths that must match; a word stands for any length and is shown in messages.
    """
    array: NDArray[Any] = np.asarray(values)
    if array.size == 0 and array.dtype == np.float64:
        array = array.astype(np.int64)  # an empty list has no type of its own
    wanted = "(" + ", ".join(map(str, shape)) + ("," if len(shape) == 1 else "") + ")"
    if array.ndim != len(shape) or any(
        isinstance(want, int) and want != have
        for want, have in zip(shape, array.shape, strict=True)
    ):
        raise ValueError(f"{name} must have shape {wanted}, found {array.shape}")
    if array.dtype == object:
        for index, value in np.ndenumerate(array):
            if not isinstance(value, (int, np.integer)) or isinstance(value, bool):
                raise TypeError(f"{place(name, index)} must be an integer, found {value!r}")
            if abs(int(value)) > LIMIT:
                raise ValueError(f"{place(name, index)} must be at most 2**61, found {value}")
    elif array.dtype.kind not in "iu":
        raise TypeError(f"{name} must be integers, found dtype {array.dtype}")
    elif array.dtype.itemsize == 8:
        refuse(name, array, (array > LIMIT), "must be at most 2**61")
        refuse(name, array, (array < -LIMIT), "must be at least -2**61")
    return np.array(array, dtype=np.int64, order="C")  # ours: the caller may change theirs


def amounts(name: str, values: ArrayLike, shape: tuple[int | str, ...]) -> Int64:
    """Return ``values`` as ``integers`` does, refusing negative ones."""
    array = integers(name, values, shape)
    refuse(name, array, array < 0, "must be >= 0")
    return array


def refuse(name: str, array: NDArray[Any], wrong: NDArray[np.bool_], rule: str) -> None:
    """Raise for the first wrong element, if there is one."""
    if wrong.any():
        index = tuple(int(i) for i in np.argwhere(wrong)[0])
        raise ValueError(f"{place(name, index)} {rule}, found {array[index]}")


def place(name: str, index: tuple[int, ...]) -> str:
    """Name one element, as in ``requests[3, 1]``."""
    return f"{name}[{', '.join(map(str, index))}]"


def classes(requests: ArrayLike, counts: ArrayLike | None) -> tuple[Int64, Int64]:
    """Check pod classes: requests and how many pods there are of each."""
    request = amounts("requests", requests, ("n_classes", "n_resources"))
    if not 1 <= request.shape[1] <= MAX_RESOURCES:
        raise ValueError(
            f"requests must have 1 to {MAX_RESOURCES} resources, found {request.shape[1]}"
        )
    if counts is None:
        return request, np.ones(len(request), dtype=np.int64)
    count = amounts("counts", counts, (len(request),))
    if len(count) and sum_exactly(count) >= MAX_PODS:
        raise ValueError(f"counts must sum to less than 2**62, found {sum_exactly(count)}")
    return request, count


def nodes(
    free: ArrayLike | None, free_counts: ArrayLike | None, n_resources: int
) -> tuple[Int64, Int64]:
    """Check nodes that exist: room left on each, and how many there are of each."""
    if free is None:
        if free_counts is not None:
            raise ValueError("free_counts needs free, found None")
        return np.empty((0, n_resources), dtype=np.int64), np.empty(0, dtype=np.int64)
    room = integers("free", free, ("n_runs", "n_resources"))
    if len(room) == 0:
        room = room.reshape(0, n_resources)
    if room.shape[1] != n_resources:
        raise ValueError(f"free must have shape (n_runs, {n_resources}), found {room.shape}")
    if free_counts is None:
        return room, np.ones(len(room), dtype=np.int64)
    count = integers("free_counts", free_counts, (len(room),))
    refuse("free_counts", count, count < 1, "must be >= 1")
    if len(count) and sum_exactly(count) > MAX_NODES:
        raise ValueError(f"free_counts must sum to less than 2**31, found {sum_exactly(count)}")
    return room, count


def limit(name: str, value: int | None) -> int:
    """Check an optional upper limit."""
    if value is None:
        return MAX_NODES
    if not isinstance(value, (int, np.integer)) or isinstance(value, bool):
        raise TypeError(f"{name} must be an integer or None, found {value!r}")
    if value < 0:
        raise ValueError(f"{name} must be >= 0, found {value}")
    return min(int(value), MAX_NODES)


def choice(name: str, value: str, allowed: tuple[str, ...]) -> str:
    """Check a word."""
    if value not in allowed:
        raise ValueError(f"{name} must be one of {', '.join(allowed)}, found {value!r}")
    return value


def sum_exactly(array: Int64) -> int:
    """Sum without overflow."""
    low = int((array & 0xFFFFFFFF).sum())
    return (int((array >> 32).sum()) << 32) + low
