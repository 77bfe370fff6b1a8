"""The view of a run as the objects that Karpenter's rounds read; what did not change is kept."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyscale.model.catalog import SPOT, Catalog
from pyscale.model.nodes import CAPACITY_TYPE_LABEL, HOSTNAME_LABEL
from pyscale.model.pods import Pod, PodCondition
from pyscale.model.times import SECOND

from ..base import BOOTING, DRAINING, TERMINATING, ClusterView, Int32s, Int64s, Setting
from .batch import PendingPods, pending_columns
from .bound_pods import PodColumns
from .disruption_loop import CLOCK_LIFETIME_NS
from .labels import INITIALIZED_LABEL, REGISTERED_LABEL
from .state import ClusterObjects, DaemonSet, StateNode
from .templates import template_requirements
from .volumes import Volumes

#: A second pod event on a node within this time does not move its ``lastPodEventTime``.
POD_EVENT_DEDUPE_NS = 10 * SECOND

_UNSCHEDULABLE = (PodCondition("PodScheduled", "False", "Unschedulable"),)
_OF_NODE = (REGISTERED_LABEL, INITIALIZED_LABEL)


def node_name(node: int) -> str:
    """Return the name of a node of the view; names are in the order of ids."""
    return f"n{node:09d}"


def node_id(name: str) -> int:
    """Return the id of a node by its own or its NodeClaim's name."""
    return int(name.removeprefix("nc-").removeprefix("n"))


@dataclass(slots=True)
class _Row:
    """A node as it was seen last: itself, and its pods as columns."""

    version: int
    shape: tuple[int, int, bool]
    node: StateNode
    ids: Int64s
    classes: Int32s
    bound_ns: Int64s
    last_event_ns: int | None


class ViewCluster:
    """Follows one run.

    Nodes that boot are NodeClaims without a Node; nodes that are draining, or wait for their
    replacement, are marked for deletion.  The pods of a dump or a run are ready and have no
    deletion timestamp.
    """

    def __init__(self, setting: Setting) -> None:
        self._setting = setting
        self._is_movable = np.ones(len(setting.templates), np.bool_)
        self._is_movable[list(setting.daemon_classes)] = False
        self._daemon_sets = tuple(
            DaemonSet(
                f"{setting.templates[number].namespace}/daemon-{number}",
                setting.templates[number],
                namespace=setting.templates[number].namespace,
            )
            for number in setting.daemon_classes
        )
        self._rows: dict[int, _Row] = {}
        self._memo: dict[Hashable, Any] = {}
        # The same objects each time: what is compiled from them can be kept.
        self._namespaces: Mapping[str, Mapping[str, str]] = {}
        self._volumes = Volumes()
        self._catalogs: tuple[Catalog, Catalog] | None = None
        self._spot_pools: bool | None = None
        # Of the kinds of nodes that were looked at; kinds are only added.
        self._n_kinds, self._has_spot = 0, False
        self._is_provisionable: NDArray[np.bool_] | None = None

    def spot_matters(self, view: ClusterView) -> bool:
        """Say whether some pool may buy spot machines, or has some."""
        if self._spot_pools is None:
            self._spot_pools = any(
                template_requirements(pool).get_or_exists(CAPACITY_TYPE_LABEL).has(SPOT)
                for pool in view.pools
            )
        new = view.kinds[self._n_kinds :]
        self._n_kinds += len(new)
        self._has_spot |= any(kind.capacity_type == SPOT for kind in new)
        return self._spot_pools or self._has_spot

    def _sold(self, view: ClusterView) -> Catalog:
        """Return the catalogue without the types that are not sold at the moment.

        Spot prices that nobody may pay are not followed.
        """
        if self._catalogs is None or (
            self.spot_matters(view) and self._catalogs[0] is not view.catalog
        ):
            types = tuple(kind for kind in view.catalog.instance_types if kind.offerings)
            self._catalogs = (view.catalog, replace(view.catalog, instance_types=types))
        return self._catalogs[1]

    def objects(self, view: ClusterView, nominated: Mapping[int, int]) -> ClusterObjects:
        """Return the objects of this moment.

        Parameters
        ----------
        view : ClusterView
        nominated : mapping of int to int
            Node id -> until when it is nominated.
        """
        rows = self._update(view)
        nodes: list[StateNode] = []
        for number, row in rows.items():
            flag = nominated.get(number, 0) > view.now_ns
            if row.node.nominated != flag:
                row.node = replace(row.node, nominated=flag)
            nodes.append(row.node)
        budgets = tuple(
            replace(budget, disruptions_allowed=int(allowed))
            for budget, allowed in zip(
                self._setting.disruption_budgets, view.disruptions_allowed, strict=True
            )
        )
        return ClusterObjects(
            node_pools=view.pools,
            catalog=self._sold(view),
            nodes=tuple(nodes),
            bound=self._bound(rows),
            daemon_sets=self._daemon_sets,
            namespaces=self._namespaces,
            volumes=self._volumes,
            budgets=budgets,
            now_ns=view.now_ns + self._setting.epoch_ns,
        )

    def _update(self, view: ClusterView) -> dict[int, _Row]:
        known = self._rows
        rows: dict[int, _Row] = {}
        columns = zip(
            view.node_id.tolist(),
            view.node_version.tolist(),
            view.node_kind.tolist(),
            view.node_state.tolist(),
            view.node_cordoned.tolist(),
            strict=True,
        )
        for i, (number, version, kind, state, cordoned) in enumerate(columns):
            row = known.get(number)
            shape = (kind, state, cordoned)
            if row is None or row.version != version or row.shape != shape:
                row = self._read(view, i, number, row, version, shape)
            rows[number] = row
        self._rows = rows
        return rows

    def _read(
        self,
        view: ClusterView,
        i: int,
        number: int,
        before: _Row | None,
        version: int,
        shape: tuple[int, int, bool],
    ) -> _Row:
        ids, classes, bound_ns = view.pods_on(i)
        name = node_name(number)
        last = self._last_event(view, before, ids, classes, bound_ns)
        if before is not None and before.shape == shape:
            node = before.node
            if node.last_pod_event_ns != last:
                node = replace(node, last_pod_event_ns=last)
        else:
            node = self._node(view, i, name, last)
        return _Row(version, shape, node, ids, classes, bound_ns, last)

    def _last_event(
        self,
        view: ClusterView,
        before: _Row | None,
        ids: Int64s,
        classes: Int32s,
        bound_ns: Int64s,
    ) -> int | None:
        """Return ``lastPodEventTime``: when a pod that is no daemon came or left last."""
        movable = self._is_movable[classes]
        now = ids[movable]
        last = None if before is None else before.last_event_ns
        seen = now[:0] if before is None else before.ids[self._is_movable[before.classes]]
        if not set(now.tolist()).issuperset(seen.tolist()):
            # What left did so now at the latest.
            event = view.now_ns
        elif len(now) > len(seen):
            event = int(bound_ns[movable].max())
        else:
            return last
        event += self._setting.epoch_ns
        return event if last is None or event - last >= POD_EVENT_DEDUPE_NS else last

    def _bound(self, rows: Mapping[int, _Row]) -> PodColumns:
        """Return the pods on nodes that have a Node; those of a machine that boots are none."""
        sizes = [len(row.ids) for row in rows.values()]
        nothing = np.empty(0, np.int64)
        return PodColumns(
            self._setting.templates,
            [row.node.node_name for row in rows.values()],
            np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)]),
            np.concatenate([nothing, *(row.ids for row in rows.values())]),
            np.concatenate([nothing.astype(np.int32), *(row.classes for row in rows.values())]),
            np.concatenate([nothing, *(row.bound_ns for row in rows.values())])
            + self._setting.epoch_ns,
            self._memo,
            [row.ids for row in rows.values()],
        )

    def pending(self, view: ClusterView, objects: ClusterObjects) -> PendingPods:
        """Return the pending pods that provisioning does not ignore."""
        if self._is_provisionable is None:
            samples = tuple(
                Pod(f"{number:09d}", template, phase="Pending", conditions=_UNSCHEDULABLE)
                for number, template in enumerate(self._setting.templates)
            )
            ignored = pending_columns(replace(objects, pods=samples)).ignored
            self._is_provisionable = np.array([pod.key not in ignored for pod in samples], bool)
        kept = self._is_provisionable[view.pending_class]
        return PendingPods(
            self._setting.templates,
            view.pending_class[kept],
            view.pending_since_ns[kept] + self._setting.epoch_ns,
            ids=view.pending_pod[kept],
        )

    def _node(self, view: ClusterView, i: int, name: str, last_event_ns: int | None) -> StateNode:
        kind = view.kinds[view.node_kind[i]]
        state = int(view.node_state[i])
        epoch = self._setting.epoch_ns
        pool = view.pools[kind.pool] if kind.pool >= 0 else None
        labels = {**kind.node.labels, HOSTNAME_LABEL: name}
        claim_labels = {key: value for key, value in labels.items() if key not in _OF_NODE}
        has_node = state != BOOTING or pool is None
        is_deleting = state in (DRAINING, TERMINATING)
        ready = int(view.node_ready_ns[i])
        return StateNode(
            name=name if has_node else f"nc-{name}",
            node_name=name,
            labels=labels if has_node else claim_labels,
            capacity=kind.node.capacity,
            allocatable=kind.node.allocatable,
            taints=kind.node.taints,
            node_labels=labels if has_node else {},
            node_taints=kind.node.taints if has_node else (),
            claim_labels=claim_labels,
            annotations=kind.node.annotations,
            pool="" if pool is None else pool.name,
            managed=pool is not None,
            has_node=has_node,
            registered=has_node,
            initialized=has_node,
            marked_for_deletion=is_deleting or bool(view.node_cordoned[i]),
            deleting=is_deleting,
            instance_terminating=state == TERMINATING,
            creation_ns=int(view.node_created_ns[i]) + epoch,
            initialized_ns=ready + epoch if ready >= 0 else None,
            last_pod_event_ns=last_event_ns,
            expire_after_ns=None if pool is None else pool.expire_after_ns,
            termination_grace_period_ns=(
                None if pool is None else pool.termination_grace_period_ns
            ),
        )


class Clock:
    """The consolidation clock: when something happened last that consolidation may care about.

    Moves when a pod is bound or leaves, when a node comes, goes or changes its state, when prices
    change, and by itself after five minutes.

    Notes
    -----
    Follows Karpenter core ``pkg/controllers/state/cluster.go:ConsolidationState``.
    """

    def __init__(self) -> None:
        self.time_ns = -1
        self._seen: tuple[np.ndarray, ...] = ()

    def look(self, view: ClusterView) -> int:
        """Return the time of the last move, which may be now."""
        columns: tuple[np.ndarray, ...] = (
            view.node_id,
            view.node_version,
            view.node_state,
            view.node_cordoned,
            view.kind_price_nano,
        )
        same = len(self._seen) == len(columns) and all(
            now is before or np.array_equal(now, before)
            for now, before in zip(columns, self._seen, strict=True)
        )
        if not same or view.now_ns - self.time_ns > CLOCK_LIFETIME_NS:
            self.time_ns = view.now_ns
        if not same:
            self._seen = tuple(column.copy() for column in columns)
        return self.time_ns
