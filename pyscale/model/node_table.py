"""Nodes as columns over a table of kinds: identical nodes are runs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from .content import group_by_content
from .nodes import HOSTNAME_LABEL, Node


@dataclass(frozen=True, eq=False)
class NodeTable:
    """Nodes in a given order; nodes of one kind differ in name, provider id and times only.

    Parameters
    ----------
    kinds : tuple of Node
        Without name, hostname label, provider id and times, in the order of appearance.
    kind_id : ndarray of int32, shape (n_nodes,)
        Index into ``kinds``; read-only.
    nodes : tuple of Node
        The nodes themselves.
    """

    kinds: tuple[Node, ...]
    kind_id: NDArray[np.int32]
    nodes: tuple[Node, ...]

    @classmethod
    def from_nodes(cls, nodes: Iterable[Node]) -> NodeTable:
        """Find the kinds of the nodes."""
        nodes = tuple(nodes)
        kinds, kind_id = group_by_content(map(kind_of, nodes))
        kind_id.flags.writeable = False
        return cls(kinds, kind_id, nodes)

    def __len__(self) -> int:
        return len(self.nodes)

    def runs(self) -> tuple[NDArray[np.int32], NDArray[np.int64], NDArray[np.int64]]:
        """Return the longest runs of neighbours of one kind.

        Returns
        -------
        kind_id : ndarray of int32, shape (n_runs,)
        start : ndarray of int64, shape (n_runs,)
            First node of each run.
        length : ndarray of int64, shape (n_runs,)
        """
        is_first = np.ones(len(self), np.bool_)
        is_first[1:] = self.kind_id[1:] != self.kind_id[:-1]
        start = np.flatnonzero(is_first).astype(np.int64)
        length = np.diff(np.append(start, len(self))).astype(np.int64)
        return self.kind_id[start], start, length


def kind_of(node: Node) -> Node:
    """Return the node without what tells it from others of its kind."""
    labels = {key: value for key, value in node.labels.items() if key != HOSTNAME_LABEL}
    conditions = tuple(replace(entry, last_transition_ns=None) for entry in node.conditions)
    return replace(
        node,
        name="",
        labels=labels,
        provider_id="",
        creation_ns=None,
        deletion_ns=None,
        conditions=conditions,
    )
