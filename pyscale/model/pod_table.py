"""The table of pods that trace readers produce and simulations consume."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pyscale.errors import MissingDependencyError

from .content import classes_of, content_digest
from .pods import Pod, PodTemplate

NEVER = -1
"""Duration of a pod that does not end by itself."""


@dataclass(frozen=True, eq=False)
class PodTable:
    """Pods as columns over a table of classes; immutable.

    A row stands for ``count`` equal pods that arrive together.  Arrays that can be written are
    copied, read-only ones are kept as they are.

    Parameters
    ----------
    templates : tuple of PodTemplate
        One per class.
    class_id : ndarray of int32, shape (n_rows,)
        Index into ``templates``.
    count : ndarray of int64, shape (n_rows,)
        Number of pods, at least 1.
    arrival_ns : ndarray of int64, shape (n_rows,)
        Creation time, nanoseconds since the start of the trace or the Unix epoch, not negative.
    duration_ns : ndarray of int64, shape (n_rows,)
        Running time once bound; -1 (:data:`NEVER`) for pods that stay.
    names : sequence of str, optional
        A name per row, ``namespace/name`` or plain.
    node_name : sequence of str, optional
        The node each row was bound to in the trace, empty for none.
    start_ns : ndarray of int64, shape (n_rows,), optional
        When it was bound in the trace, -1 for never.

    Raises
    ------
    ValueError
        A column has another length, or a value out of range; the message names row and value.
    """

    templates: tuple[PodTemplate, ...]
    class_id: NDArray[np.int32]
    count: NDArray[np.int64]
    arrival_ns: NDArray[np.int64]
    duration_ns: NDArray[np.int64]
    names: Sequence[str] | None = None
    node_name: Sequence[str] | None = None
    start_ns: NDArray[np.int64] | None = None

    def __post_init__(self) -> None:
        n_rows = len(self.class_id)

        def store(name: str, dtype: type[np.integer[Any]], least: int, most: int) -> None:
            column = _column(name, getattr(self, name), dtype, n_rows)
            wrong = (column < least) | (column > most)
            if wrong.any():
                row = int(wrong.argmax())
                bounds = f"from {least} to {most}" if most < 2**31 else f">= {least}"
                raise ValueError(f"{name}[{row}] must be {bounds}, found {column[row]}")
            object.__setattr__(self, name, column)

        largest = int(np.iinfo(np.int64).max)
        object.__setattr__(self, "templates", tuple(self.templates))
        store("class_id", np.int32, 0, len(self.templates) - 1)
        store("count", np.int64, 1, largest)
        store("arrival_ns", np.int64, 0, largest)
        store("duration_ns", np.int64, NEVER, largest)
        if self.start_ns is not None:
            store("start_ns", np.int64, NEVER, largest)
        for name in ("names", "node_name"):
            column = getattr(self, name)
            if column is not None and len(column) != n_rows:
                raise ValueError(f"{name} must have {n_rows} entries, found {len(column)}")

    @classmethod
    def build(
        cls,
        templates: Iterable[PodTemplate],
        class_id: ArrayLike,
        count: ArrayLike = 1,
        arrival_ns: ArrayLike = 0,
        duration_ns: ArrayLike = NEVER,
        **columns: Any,
    ) -> PodTable:
        """Build a table from anything that NumPy reads; a single number holds for all rows.

        Raises
        ------
        ValueError, TypeError
            As the constructor does.
        """
        classes = np.atleast_1d(np.asarray(class_id))
        if classes.size == 0:
            classes = classes.astype(np.int32)  # an empty list is float64 to NumPy

        def spread(values: ArrayLike) -> NDArray[Any]:
            array = np.asarray(values)
            return np.broadcast_to(array, classes.shape) if array.ndim == 0 else array

        return cls(
            tuple(templates),
            classes,
            spread(count),
            spread(arrival_ns),
            spread(duration_ns),
            **columns,
        )

    @classmethod
    def from_pods(cls, pods: Iterable[Pod], duration_ns: ArrayLike = NEVER) -> PodTable:
        """Build a table with one row per pod, in the given order.

        Arrival is the creation time, 0 where a pod has none; names are ``namespace/name``.
        """
        pods = list(pods)
        templates, class_id = classes_of(pod.template for pod in pods)
        start = [pod.start_ns if pod.start_ns is not None else -1 for pod in pods]
        return cls.build(
            templates,
            class_id,
            arrival_ns=np.array([pod.creation_ns or 0 for pod in pods], dtype=np.int64),
            duration_ns=duration_ns,
            names=tuple(pod.key for pod in pods),
            node_name=tuple(pod.node_name for pod in pods),
            start_ns=np.array(start, dtype=np.int64),
        )

    def __len__(self) -> int:
        return len(self.class_id)

    @property
    def n_pods(self) -> int:
        """Number of pods: the sum of ``count``."""
        return int(self.count.sum())

    def __repr__(self) -> str:
        return (
            f"PodTable(n_rows={len(self)}, n_pods={self.n_pods}, n_classes={len(self.templates)})"
        )

    def select(self, rows: ArrayLike) -> PodTable:
        """Keep the rows of a boolean mask or of an index array; templates stay as they are.

        Parameters
        ----------
        rows : array_like of bool, shape (n_rows,), or of int
            A mask, or row numbers in the order wanted.
        """
        index = np.asarray(rows)
        if index.dtype == bool:
            if index.shape != self.class_id.shape:
                expected, found = self.class_id.shape, index.shape
                raise ValueError(f"mask must have shape {expected}, found {found}")
            index = np.flatnonzero(index)
        elif index.size == 0:
            index = index.astype(np.intp)

        def pick(column: Sequence[str] | None) -> tuple[str, ...] | None:
            return None if column is None else tuple(column[row] for row in index.tolist())

        return replace(
            self,
            class_id=self.class_id[index],
            count=self.count[index],
            arrival_ns=self.arrival_ns[index],
            duration_ns=self.duration_ns[index],
            names=pick(self.names),
            node_name=pick(self.node_name),
            start_ns=None if self.start_ns is None else self.start_ns[index],
        )

    def window(self, start_ns: int, end_ns: int) -> PodTable:
        """Keep the rows with ``start_ns <= arrival_ns < end_ns``; times are not shifted."""
        return self.select((self.arrival_ns >= start_ns) & (self.arrival_ns < end_ns))

    def sorted_by_arrival(self) -> PodTable:
        """Sort by arrival, rows of one time in their present order."""
        if not len(self) or (np.diff(self.arrival_ns) >= 0).all():
            return self
        return self.select(np.argsort(self.arrival_ns, kind="stable"))

    def used_templates(self) -> PodTable:
        """Drop the templates that no row has and renumber the classes in order of template."""
        used, class_id = np.unique(self.class_id, return_inverse=True)
        templates = tuple(self.templates[index] for index in used.tolist())
        return replace(self, templates=templates, class_id=class_id.astype(np.int32))

    def to_arrow(self) -> Any:
        """Return the columns as a ``pyarrow.Table``; templates are left out.

        Raises
        ------
        MissingDependencyError
            pyarrow is not installed.
        """
        try:
            import pyarrow as pa
        except ImportError:
            raise MissingDependencyError("pyarrow", "io") from None
        names = ("class_id", "count", "arrival_ns", "duration_ns", "names", "node_name", "start_ns")
        columns = {name: getattr(self, name) for name in names}
        return pa.table({name: values for name, values in columns.items() if values is not None})

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """Offer the columns to any library that reads Arrow streams."""
        stream: object = self.to_arrow().__arrow_c_stream__(requested_schema)
        return stream

    def digest(self) -> str:
        """Return the SHA-256 of the content in hexadecimal, the same on every machine."""
        total = hashlib.sha256()
        for template in self.templates:
            total.update(content_digest(template))
        for name in ("class_id", "count", "arrival_ns", "duration_ns", "start_ns"):
            column = getattr(self, name)
            total.update(f"\n{name} {-1 if column is None else len(column)}\n".encode())
            if column is not None:
                total.update(column.astype(column.dtype.newbyteorder("<"), copy=False).tobytes())
        for name in ("names", "node_name"):
            column = getattr(self, name)
            total.update(f"\n{name} {-1 if column is None else len(column)}\n".encode())
            for text in column or ():
                data = text.encode("utf-8", "surrogatepass")
                total.update(len(data).to_bytes(8, "little") + data)
        return total.hexdigest()


def _column(
    name: str, values: object, dtype: type[np.integer[Any]], n_rows: int
) -> NDArray[np.integer[Any]]:
    """Return a read-only contiguous array of the dtype, copied unless it is that already."""
    array = np.asarray(values)
    if array.shape != (n_rows,):
        raise ValueError(f"{name} must have shape ({n_rows},), found {array.shape}")
    if array.dtype.kind not in "iu":
        raise TypeError(f"{name} must hold integers, found dtype {array.dtype}")
    if array.size and not np.can_cast(array.dtype, dtype):
        limits = np.iinfo(dtype)
        for extreme in (array.min(), array.max()):
            if not limits.min <= int(extreme) <= limits.max:
                raise ValueError(f"{name} must fit {limits.dtype}, found {extreme}")
    if array.dtype != dtype or array.flags.writeable or not array.flags.c_contiguous:
        array = np.array(array, dtype=dtype, order="C", copy=True)
        array.flags.writeable = False
    return array
