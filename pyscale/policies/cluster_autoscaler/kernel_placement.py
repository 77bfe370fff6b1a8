"""The snapshot on the constraint kernel that kube-scheduler's decisions run on too."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from pyscale.kernel._draw import Draw
from pyscale.kernel._hinted import HintedPlacement
from pyscale.kernel._hints import Hints
from pyscale.kernel._removals import Removals
from pyscale.kernel._residents import Residents
from pyscale.kernel._verdicts import verdicts

from ...model.nodes import Node
from ...model.taints import NO_SCHEDULE, Taint
from ..kube_scheduler.objects import ClusterObjects
from ..kube_scheduler.profile import Profile
from ..kube_scheduler.snapshot import Snapshot
from ..kube_scheduler.verdicts import UNRESOLVABLE
from .classes import PodClass
from .equivalence import PodGroup
from .estimates import Demand, estimate
from .estimator import Estimate
from .node_shapes import NodeShape
from .placement import Mask, Refusal
from .world import TO_BE_DELETED, Int32s, PodList, PodsByNode

HONOR = "Honor"
_NOT_NAMED = Refusal("NodeAffinity", ("node(s) didn't satisfy plugin(s) [NodeAffinity]",), True)
_DAEMON, _MIRROR, _TERMINATING = 1, 2, 4


class KernelPlacement:
    """Nodes in order of addition, pods by class, checked by the compiled filters.

    All classes must come from one table.

    Parameters
    ----------
    objects : ClusterObjects, optional
        What the filters look up by name: namespaces, volumes.
    draw_seed : int, optional
        Draw the node for a pod from all that take it, as upstream's maps do, instead of going
        round the list.

    Attributes
    ----------
    bits_of : callable
        What a pod of a class makes of its node, for ``Residents.sums``.
    """

    def __init__(self, objects: ClusterObjects | None = None, draw_seed: int | None = None) -> None:
        profile = Profile(score_weights={})
        self._snapshot = Snapshot(profile, objects, interleaved=False)
        self.state = self._snapshot.state
        self.residents = Residents(self.state)
        self._hinted = HintedPlacement(self.residents)
        self._removals = Removals(self._hinted)
        self.draw = self._hinted.draw = None if draw_seed is None else Draw(draw_seed)
        self._classes: dict[int, int] = {}
        self._kept: list[PodClass | Node] = []
        self._known: NDArray[np.bool_] = np.zeros(64, np.bool_)
        self._controllers: dict[str, int] = {}
        self._alike: dict[tuple[str, int], int] = {}
        self._kinds: dict[int, int] = {}
        self._refusals: dict[tuple[int, int], Refusal] = {}
        self._honours_taints = False
        self._forks = 0
        self._open: Mask = np.zeros(64, np.bool_)
        self._new_names: list[tuple[int, int]] = []
        self.bits_of: Callable[[PodClass], int] = lambda pod_class: 0

    @property
    def last_match(self) -> int:
        """Where the rotating scan found a node last, an index in the list."""
        return self._hinted.last_match

    @last_match.setter
    def last_match(self, place: int) -> None:
        self._hinted.last_match = place

    # --- classes ---

    def class_id(self, pod_class: PodClass) -> int:
        """Return the kernel's number of a class."""
        found = self._classes.get(id(pod_class))
        return self._add_class(pod_class) if found is None else found

    def _add_class(self, pod_class: PodClass) -> int:
        template = pod_class.template
        found = self._snapshot.pod_class(template, pod_class.terminating)
        self._classes[id(pod_class)] = found
        self._kept.append(pod_class)
        self._honours_taints |= any(
            constraint.node_taints_policy == HONOR
            for constraint in template.spec.topology_spread_constraints
        )
        controller = alike = -1
        uid = pod_class.controller_uid
        if uid is not None:
            controller = self._controllers.setdefault(uid, len(self._controllers))
            alike = self._alike.setdefault((uid, pod_class.shape), len(self._alike))
        is_a = (
            _DAEMON * pod_class.is_daemon_set
            | _MIRROR * pod_class.is_mirror
            | _TERMINATING * pod_class.terminating
        )
        index = pod_class.index
        if index >= len(self._known):
            self._known = _longer(self._known, index)
        self._known[index] = True
        bits = self.bits_of(pod_class)
        self.residents.add_class(
            index,
            found,
            pod_class.effective_priority,
            controller,
            alike,
            is_a,
            bits,
            pod_class.cpu,
            pod_class.memory,
        )
        return found

    def learn(self, classes: Int32s, table: Sequence[PodClass]) -> None:
        """Make the classes of pods known, by their indexes into a table."""
        if len(table) > len(self._known):
            self._known = _longer(self._known, len(table))
        known = self._known[classes]
        if not known.all():
            for index in np.unique(classes[~known]).tolist():
                self.class_id(table[index])

    # --- nodes ---

    def size(self) -> int:
        """Return the number of nodes."""
        return self.state.n_active

    def is_there(self, node: int) -> bool:
        """Whether a node is there."""
        return self.residents.is_there(node)

    def add_node(self, node: Node, name: str, own: Iterable[PodClass] = ()) -> int:
        """Append a node and return its handle; ``own`` are pods that have no ids."""
        handle = self._snapshot.insert_node(node, name, self.kind(node))
        self.residents.clear(handle)
        for pod_class in own:
            self.state.add_pod(self.class_id(pod_class), handle)
        if handle >= len(self._open):
            self._open = _longer(self._open, handle)
        self._open[handle] = not node.unschedulable
        return handle

    def add_nodes(
        self,
        nodes: Sequence[Node],
        names: Sequence[str],
        held: PodsByNode,
        table: Sequence[PodClass],
    ) -> list[int]:
        """Append nodes with their pods; return their handles."""
        ids = list(map(id, nodes))
        shared = dict(zip(ids, nodes, strict=True))  # many nodes are the same object
        kinds = {one: self.kind(node) for one, node in shared.items()}
        handles = self._snapshot.insert_nodes(nodes, names, [kinds[one] for one in ids])
        pods = held.pods
        self.learn(pods.classes, table)
        fresh = np.array(handles, np.int32)
        self.residents.fill(fresh, held.starts, pods.ids, pods.keys, pods.classes)
        self.open_nodes[handles] = [not node.unschedulable for node in nodes]
        return handles

    def change_node(self, node: int, to: Node) -> None:
        """Change a node's labels, taints or cordon, in place."""
        self._snapshot.relabel(node, to)
        self._open[node] = not to.unschedulable

    def remove_node(self, node: int) -> None:
        """Take a node and its pods out of the list."""
        if self._forks:
            self.state.remove_node(node)
        else:
            self._snapshot.remove_node(node)

    def _taint(self, node: int) -> None:
        """Mark an empty node as one that goes; only constraints that honour taints can tell."""
        given = self._snapshot.nodes[node]
        tainted = replace(given, taints=(*given.taints, Taint(TO_BE_DELETED, NO_SCHEDULE)))
        self._snapshot.relabel(node, tainted)

    # --- forks ---

    def fork(self) -> None:
        """Remember the state."""
        self.state.fork()
        self.residents.fork()
        self._forks += 1

    def revert(self) -> None:
        """Undo everything since the last fork."""
        self.residents.revert()
        self.state.revert()
        self._forks -= 1

    def commit(self) -> None:
        """Keep everything since the last fork."""
        self.residents.commit()
        self.state.commit()
        self._forks -= 1

    # --- pods ---

    def content(self, node: int) -> PodList:
        """Return the pods on a node, in order of arrival."""
        return PodList(*self.residents.content(node))

    def set_pods(self, nodes: Int32s, held: PodsByNode, table: Sequence[PodClass]) -> None:
        """Give nodes other pods; those that stay are not touched."""
        pods = held.pods
        self.learn(pods.classes, table)
        self.residents.replace(nodes, held.starts, pods.ids, pods.keys, pods.classes)

    def place(self, pod_class: PodClass, node: int) -> None:
        """Put a pod without id on a node, unchecked."""
        self.state.add_pod(self.class_id(pod_class), node)

    def place_hinted(self, pods: PodList, hints: Hints) -> Int32s:
        """Place pods of known classes by priority, on their hints first; return nodes, -1 none."""
        accepted = self.open_nodes.view(np.uint8)
        return self._hinted.place(hints, pods.ids, pods.keys, pods.classes, accepted)

    def begin_removals(
        self,
        hints: Hints,
        usable: Mask,
        accepting: Mask,
        outcomes: NDArray[np.int8],
        ask: Callable[[int, int], int],
    ) -> Removals:
        """Return what takes nodes out and moves their pods, in a fork.

        ``usable`` are the nodes that hints may name, ``accepting`` those that the scan may use;
        both lose the nodes that go.  Outcomes as in ``Removals.begin``.
        """
        self._removals.begin(
            hints,
            usable.view(np.uint8),
            accepting.view(np.uint8),
            outcomes,
            ask,
            self._taint if self._honours_taints else None,
        )
        return self._removals

    def place_where(self, pod: PodList, mask: Mask) -> int | None:
        """Place one pod by rotating scan on the nodes of a mask; return its node."""
        accepted = (self.open_nodes & mask).view(np.uint8)
        node = int(self._hinted.place(Hints(), pod.ids, pod.keys, pod.classes, accepted)[0])
        return node if node >= 0 else None

    def mask(self) -> Mask:
        """Return a mask of nothing, for the nodes that are there."""
        return np.zeros(len(self.open_nodes), np.bool_)

    @property
    def open_nodes(self) -> Mask:
        """The nodes that are not cordoned."""
        if len(self._open) < self.state.n_nodes:  # estimates have nodes of their own
            self._open = _longer(self._open, self.state.n_nodes)
        return self._open

    # --- questions ---

    def refusal(self, pod_class: PodClass, node: int) -> Refusal | None:
        """Return why a node refuses a pod, None if it takes it."""
        return self.refusals(np.array([self.class_id(pod_class)], np.int32), node).get(0)

    def refusals(self, ids: Int32s, node: int) -> dict[int, Refusal]:
        """Return why a node refuses pods of classes, by place in ``ids`` (see ``class_id``)."""
        codes, shortfalls = verdicts(self.state, ids, node)
        found = {
            place: self._refusal(int(codes[place]), int(shortfalls[place]))
            for place in np.flatnonzero(codes).tolist()
        }
        known, name = self._snapshot.classes, self._snapshot.name_of(node)
        for place, class_id in enumerate(ids.tolist()):
            about = known[class_id]
            if about.pre_filter is not None:
                refused = about.pre_filter
                found[place] = Refusal(
                    refused.plugin, refused.reasons, refused.status == UNRESOLVABLE
                )
            elif about.names is not None and name not in about.names:
                found[place] = _NOT_NAMED
        return found

    def _refusal(self, verdict: int, shortfall: int) -> Refusal:
        known = self._refusals.get((verdict, shortfall))
        if known is None:
            refused = self._snapshot.refusal(verdict, shortfall)
            assert refused is not None
            known = Refusal(refused.plugin, refused.reasons, refused.status == UNRESOLVABLE)
            self._refusals[verdict, shortfall] = known
        return known

    def scan(self, pod_class: PodClass, mask: Mask | None = None) -> int | None:
        """Return the first node that takes a pod, by rotating scan, and remember its place."""
        class_id = self.class_id(pod_class)
        accepted = self.open_nodes if mask is None else self.open_nodes & mask
        known = self._snapshot.classes[class_id]
        if known.names is not None:
            named = [self._snapshot.name_of(node) in known.names for node in range(len(accepted))]
            accepted = accepted & np.array(named, np.bool_)
        if not self.size():
            return None
        place = self.state.scan_list(class_id, self.last_match + 1, accepted.view(np.uint8))
        if place < 0:
            return None
        self.last_match = place
        return int(self.state.node_at(place))

    # --- estimates ---

    def estimate(
        self, shape: NodeShape, groups: Sequence[PodGroup], limit: int, fast_path: bool
    ) -> Estimate:
        """Return how many new nodes of a shape groups of pods need; see :func:`estimate`."""
        return estimate(self, shape, Demand.of(groups, self), limit, fast_path)

    def kind(self, node: Node) -> int:
        """Return the kernel's number of all that rules read of a node but its name."""
        kind = self._kinds.get(id(node))
        if kind is None:
            kind = self._kinds[id(node)] = self._snapshot.kind(node)
            self._kept.append(node)
        return kind

    def new_name(self, number: int) -> tuple[int, int]:
        """Return the numbers of name and hostname of the n-th node of an estimate."""
        while len(self._new_names) <= number:
            name = f"estimated-node-{len(self._new_names)}"
            self._new_names.append(self._snapshot.name_ids(name))
        return self._new_names[number]

    def is_possible(self, class_id: int) -> bool:
        """Whether PreFilter lets a class onto new nodes."""
        known = self._snapshot.classes[class_id]
        return known.pre_filter is None and known.names is None


def _longer(mask: Mask, index: int) -> Mask:
    return np.concatenate([mask, np.zeros(index + 1, np.bool_)])
