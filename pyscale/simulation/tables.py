"""What a run leaves behind, as columns."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyscale.errors import MissingDependencyError
from pyscale.policies.base import Int32s, Int64s

REPLICA = -3
"""Origin of a pod that a pod autoscaler asked for."""


class _Columns:
    """Arrays of one length; a digest and Arrow for all of them."""

    def arrays(self) -> Mapping[str, NDArray[Any]]:
        """Return the columns by name."""
        return {name: some for name, some in vars(self).items() if isinstance(some, np.ndarray)}

    def add_to(self, total: hashlib._Hash) -> None:
        """Add the content to a hash, the same on every machine."""
        for name, column in sorted(self.arrays().items()):
            total.update(f"{name} {len(column)}\n".encode())
            total.update(column.astype(column.dtype.newbyteorder("<"), copy=False).tobytes())

    def to_arrow(self) -> Any:
        """Return a ``pyarrow.Table``.

        Raises
        ------
        MissingDependencyError
            pyarrow is not installed.
        """
        try:
            import pyarrow as pa
        except ImportError:
            raise MissingDependencyError("pyarrow", "io") from None
        return pa.table(dict(self.arrays()))

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """Offer the columns to any library that reads Arrow streams."""
        stream: object = self.to_arrow().__arrow_c_stream__(requested_schema)
        return stream


@dataclass(frozen=True, eq=False)
class PodColumns(_Columns):
    """All pods of a run, by id: first those of the trace, row by row.

    Attributes
    ----------
    class_id : ndarray of int32
    created_ns, bound_ns, ended_ns : ndarray of int64
        -1 where it was never bound, or is there at the end; a replica may end unbound.
    node : ndarray of int32
        The node that it ran on, -1 for none.
    row : ndarray of int32
        Row of the trace sorted by arrival, daemons left out; -1 for pods that are not in it.
    origin : ndarray of int32
        The evicted pod that this one stands in for; -1 for none, -2 for pods of DaemonSets, -3 for
        replicas that a pod autoscaler asked for.
    """

    class_id: Int32s
    created_ns: Int64s
    bound_ns: Int64s
    ended_ns: Int64s
    node: Int32s
    row: Int32s
    origin: Int32s

    def __len__(self) -> int:
        return len(self.class_id)

    @property
    def is_daemon(self) -> NDArray[np.bool_]:
        """Which pods belong to DaemonSets."""
        daemons: NDArray[np.bool_] = self.origin == -2
        return daemons

    @property
    def pended_until_ns(self) -> Int64s:
        """When each pod was bound, or deleted before; -1 where it still pends."""
        return np.where(self.bound_ns < 0, self.ended_ns, self.bound_ns)

    def waiting_ns(self, end_ns: int, chosen: NDArray[np.bool_] | None = None) -> Int64s:
        """Return how long each pod that is no daemon pended; to ``end_ns`` where it still does.

        ``chosen``, bool of shape (n_pods,), leaves out others.
        """
        wanted = ~self.is_daemon if chosen is None else chosen & ~self.is_daemon
        until = self.pended_until_ns[wanted]
        return np.where(until < 0, end_ns, until) - self.created_ns[wanted]


@dataclass(frozen=True, eq=False)
class NodeColumns(_Columns):
    """All machines of a run, by id.

    Attributes
    ----------
    kind : ndarray of int32
        Index into ``result.kinds``.
    created_ns, ready_ns, gone_ns : ndarray of int64
        Bought, joined, given back; -1 for never.
    lost_ns : ndarray of int64
        When the cloud was to take it back; -1 where nothing was announced.
    """

    kind: Int32s
    created_ns: Int64s
    ready_ns: Int64s
    gone_ns: Int64s
    lost_ns: Int64s

    def __len__(self) -> int:
        return len(self.kind)

    def until_ns(self, end_ns: int) -> Int64s:
        """Return when each machine was given back, at the latest ``end_ns``."""
        return np.where(self.gone_ns < 0, end_ns, self.gone_ns)
