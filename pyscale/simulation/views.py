"""The view that a policy gets, made from the event loop; what did not change is not made again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyscale.kernel._engine import Engine
from pyscale.model.groups import NodePool
from pyscale.policies.base import ClusterView, Int64s, Placements, Setting
from pyscale.policies.decision import WakeOn

from .cloud import Cloud
from .kinds import KindTable
from .prices import Market
from .recorder import Recorder
from .removal import Removal


class _MomentView(ClusterView):
    """A view whose columns are read at the first question: some policies only look at the clock.

    ``read`` reads most of them at once, and ``apart`` each of those that few policies ask for.
    """

    def __init__(
        self,
        read: Callable[[], dict[str, Any]],
        apart: Callable[[str], Callable[[], Any] | None],
        **known: Any,
    ) -> None:
        vars(self).update(known, _read=read, _apart=apart)

    def __getattr__(self, name: str) -> Any:
        own = vars(self)
        apart = own.get("_apart")
        make = None if apart is None else apart(name)
        if make is not None:
            own[name] = made = make()
            return made
        read = own.pop("_read", None)
        if read is None:
            raise AttributeError(f"{type(self).__name__} has no attribute {name}")
        own.update(read())
        return getattr(self, name)


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
        self._setting, self._engine, self._kinds, self._market = setting, engine, kinds, market
        self._cloud, self._removal, self._recorder = cloud, removal, recorder
        self._groups = tuple(state.group for state in cloud.groups)
        self._pools = pools
        self._node_version = -1
        self._nodes: dict[str, NDArray[Any]] = {}
        self._pending_version = -1
        self._pending: tuple[NDArray[Any], ...] = ()
        self._priced: tuple[int, int] | None = None
        self._prices = np.empty(0, np.int64)
        # The columns that few policies read.
        self._apart: dict[str, Callable[[], Any]] = {
            "node_requested": lambda: _locked(engine.node_sums()),
            "kind_allocatable": lambda: kinds.allocatable,
            "group_desired": self._desired,
            "disruptions_allowed": lambda: _locked(removal.allowed()),
        }

    def _desired(self) -> Int64s:
        return _locked(np.array([state.desired for state in self._cloud.groups], np.int64))

    def _price(self, now: int) -> Int64s:
        self._market.follow(now)
        kinds = self._kinds.kinds
        key = (self._market.version, len(kinds))
        if key != self._priced:
            prices = [
                self._market.price(kind.instance_type, kind.zone, kind.capacity_type, now)
                for kind in kinds
            ]
            self._prices = _locked(np.array(prices, np.int64))
            self._priced = key
        return self._prices

    def make(self, woken_by: WakeOn) -> ClusterView:
        """Return the view of this moment; what it shows is read when it is first asked."""
        engine, now = self._engine, self._engine.now
        epoch = engine.n_events, now
        self._market.follow(now)

        def read() -> dict[str, Any]:
            self._check_fresh(epoch)
            return self._read(epoch)

        def apart(name: str) -> Callable[[], Any] | None:
            column = self._apart.get(name)
            if column is None:
                return None
            self._check_fresh(epoch)
            return column

        return _MomentView(
            read,
            apart,
            setting=self._setting,
            now_ns=now,
            woken_by=woken_by,
            groups=self._groups,
            pools=self._pools,
            failures=self._recorder.take_failures(),
            prices_change_ns=self._market.next_change_ns,
        )

    def _read(self, epoch: tuple[int, int]) -> dict[str, Any]:
        """Return the columns of a view, and what reads the rest."""
        engine, now = self._engine, self._engine.now
        if engine.node_version != self._node_version:
            self._nodes = {name: _locked(some) for name, some in engine.node_columns().items()}
            self._node_version = engine.node_version
        if engine.pending_version != self._pending_version:
            self._pending = tuple(_locked(some) for some in engine.pending())
            self._pending_version = engine.pending_version
        nodes, ids = self._nodes, self._nodes["id"]

        def read_placements() -> Placements:
            self._check_fresh(epoch)
            return Placements(*(_locked(some) for some in engine.placements()))

        def read_pods_of(rows: Int64s) -> Placements:
            self._check_fresh(epoch)
            return Placements(*(_locked(some) for some in engine.placements(ids[rows])))

        return {
            "pending_pod": self._pending[0],
            "pending_class": self._pending[1],
            "pending_since_ns": self._pending[2],
            "node_id": ids,
            "node_kind": nodes["kind"],
            "node_state": nodes["state"],
            "node_cordoned": nodes["cordoned"],
            "node_created_ns": nodes["created_ns"],
            "node_ready_ns": nodes["ready_ns"],
            "node_lost_ns": nodes["lost_ns"],
            "node_token": nodes["token"],
            "node_version": _locked(engine.node_versions()),
            "kinds": tuple(self._kinds.kinds),
            "kind_price_nano": self._price(now),
            "read_placements": read_placements,
            "read_catalog": lambda: self._market.catalog(now),
            "read_pods_of": read_pods_of,
        }

    def _check_fresh(self, epoch: tuple[int, int]) -> None:
        if epoch != (self._engine.n_events, self._engine.now):
            raise RuntimeError("this view is over: read it within the decide it came with")


def _locked(array: NDArray[Any]) -> NDArray[Any]:
    array.flags.writeable = False
    return array
