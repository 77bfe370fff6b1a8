"""The trace: pods over time, the nodes they ran on if known, and a report of the reading."""

from __future__ import annotations

import hashlib
import html
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pyscale.model.content import content_digest
from pyscale.model.nodes import Node
from pyscale.model.pod_table import NEVER, PodTable
from pyscale.model.requests import effective_request

from .summary import TraceSummary

if TYPE_CHECKING:
    from .load import Loads


@dataclass(frozen=True, eq=False, repr=False)
class Trace:
    """Pods that arrive and leave; immutable.

    Attributes
    ----------
    name : str
        Name of the example or stem of the file.
    pods : PodTable
        Rows in the order of arrival; time 0 is the start of the trace.
    summary : TraceSummary
        Rows read, kept and dropped, and sums.
    nodes : tuple of Node, or None
        The nodes of the original cluster, None where the trace names none.
    owners : tuple of str
        Jobs, applications or workloads that pods belong to.
    owner_id : ndarray of int32, shape (n_rows,), or None
        Index into ``owners`` of each row of ``pods``, -1 for none.
    loads : Loads or None
        Load signals of the workloads, for pod autoscaling.
    objects : mapping of str to tuple
        Further Kubernetes objects by kind (``PodDisruptionBudget``, ``NodePool``, ...).
    metadata : mapping of str to JSON data
        Format, file, options of the reader and what is known about the times.
    """

    name: str
    pods: PodTable
    summary: TraceSummary = field(default_factory=TraceSummary)
    nodes: tuple[Node, ...] | None = None
    owners: tuple[str, ...] = ()
    owner_id: NDArray[np.int32] | None = None
    loads: Loads | None = None
    objects: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    metadata: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.owner_id is not None and len(self.owner_id) != len(self.pods):
            expected, found = len(self.pods), len(self.owner_id)
            raise ValueError(f"owner_id must have {expected} entries, found {found}")

    def __len__(self) -> int:
        return len(self.pods)

    def __repr__(self) -> str:
        nodes = f", n_nodes={len(self.nodes)}" if self.nodes is not None else ""
        return f"Trace({self.name!r}, n_rows={len(self.pods)}, n_pods={self.pods.n_pods}{nodes})"

    def __str__(self) -> str:
        return f"{self.name}\n{self.summary}"

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><th>{html.escape(label)}</th><td>{html.escape(value)}</td></tr>"
            for label, value in self.summary.lines()
        )
        return f"<table><caption>{html.escape(self.name)}</caption>{rows}</table>"

    def digest(self) -> str:
        """Return the SHA-256 of pods, nodes, owners and loads in hexadecimal.

        The same on every machine; name, summary and metadata do not count.
        """
        total = hashlib.sha256(self.pods.digest().encode())
        for node in self.nodes or ():
            total.update(content_digest(node))
        total.update(json.dumps([self.nodes is None, self.owners]).encode())
        if self.owner_id is not None:
            total.update(self.owner_id.astype("<i4").tobytes())
        if self.loads is not None:
            total.update(self.loads.digest().encode())
        return total.hexdigest()

    def to_dict(self) -> dict[str, Any]:
        """Return name, summary, metadata and digest as plain data."""
        return {
            "name": self.name,
            "summary": self.summary.to_dict(),
            "metadata": dict(self.metadata),
            "digest": self.digest(),
        }

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """Offer the generic table to any library that reads Arrow streams."""
        from .table_write import to_arrow

        stream: object = to_arrow(self).__arrow_c_stream__(requested_schema)
        return stream

    def window(
        self, start_ns: int = 0, end_ns: int | None = None, *, running: bool = True
    ) -> Trace:
        """Cut a piece out of the trace; its start becomes time 0.

        Parameters
        ----------
        start_ns, end_ns : int
            The piece begins at ``start_ns`` and ends before ``end_ns`` (None: at the end).
        running : bool
            Whether pods that arrived before and would still run at ``start_ns`` are kept: they
            arrive at time 0 with what is left of their duration.

        Returns
        -------
        Trace
            Pods that arrive in the piece keep their whole duration, also beyond its end.

        Raises
        ------
        ValueError
            If the piece is empty by its bounds.
        """
        if start_ns < 0 or (end_ns is not None and end_ns <= start_ns):
            raise ValueError(f"expected 0 <= start_ns < end_ns, found {start_ns} and {end_ns}")
        pods = self.pods
        began = pods.arrival_ns if pods.start_ns is None else pods.start_ns
        began = np.where(began == -1, pods.arrival_ns, began)
        late = pods.arrival_ns >= start_ns
        stays = pods.duration_ns == NEVER
        # Subtract on the side that cannot overflow.
        alive = ~late & (stays | (pods.duration_ns > start_ns - began))
        keep = late | alive if running else late
        if end_ns is not None:
            keep &= pods.arrival_ns < end_ns
        rows = np.flatnonzero(keep)
        chosen = pods.select(rows).used_templates()
        old = ~late[rows]
        left = np.where(
            old & (chosen.duration_ns != NEVER),
            chosen.duration_ns - np.maximum(start_ns - began[rows], 0),
            chosen.duration_ns,
        )
        start = chosen.start_ns
        if start is not None:
            start = np.where(start == -1, -1, np.maximum(start - start_ns, 0))
        chosen = replace(
            chosen,
            arrival_ns=np.maximum(chosen.arrival_ns - start_ns, 0),
            duration_ns=left,
            start_ns=start,
        )
        cut = {"start_ns": start_ns, "end_ns": end_ns, "running": running}
        return replace(
            self,
            pods=chosen,
            summary=summarise(
                chosen,
                replace(self.summary, rows_kept=len(rows)),
                left_censored=int(chosen.count[old].sum()),
            ),
            owner_id=None if self.owner_id is None else self.owner_id[rows],
            loads=None if self.loads is None else self.loads.window(start_ns, end_ns),
            metadata={**self.metadata, "window": cut},
        )


def summarise(pods: PodTable, known: TraceSummary, left_censored: int = 0) -> TraceSummary:
    """Return ``known`` with everything filled in that the table of pods tells."""
    stays = pods.duration_ns == NEVER
    of_class = np.zeros(len(pods.templates), dtype=np.int64)
    np.add.at(of_class, pods.class_id, pods.count)
    requests: dict[str, int] = {}
    for template, number in zip(pods.templates, of_class.tolist(), strict=True):
        if number:
            for name, amount in effective_request(template.spec).items():
                requests[name] = requests.get(name, 0) + amount * number
    ends = pods.arrival_ns + np.where(stays, 0, pods.duration_ns)
    return replace(
        known,
        n_pods=pods.n_pods,
        n_rows=len(pods),
        n_classes=int(np.count_nonzero(of_class)),
        requests=dict(sorted(requests.items())),
        first_arrival_ns=int(pods.arrival_ns.min()) if len(pods) else 0,
        last_event_ns=int(ends.max()) if len(pods) else 0,
        left_censored=left_censored,
        right_censored=int(pods.count[stays].sum()),
    )
