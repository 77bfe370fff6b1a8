"""The view that a policy gets, made from the event loop; what did not change is not made again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyscale.kernel._engine import Engine
from pyscale.model.catalog import Catalog
from pyscale.model.groups import NodePool
from pyscale.policies.base import ClusterView, Int64s, Placements, Setting
from pyscale.policies.decision import WakeOn

from .cloud import Cloud
from .kinds import KindTable
from .prices import Market
from .recorder import Recorder
from .removal import Removal

# Columns of the event loop that are those of a view.
_NODE_COLUMNS = tuple(
    (name, f"node_{name}")
    for name in (
        "id",
        "kind",
        "state",
        "cordoned",
        "created_ns",
        "ready_ns",
        "lost_ns",
        "token",
        "version",
    )
)


class _MomentView(ClusterView):
    """A view whose columns are read at the first question: some policies only look at the clock."""

    def __init__(self, same: dict[str, Any]) -> None:
        self.__dict__.update(same)

    def __getattr__(self, name: str) -> Any:
        own = vars(self)
        if "_maker" not in own:  # a copy that is being made
            raise AttributeError(name)
        found = self._checked().read(name)
        own.update(found)
        if name not in found:
            raise AttributeError(f"{type(self).__name__} has no attribute {name}")
        return found[name]

    def _checked(self) -> ViewMaker:
        own = vars(self)
        maker: ViewMaker = own["_maker"]
        if own["_number"] != maker.shown:
            raise RuntimeError("this view is over: read it within the decide it came with")
        return maker

    def read_placements(self) -> Placements:
        """Return the pods on all nodes."""
        return Placements(*self._checked().engine.placements())

    def read_catalog(self) -> Catalog:
        """Return the catalogue with the prices of the moment."""
        return self._checked().market.catalog(self.now_ns)

    def read_pods_of(self, rows: Sequence[int] | Int64s) -> Placements:
        """Return the pods on the nodes in some rows."""
        return Placements(*self._checked().engine.placements(rows))


class ViewMaker:
    """Makes the views of one run."""

    def __init__(
        self,
        setting: Setting,
        engine: Engine,
        kinds: KindTable,
        market: Market,
        cloud: Cloud,
        removal: Removal,
        pools: tuple[NodePool, ...],
        recorder: Recorder,
    ) -> None:
        self.engine, self.market = engine, market
        self._kinds, self._cloud, self._recorder = kinds, cloud, recorder
        self._same = {
            "setting": setting,
            "groups": tuple(state.group for state in cloud.groups),
            "pools": pools,
            "_maker": self,
        }
        self._n_made = 0
        #: Number of the view that may be read, 0 for none.
        self.shown = 0
        # What the columns that most policies read were read for.
        self._columns: dict[str, Any] = {}
        self._node_version = self._pending_version = -1
        self._versions = self._priced = (-1, -1)
        # The columns that few policies read.
        self._apart: dict[str, Callable[[], Any]] = {
            "node_requested": engine.node_sums,
            "kind_allocatable": lambda: kinds.allocatable,
            "group_desired": self._desired,
            "disruptions_allowed": lambda: _locked(removal.allowed()),
        }

    def _desired(self) -> Int64s:
        return _locked(np.array([state.desired for state in self._cloud.groups], np.int64))

    def make(self, woken_by: WakeOn) -> ClusterView:
        """Return the view of this moment; what it shows is read when it is first asked."""
        now = self.engine.now
        self.market.follow(now)
        self._n_made = self.shown = self._n_made + 1
        view = _MomentView(self._same)
        own = view.__dict__
        own["_number"] = self.shown
        own["now_ns"] = now
        own["woken_by"] = woken_by
        own["failures"] = self._recorder.take_failures()
        own["prices_change_ns"] = self.market.next_change_ns
        return view

    def close(self) -> None:
        """Say that the last view is over."""
        self.shown = 0

    def read(self, name: str) -> dict[str, Any]:
        """Return the column of a view, and all that are read with it."""
        if name in self._apart:
            return {name: self._apart[name]()}
        self._read_nodes()
        self._read_kinds()
        engine, columns = self.engine, self._columns
        if engine.pending_version != self._pending_version:
            self._pending_version = engine.pending_version
            (
                columns["pending_pod"],
                columns["pending_class"],
                columns["pending_since_ns"],
            ) = engine.pending()
        return columns

    def _read_nodes(self) -> None:
        engine, columns = self.engine, self._columns
        versions = engine.node_version, engine.pod_version
        if versions[0] != self._node_version:
            self._node_version = versions[0]
            found = engine.node_columns()
            columns.update((of_view, found[name]) for name, of_view in _NODE_COLUMNS)
        elif versions != self._versions:
            columns["node_version"] = engine.node_versions()
        self._versions = versions

    def _read_kinds(self) -> None:
        kinds, market = self._kinds.kinds, self.market
        priced = market.version, len(kinds)
        if priced == self._priced:
            return
        self._priced = priced
        self._columns["kinds"] = tuple(kinds)
        prices = [
            market.price(kind.instance_type, kind.zone, kind.capacity_type, self.engine.now)
            for kind in kinds
        ]
        self._columns["kind_price_nano"] = _locked(np.array(prices, np.int64))


def _locked(array: NDArray[Any]) -> NDArray[Any]:
    array.setflags(write=False)
    return array
