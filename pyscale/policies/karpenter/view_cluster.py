"""The view of a run as the objects that Karpenter's rounds read; what did not change is kept."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyscale.kernel._roster import Roster
from pyscale.model.catalog import SPOT, Catalog
from pyscale.model.disruption import PodDisruptionBudget
from pyscale.model.nodes import CAPACITY_TYPE_LABEL, HOSTNAME_LABEL
from pyscale.model.pods import Pod, PodCondition, PodTemplate

from ..base import BOOTING, DRAINING, TERMINATING, ClusterView, Setting
from .batch import PendingPods, pending_columns
from .bound_pods import PodColumns, is_timed, running_pod
from .costs import eviction_cost
from .disruption_loop import CLOCK_LIFETIME_NS
from .eviction import currently_reschedulable, disruption_blocker, is_reschedulable
from .labels import INITIALIZED_LABEL, REGISTERED_LABEL
from .podspec import owner_kinds
from .state import ClusterObjects, DaemonSet, StateNode
from .templates import template_requirements
from .volumes import Volumes

# Flags of the roster's classes.
MOVES, IS_DAEMON, IS_RESCHEDULABLE, LEAVES = 1, 2, 4, 8

# So many answers about budgets, and nodes that are gone, are kept.
_MANY = 1000

_UNSCHEDULABLE = (PodCondition("PodScheduled", "False", "Unschedulable"),)
_OF_NODE = (REGISTERED_LABEL, INITIALIZED_LABEL)
_NAME_OF_NODE = attrgetter("node_name")


def node_name(node: int) -> str:
    """Return the name of a node of the view; names are in the order of ids."""
    return f"n{node:09d}"


def claim_name(name: str) -> str:
    """Return the name of the NodeClaim of a node."""
    return f"nc-{name}"


def node_id(name: str) -> int:
    """Return the id of a node by its own or its NodeClaim's name."""
    return int(name.removeprefix("nc-").removeprefix("n"))


@dataclass(slots=True)
class _Shown:
    """A node as it was shown last, and an object that stands for its pods."""

    stamp: int
    node: StateNode
    pods_stamp: int
    pods: object


class ViewCluster:
    """Follows one run.

    Nodes that boot are NodeClaims without a Node; nodes that are draining, or wait for their
    replacement, are marked for deletion.  The pods of a dump or a run are ready and have no
    deletion timestamp.
    """

    def __init__(self, setting: Setting) -> None:
        self._setting = setting
        self._samples = samples = [running_pod(0, it, 0, "") for it in setting.templates]
        self._blocks: dict[bytes, NDArray[np.uint8]] = {}
        #: Whether some pod may have to stay on its node for a limited time.
        self.has_timed_pods = any(map(is_timed, samples))
        self.roster = Roster(
            setting.epoch_ns,
            _flags_of(setting, samples),
            np.array([eviction_cost(pod) for pod in samples], np.float64),
        )
        self._daemon_sets = tuple(
            DaemonSet(
                f"{setting.templates[number].namespace}/daemon-{number}",
                setting.templates[number],
                namespace=setting.templates[number].namespace,
            )
            for number in setting.daemon_classes
        )
        self._shown: dict[int, _Shown] = {}
        self._memo: dict[Hashable, Any] = {}
        # The same objects each time: what is compiled from them can be kept.
        self._namespaces: Mapping[str, Mapping[str, str]] = {}
        self._volumes = Volumes()
        self._catalogs: tuple[Catalog, Catalog] | None = None
        # Of the kinds of nodes that were looked at.
        self._n_kinds, self._spot_matters = 0, False
        self._n_followed = 0
        self._seen: tuple[bytes, bytes] | None = None
        #: How often a view was followed.
        self.n_looks = 0
        self._is_provisionable: NDArray[np.bool_] | None = None
        # What was seen of the pending pods last, and what was made of it.
        self._pending: tuple[tuple[bytes, ...], PendingPods | None] = ((), None)

    def spot_matters(self, view: ClusterView) -> bool:
        """Say whether some pool may buy spot machines, or has some; kinds are only added."""
        if self._spot_matters:
            return True
        new = view.kinds[self._n_kinds :]
        if new or not self._n_kinds:
            self._n_kinds += len(new)
            self._spot_matters = any(kind.capacity_type == SPOT for kind in new) or any(
                template_requirements(pool).get_or_exists(CAPACITY_TYPE_LABEL).has(SPOT)
                for pool in view.pools
            )
        return self._spot_matters

    def sold(self, view: ClusterView) -> Catalog:
        """Return the catalogue without the types that are not sold at the moment.

        Spot prices that nobody may pay are not followed.
        """
        if self._catalogs is None or (
            self.spot_matters(view) and self._catalogs[0] is not view.catalog
        ):
            types = tuple(kind for kind in view.catalog.instance_types if kind.offerings)
            self._catalogs = (view.catalog, replace(view.catalog, instance_types=types))
        return self._catalogs[1]

    def follow(self, view: ClusterView) -> bool:
        """Bring the roster up to date; return whether nodes came, went or changed."""
        roster = self.roster
        self.n_looks += 1
        for number in range(self._n_followed, len(view.kinds)):
            roster.set_pooled(number, view.kinds[number].pool >= 0)
        self._n_followed = len(view.kinds)
        seen = view.node_id.tobytes(), view.node_version.tobytes()
        if seen == self._seen:
            return False
        self._seen = seen
        stale = roster.follow(
            view.node_id,
            view.node_version,
            view.node_kind,
            view.node_state,
            view.node_cordoned.view(np.uint8),
            view.node_created_ns,
            view.node_ready_ns,
        )
        if stale:
            held = view.pods_of(stale)
            roster.read(stale, held.start, held.pod, held.class_id, held.bound_ns, view.now_ns)
        return True

    def objects(
        self, view: ClusterView, nodes: Sequence[StateNode], bound: PodColumns | None
    ) -> ClusterObjects:
        """Return the objects of this moment, with these nodes and the pods on them."""
        return ClusterObjects(
            node_pools=view.pools,
            catalog=self.sold(view),
            nodes=tuple(sorted(nodes, key=_NAME_OF_NODE)),
            bound=bound,
            daemon_sets=self._daemon_sets,
            namespaces=self._namespaces,
            volumes=self._volumes,
            budgets=self._budgets(view),
            now_ns=self.now_ns(view),
        )

    def now_ns(self, view: ClusterView) -> int:
        """Return the moment of a view, in Unix time."""
        return view.now_ns + self._setting.epoch_ns

    @property
    def templates(self) -> Sequence[PodTemplate]:
        """The pod classes of the run."""
        return self._setting.templates

    def nodes(self, view: ClusterView) -> list[StateNode]:
        """Return the nodes in the order of the roster; those that did not change are the same."""
        return [self.shown(view, number) for number in range(len(self.roster))]

    def shown(self, view: ClusterView, number: int) -> StateNode:
        """Return the node of a number."""
        node_id, row, stamp, pods_stamp, event_ns, nominated_until_ns = self.roster.stamps(number)
        held = self._shown.get(node_id)
        if held is None:
            if len(self._shown) > 2 * len(self.roster) + _MANY:
                there = self.roster.ids()
                self._shown = {key: self._shown[key] for key in there if key in self._shown}
            held = self._shown[node_id] = _Shown(stamp, self.node(view, row), pods_stamp, object())
        else:
            if held.stamp != stamp:
                held.stamp, held.node = stamp, self.node(view, row)
            if held.pods_stamp != pods_stamp:
                held.pods_stamp, held.pods = pods_stamp, object()
        node = held.node
        flag = nominated_until_ns > self.now_ns(view)
        if node.nominated != flag or node.last_pod_event_ns != event_ns:
            held.node = node = replace(node, nominated=flag, last_pod_event_ns=event_ns)
        return node

    def bound(self, nodes: Sequence[StateNode]) -> PodColumns:
        """Return the pods on the nodes that were shown last, in the order of the roster."""
        return PodColumns(
            self._setting.templates,
            [node.node_name for node in nodes],
            *self.roster.pods(),
            self._memo,
            self.pods_states(),
        )

    def pods_states(self) -> list[object]:
        """Return what stays the same object while the pods of a node do, by number."""
        return [self._shown[number].pods for number in self.roster.ids()]

    def blocking_classes(self, view: ClusterView) -> NDArray[np.uint8]:
        """Return which classes of pods keep their node from being disrupted now; empty if none."""
        allowed = view.disruptions_allowed.tobytes() if self._setting.disruption_budgets else b""
        known = self._blocks.get(allowed)
        if known is None:
            if len(self._blocks) > _MANY:
                self._blocks.clear()
            budgets = self._budgets(view)
            blocks = [bool(disruption_blocker(pod, budgets, 0)) for pod in self._samples]
            known = self._blocks[allowed] = np.array(blocks if any(blocks) else (), np.uint8)
        return known

    def _budgets(self, view: ClusterView) -> tuple[PodDisruptionBudget, ...]:
        if not self._setting.disruption_budgets:
            return ()
        return tuple(
            replace(budget, disruptions_allowed=int(allowed))
            for budget, allowed in zip(
                self._setting.disruption_budgets, view.disruptions_allowed, strict=True
            )
        )

    def pending(self, view: ClusterView) -> PendingPods:
        """Return the pending pods that provisioning does not ignore."""
        if self._is_provisionable is None:
            nodes = self.nodes(view)
            objects = self.objects(view, nodes, self.bound(nodes))
            samples = tuple(
                Pod(f"{number:09d}", template, phase="Pending", conditions=_UNSCHEDULABLE)
                for number, template in enumerate(self._setting.templates)
            )
            ignored = pending_columns(replace(objects, pods=samples)).ignored
            self._is_provisionable = np.array([pod.key not in ignored for pod in samples], bool)
        seen = view.pending_pod.tobytes(), view.pending_since_ns.tobytes()
        before, pending = self._pending
        if pending is None or seen != before:
            kept = self._is_provisionable[view.pending_class]
            pending = PendingPods(
                self._setting.templates,
                view.pending_class[kept],
                view.pending_since_ns[kept] + self._setting.epoch_ns,
                ids=view.pending_pod[kept],
            )
            self._pending = seen, pending
        return pending

    def node(self, view: ClusterView, i: int) -> StateNode:
        """Return the node in a row of the view, without what its pods and rounds say about it."""
        name = node_name(int(view.node_id[i]))
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
            name=name if has_node else claim_name(name),
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
            expire_after_ns=None if pool is None else pool.expire_after_ns,
            termination_grace_period_ns=(
                None if pool is None else pool.termination_grace_period_ns
            ),
        )


def _flags_of(setting: Setting, samples: Sequence[Pod]) -> NDArray[np.uint8]:
    flags = [
        (MOVES * (number not in setting.daemon_classes))
        | (IS_DAEMON * ("DaemonSet" in owner_kinds(pod.template)))
        | (IS_RESCHEDULABLE * is_reschedulable(pod))
        | (LEAVES * currently_reschedulable(pod, setting.disruption_budgets, 0))
        for number, pod in enumerate(samples)
    ]
    return np.array(flags, np.uint8)


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
        self._seen: tuple[bytes, ...] = ()

    def look(self, view: ClusterView) -> int:
        """Return the time of the last move, which may be now."""
        seen = (
            view.node_id.tobytes(),
            view.node_version.tobytes(),
            view.node_state.tobytes(),
            view.node_cordoned.tobytes(),
            view.kind_price_nano.tobytes(),
        )
        if seen != self._seen or view.now_ns - self.time_ns > CLOCK_LIFETIME_NS:
            self.time_ns = view.now_ns
        self._seen = seen
        return self.time_ns
