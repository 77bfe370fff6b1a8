"""Load signals: how much work arrives for each workload, as a step function of time.

Columns of a :class:`Loads`, as ``to_arrow`` gives and :func:`~pyscale.traces.read_loads` takes
them:

=============  =======  ===================================================================
column         type     meaning
=============  =======  ===================================================================
``workload``   text     ``namespace/name`` of the workload
``time_ns``    int64    when the value begins to hold, ns since the start of the trace
``value``      number   load from then on, in the unit of ``metric``; a step function
=============  =======  ===================================================================
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from pyscale.model.content import content_digest
from pyscale.model.pods import PodTemplate

from .files import require_arrow

Metric = Literal["requests_per_second", "concurrency", "tokens_per_second", "queue_length"]

_MICRO = 1_000_000


@dataclass(frozen=True, slots=True)
class Workload:
    """Something with replicas that serves a load.

    Attributes
    ----------
    name : str
        ``namespace/name``; equal to the entry in ``Trace.owners`` of its pods.
    template : PodTemplate, optional
        Template of its pods, None where the source of the signal does not tell.
    kind : str
        Kind of the object with the replicas.
    initial_replicas, min_replicas, max_replicas : int
        Replicas at time 0, and bounds for an autoscaler.
    idle_cpu_milli : int
        Thousandths of a core that a pod uses without load.
    cpu_us_per_request : int
        Microseconds of one core that a request (or token, or item) costs.
    """

    name: str
    template: PodTemplate | None = None
    kind: str = "Deployment"
    initial_replicas: int = 1
    min_replicas: int = 1
    max_replicas: int = (1 << 31) - 1
    idle_cpu_milli: int = 0
    cpu_us_per_request: int = 0

    def cpu_use_milli(self, load_milli: int, replicas: int) -> int:
        """Return the cpu that one of ``replicas`` pods uses, rounded up.

        Parameters
        ----------
        load_milli : int
            Load of the whole workload in thousandths per second, spread evenly.
        replicas : int
            Pods that serve it, at least 1.
        """
        return self.idle_cpu_milli - (-load_milli * self.cpu_us_per_request // (_MICRO * replicas))


@dataclass(frozen=True, eq=False)
class Loads:
    """Load signals of several workloads; immutable.

    Attributes
    ----------
    workloads : tuple of Workload
    metric : str
        What is counted: ``requests_per_second``, ``concurrency``, ``tokens_per_second`` or
        ``queue_length``.
    offset : ndarray of int64, shape (n_workloads + 1,)
        Steps of workload ``w`` are ``offset[w]`` up to ``offset[w + 1]``.
    time_ns : ndarray of int64, shape (n_steps,)
        When each value begins to hold; rises within a workload, not negative.
    value_milli : ndarray of int64, shape (n_steps,)
        Load from then on, in thousandths; 0 before the first step.
    """

    workloads: tuple[Workload, ...]
    metric: Metric
    offset: NDArray[np.int64]
    time_ns: NDArray[np.int64]
    value_milli: NDArray[np.int64]

    def __post_init__(self) -> None:
        n_steps = len(self.time_ns)
        if len(self.offset) != len(self.workloads) + 1:
            expected, found = len(self.workloads) + 1, len(self.offset)
            raise ValueError(f"offset must have {expected} entries, found {found}")
        if self.offset[0] != 0 or self.offset[-1] != n_steps or (np.diff(self.offset) < 0).any():
            raise ValueError(f"offset must rise from 0 to {n_steps}")
        if len(self.value_milli) != n_steps:
            raise ValueError(f"expected {n_steps} values, found {len(self.value_milli)}")
        for workload, first, last in self._spans():
            times, values = self.time_ns[first:last], self.value_milli[first:last]
            if len(times) and (times[0] < 0 or (np.diff(times) <= 0).any()):
                raise ValueError(f"{workload.name}: time_ns must rise from 0 on")
            if (values < 0).any():
                raise ValueError(f"{workload.name}: expected loads >= 0, found {values.min()}")

    def _spans(self) -> zip[tuple[Workload, int, int]]:
        bounds = self.offset.tolist()
        return zip(self.workloads, bounds[:-1], bounds[1:], strict=True)

    def __len__(self) -> int:
        return len(self.workloads)

    def __repr__(self) -> str:
        return f"Loads({self.metric}, n_workloads={len(self)}, n_steps={len(self.time_ns)})"

    @classmethod
    def from_series(
        cls,
        workloads: Sequence[Workload],
        metric: Metric,
        series: Sequence[tuple[NDArray[np.int64], NDArray[np.int64]]],
    ) -> Loads:
        """Join one (time_ns, value_milli) per workload; steps without a change are left out."""
        times, values, sizes = [], [], [0]
        for time, value in series:
            keep = np.ones(len(value), dtype=bool)
            keep[1:] = value[1:] != value[:-1]
            times.append(time[keep])
            values.append(value[keep])
            sizes.append(int(keep.sum()))
        empty = np.zeros(0, dtype=np.int64)
        return cls(
            tuple(workloads),
            metric,
            np.cumsum(sizes, dtype=np.int64),
            np.concatenate([empty, *times]),
            np.concatenate([empty, *values]),
        )

    def of(self, workload: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return (time_ns, value_milli) of one workload, by its index."""
        span = slice(int(self.offset[workload]), int(self.offset[workload + 1]))
        return self.time_ns[span], self.value_milli[span]

    def at(self, time_ns: int) -> NDArray[np.int64]:
        """Return the load of every workload at a time, in thousandths, int64 (n_workloads,).

        O(n_workloads log n_steps).
        """
        result = np.zeros(len(self), dtype=np.int64)
        for index, (_, first, last) in enumerate(self._spans()):
            step = int(np.searchsorted(self.time_ns[first:last], time_ns, side="right"))
            if step:
                result[index] = self.value_milli[first + step - 1]
        return result

    def sample(self, times_ns: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the load at many times, int64 (n_workloads, n_times), in thousandths."""
        result = np.zeros((len(self), len(times_ns)), dtype=np.int64)
        for index, (_, first, last) in enumerate(self._spans()):
            step = np.searchsorted(self.time_ns[first:last], times_ns, side="right")
            padded = np.concatenate(([0], self.value_milli[first:last]))
            result[index] = padded[step]
        return result

    def window(self, start_ns: int, end_ns: int | None) -> Loads:
        """Cut a piece out; its start becomes time 0."""
        series = []
        before = self.at(start_ns)
        for index in range(len(self)):
            times, values = self.of(index)
            keep = times > start_ns
            if end_ns is not None:
                keep &= times < end_ns
            series.append(
                (
                    np.concatenate(([0], times[keep] - start_ns)),
                    np.concatenate((before[index : index + 1], values[keep])),
                )
            )
        return Loads.from_series(self.workloads, self.metric, series)

    def rename(self, workloads: Sequence[Workload]) -> Loads:
        """Give the signals to other workloads, in the same order."""
        return replace(self, workloads=tuple(workloads))

    def to_arrow(self) -> Any:
        """Return the columns of the module's table as a ``pyarrow.Table``."""
        arrow = require_arrow()
        codes = np.repeat(np.arange(len(self), dtype=np.int32), np.diff(self.offset))
        names = arrow.array([workload.name for workload in self.workloads], arrow.string())
        return arrow.table(
            {
                "workload": arrow.DictionaryArray.from_arrays(codes, names),
                "time_ns": self.time_ns,
                "value": self.value_milli / 1000,
            }
        )

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """Offer the columns to any library that reads Arrow streams."""
        stream: object = self.to_arrow().__arrow_c_stream__(requested_schema)
        return stream

    def digest(self) -> str:
        """Return the SHA-256 of workloads and signals in hexadecimal."""
        total = hashlib.sha256(self.metric.encode())
        for workload in self.workloads:
            total.update(content_digest(workload))
        for column in (self.offset, self.time_ns, self.value_milli):
            total.update(len(column).to_bytes(8, "little"))
            total.update(column.astype("<i8").tobytes())
        return total.hexdigest()
