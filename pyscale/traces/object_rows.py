"""Rows collected one by one, for formats made of objects and events."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from pyscale.errors import InvalidObjectError, TraceError
from pyscale.model.content import content_key
from pyscale.model.pods import PodTemplate

from .assemble import UNKNOWN, Rows
from .files import PathLike

_MOST_REPLICAS = (1 << 31) - 1


class ObjectRows:
    """Collects rows; equal templates share a class."""

    def __init__(self) -> None:
        self.templates: list[PodTemplate] = []
        self.owners: list[str] = []
        self.dropped: dict[str, int] = {}
        self.adjusted: dict[str, int] = {}
        self._classes: dict[object, int] = {}
        self._owner_ids: dict[str, int] = {}
        self._rows: list[tuple[int, int, int, int, int, int]] = []
        self._names: list[str] = []
        self._nodes: list[str] = []

    def __len__(self) -> int:
        return len(self._rows)

    def add(
        self,
        template: PodTemplate,
        name: str,
        arrival_ns: int,
        *,
        end_ns: int = UNKNOWN,
        start_ns: int = UNKNOWN,
        count: int = 1,
        owner: str = "",
        node: str = "",
    ) -> None:
        """Add a group of pods.

        Raises
        ------
        InvalidObjectError
            If they are more than Kubernetes allows.
        """
        if count > _MOST_REPLICAS:
            problem = f"expected at most {_MOST_REPLICAS} replicas, found {count}"
            raise InvalidObjectError(owner or name, problem)
        key = content_key(template)
        class_id = self._classes.setdefault(key, len(self.templates))
        if class_id == len(self.templates):
            self.templates.append(template)
        owner_id = -1
        if owner:
            owner_id = self._owner_ids.setdefault(owner, len(self.owners))
            if owner_id == len(self.owners):
                self.owners.append(owner)
        self._rows.append((class_id, arrival_ns, end_ns, start_ns, count, owner_id))
        self._names.append(name)
        self._nodes.append(node)

    def drop(self, reason: str, number: int = 1) -> None:
        """Count rows that are left out."""
        self.dropped[reason] = self.dropped.get(reason, 0) + number

    def adjust(self, what: str, number: int = 1) -> None:
        """Count rows whose meaning was changed."""
        self.adjusted[what] = self.adjusted.get(what, 0) + number

    def rows(self, read: int) -> Rows:
        """Return the rows; ``read`` objects were looked at."""
        columns = np.array(self._rows, dtype=np.int64).reshape(-1, 6)
        return Rows(
            templates=self.templates,
            class_id=columns[:, 0],
            arrival_ns=columns[:, 1],
            end_ns=columns[:, 2],
            start_ns=columns[:, 3] if (columns[:, 3] != UNKNOWN).any() else None,
            count=columns[:, 4],
            names=self._names,
            node_name=self._nodes if any(self._nodes) else None,
            owner_id=columns[:, 5],
            owners=self.owners,
            read=read,
            dropped=self.dropped,
            adjusted=self.adjusted,
        )


@contextmanager
def object_faults(path: PathLike) -> Iterator[None]:
    """Turn the fault of an object into one line about the file."""
    try:
        yield
    except InvalidObjectError as error:
        name = os.fspath(path)
        where = error.where.removeprefix(name).removeprefix("<bytes>").lstrip(":, ")
        problem = f"{where}: {error.problem}" if where else error.problem
        raise TraceError(name, problem) from None
