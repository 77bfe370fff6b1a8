"""From the rows of a reader to a trace: order, censoring, dropped rows, and the report."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pyscale.errors import TraceError
from pyscale.model.nodes import Node
from pyscale.model.pod_table import NEVER, PodTable
from pyscale.model.pods import PodTemplate

from .files import PathLike
from .summary import TraceSummary
from .trace import Trace, summarise

if TYPE_CHECKING:
    from .load import Loads

_MOST_PODS = float(1 << 62)

UNKNOWN = int(np.iinfo(np.int64).min)
"""A time that the trace does not tell."""


@dataclass(slots=True, kw_only=True)
class Rows:
    """What a reader hands over: one row per pod or group of pods, in the order of the file.

    Attributes
    ----------
    templates : sequence of PodTemplate
    class_id : ndarray of int, shape (n_rows,)
    arrival_ns : ndarray of int64, shape (n_rows,)
        Negative for pods that were there before time 0.
    end_ns : ndarray of int64, shape (n_rows,), optional
        When the pods left, :data:`UNKNOWN` for never; instead of ``duration_ns``.
    duration_ns : ndarray of int64, shape (n_rows,), optional
        Running time, ``NEVER`` for pods that stay.
    start_ns : ndarray of int64, shape (n_rows,), optional
        When the pods were bound, :data:`UNKNOWN` for never.
    count : ndarray of int64, shape (n_rows,), optional
        1 for every row if left out.
    names, node_name : sequence of str, optional
    owner_id : ndarray of int, shape (n_rows,), optional
    owners : sequence of str
    read : int, optional
        Rows read, where that is not the number of rows here.
    dropped, adjusted : dict of str to int
        Rows already left out, and rows whose meaning was changed.
    """

    templates: Sequence[PodTemplate]
    class_id: NDArray[Any]
    arrival_ns: NDArray[np.int64]
    end_ns: NDArray[np.int64] | None = None
    duration_ns: NDArray[np.int64] | None = None
    start_ns: NDArray[np.int64] | None = None
    count: NDArray[np.int64] | None = None
    names: Sequence[str] | None = None
    node_name: Sequence[str] | None = None
    owner_id: NDArray[Any] | None = None
    owners: Sequence[str] = ()
    read: int | None = None
    dropped: dict[str, int] = field(default_factory=dict)
    adjusted: dict[str, int] = field(default_factory=dict)


def trace_name(path: PathLike) -> str:
    """Return a trace's name from its file: without folder, compression and ending."""
    name = Path(path).name
    for ending in (".gz", ".bz2", ".xz"):
        name = name.removesuffix(ending)
    return Path(name).stem or name


def assemble(
    path: PathLike,
    rows: Rows,
    metadata: Mapping[str, Any],
    *,
    nodes: tuple[Node, ...] | None = None,
    loads: Loads | None = None,
    objects: Mapping[str, tuple[Any, ...]] | None = None,
    name: str | None = None,
    may_be_empty: bool = False,
) -> Trace:
    """Apply the rules that all formats share.

    Rows are sorted by arrival, rows of one time in the order of the file.  A duration is end
    less start where both are known, else end less arrival.  Rows whose end lies before their
    start are dropped and counted.  Pods there before time 0 arrive at 0 with what is left of
    their duration; those gone by then are dropped and counted.

    Raises
    ------
    TraceError
        If no pod is left, unless ``may_be_empty``.
    """
    n_rows = len(rows.class_id)
    count = np.ones(n_rows, dtype=np.int64) if rows.count is None else rows.count
    if count.sum(dtype=np.float64) >= _MOST_PODS:
        raise TraceError(os.fspath(path), f"expected less than {_MOST_PODS:g} pods")
    dropped = dict(rows.dropped)
    began = rows.arrival_ns
    if rows.start_ns is not None:
        began = np.where(rows.start_ns == UNKNOWN, rows.arrival_ns, rows.start_ns)
    duration, negative = _durations(rows, began)
    end_known = duration != NEVER
    keep = ~negative
    _count(dropped, "ends before it starts", negative)

    left = keep & (rows.arrival_ns < 0)
    elapsed = np.maximum(-np.minimum(began, 0), 0)
    gone = left & end_known & (duration <= elapsed)
    _count(dropped, "gone before time 0", gone)
    keep &= ~gone
    left &= keep
    duration = np.where(left & end_known, duration - elapsed, duration)
    arrival = np.maximum(rows.arrival_ns, 0)
    empty = keep & (count == 0)
    _count(dropped, "a group of no pods", empty)
    keep &= ~empty

    chosen = np.flatnonzero(keep)
    chosen = chosen[np.argsort(arrival[chosen], kind="stable")]
    if not len(chosen) and not may_be_empty:
        reasons = ", ".join(f"{n} {why}" for why, n in dropped.items() if n)
        raise TraceError(
            os.fspath(path), "expected pods, found none" + (reasons and f": {reasons}")
        )
    start = None
    if rows.start_ns is not None:
        start = np.where(rows.start_ns == UNKNOWN, -1, np.maximum(rows.start_ns, 0))[chosen]
    pods = PodTable(
        tuple(rows.templates),
        rows.class_id[chosen].astype(np.int32),
        count[chosen],
        arrival[chosen],
        duration[chosen],
        names=_pick(rows.names, chosen),
        node_name=_pick(rows.node_name, chosen),
        start_ns=start,
    )
    known = TraceSummary(
        rows_read=n_rows + sum(rows.dropped.values()) if rows.read is None else rows.read,
        rows_kept=len(chosen),
        dropped={why: n for why, n in dropped.items() if n},
        adjusted={what: n for what, n in rows.adjusted.items() if n},
        n_nodes=len(nodes or ()),
    )
    return Trace(
        name=name or trace_name(path),
        pods=pods,
        summary=summarise(pods, known, left_censored=int(count[left].sum())),
        nodes=nodes,
        owners=tuple(rows.owners),
        owner_id=None if rows.owner_id is None else rows.owner_id[chosen].astype(np.int32),
        loads=loads,
        objects=dict(objects or {}),
        metadata={"file": Path(path).name, **metadata},
    )


def _durations(rows: Rows, began: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return durations and which are below 0; an unknown end is ``NEVER``."""
    if rows.end_ns is not None:
        known = rows.end_ns != UNKNOWN
        ends = np.where(known, rows.end_ns, 0)
        negative = known & (ends < began)
        return np.where(known & ~negative, ends - began, NEVER), negative
    if rows.duration_ns is not None:
        negative = (rows.duration_ns < 0) & (rows.duration_ns != NEVER)
        return np.where(negative, NEVER, rows.duration_ns), negative
    return np.full(len(began), NEVER), np.zeros(len(began), dtype=bool)


def _count(reasons: dict[str, int], reason: str, rows: NDArray[np.bool_]) -> None:
    number = int(np.count_nonzero(rows))
    if number:
        reasons[reason] = reasons.get(reason, 0) + number


def _pick(column: Sequence[str] | None, rows: NDArray[np.intp]) -> tuple[str, ...] | None:
    return None if column is None else tuple(column[row] for row in rows.tolist())
