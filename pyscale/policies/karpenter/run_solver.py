"""The clusters of one run, each compiled from the last one and what has changed since."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyscale.kernel._roster import Roster
from pyscale.model.groups import NodePool
from pyscale.model.pods import Pod

from ..base import ClusterView
from .batch import PendingPods
from .bound_pods import PodColumns
from .daemons import expected_requests
from .listed import Listed
from .memory import CompileMemory, set_of_node
from .solver import Solver
from .state import ClusterObjects, Settings, StateNode
from .templates import limits_left
from .view_cluster import ViewCluster, claim_name, node_id, node_name

# What solvers of one run have in common as long as neither machines nor pools change.
_SHARED = (
    "settings",
    "well_known",
    "memory",
    "compiled_types",
    "types_by_name",
    "pools",
    "types_of_pool",
    "sets",
    "daemons",
    "templates",
    "universe",
    "forms",
    "tolerate_prefer_no_schedule",
    "reservations",
    "reservation_ids",
    "scale",
    "frame",
    "node_limits",
    "_reservation_capacity",
)

# What a solver makes of its view when it is asked for.
_MADE = ("nodes", "objects", "bound", "node_number")


class RunSolver(Solver):
    """A solver that was not compiled from objects: these are made when somebody asks for them.

    Its ``objects`` leave out the pods: ``pending`` and ``bound`` have them.

    Attributes
    ----------
    blocking_classes : ndarray of uint8, shape (n_classes,) or (0,)
        Which classes of pods keep their node from being disrupted; empty for none.
    """

    blocking_classes: NDArray[np.uint8]
    _cluster: ViewCluster
    _view: ClusterView
    _look: int

    def __init__(self, before: Solver) -> None:
        vars(self).update((name, getattr(before, name)) for name in _SHARED)
        self._is_limited = any(template.pool.limits for template in before.templates)

    def at(self, cluster: ViewCluster, view: ClusterView) -> RunSolver:
        """Return the solver of a moment, which is the last one until a view is followed again."""
        solver = RunSolver.__new__(RunSolver)
        known = vars(solver)
        known.update(vars(self))
        for name in _MADE:
            known.pop(name, None)
        known["_cluster"], known["_view"], known["_look"] = cluster, view, cluster.n_looks
        known["blocking_classes"] = cluster.blocking_classes(view)
        return solver

    def __getattr__(self, name: str) -> Any:
        make = getattr(type(self), f"_make_{name}", None)
        if make is None:
            raise AttributeError(f"{type(self).__name__} has no attribute {name}")
        self._check()
        made = vars(self)[name] = make(self)
        return made

    def _check(self) -> None:
        if self._cluster.n_looks != self._look:
            raise RuntimeError("this solver is over: the next one has been made")

    def _make_nodes(self) -> Sequence[StateNode]:
        return Listed(len(self.roster), self._node)

    def _make_objects(self) -> ClusterObjects:
        return self._cluster.objects(self._view, self.nodes, None)

    def _make_bound(self) -> PodColumns:
        return self._cluster.bound(self.nodes)

    def _make_node_number(self) -> dict[str, int]:
        return {node.name: i for i, node in enumerate(self.nodes)}

    def _node(self, number: int) -> StateNode:
        self._check()
        return self._cluster.shown(self._view, number)

    def node_in_row(self, row: int) -> StateNode:
        """Return the node in a row of the view."""
        self._check()
        return self._cluster.node(self._view, row)

    @property
    def roster(self) -> Roster:
        """The nodes and pods of the run, at this moment."""
        return self._cluster.roster

    def blocker(self, node: StateNode) -> str:
        """Return which pod keeps a node from being disrupted and why, empty for none."""
        return super().blocker(node) if len(self.blocking_classes) else ""

    @property
    def now_ns(self) -> int:
        """The moment, in Unix time."""
        return self._cluster.now_ns(self._view)

    @property
    def node_pools(self) -> tuple[NodePool, ...]:
        """All pools, those included that launch nothing."""
        return self._view.pools

    @property
    def seen_types(self) -> Mapping[str, tuple[str, ...]]:
        """Return nothing: pools see the whole catalogue."""
        return {}

    def number_of(self, name: str) -> int:
        """Return the number of a state node; a KeyError if there is none of that name."""
        return self.roster.number_of(node_id(name))

    def name_of(self, number: int) -> str:
        """Return the name of a state node."""
        name = node_name(self.roster.id_of(number))
        return name if number < self.n_initialized else claim_name(name)

    @property
    def has_timed_pods(self) -> bool:
        """Return False: clusters with such pods are compiled from objects."""
        return False

    def tell(self, roster: Roster, pending: PendingPods) -> None:
        """Tell the kernel of nodes, pods on them and those that wait; the roster knows them all."""
        frame = self.frame
        self.state = object()
        self.n_nodes, self.n_initialized = len(roster), roster.n_initialized
        hosts = Listed(len(roster), lambda i: node_name(roster.id_of(i)))
        frame.turn_to(self, hosts)
        if self._is_limited:
            active = [node for node in self.nodes if not node.marked_for_deletion]
            self._set_limits([limits_left(template.pool, active) for template in self.templates])
        frame.rank()
        self.pending = pending
        assert pending.ids is not None
        roster.tell(frame.kernel, pending.template_of_pod, pending.created_ns, pending.ids)


class RunCompiler:
    """Makes the solvers of one run.

    Parameters
    ----------
    cluster : ViewCluster
    settings : Settings

    Notes
    -----
    A cluster with topology groups, or with pods that must not be disrupted for a limited time, is
    compiled from its objects at every look.
    """

    def __init__(self, cluster: ViewCluster, settings: Settings) -> None:
        self._cluster, self._settings = cluster, settings
        self._memory = CompileMemory()
        self._shared: RunSolver | None = None
        # The one that the kernel was told of last.
        self._told: RunSolver | None = None
        self._catalog: object = None

    def compile(self, view: ClusterView) -> Solver:
        """Return the solver of this moment."""
        cluster = self._cluster
        changed = cluster.follow(view)
        pending = cluster.pending(view)
        shared, told = self._shared, self._told
        is_sold = cluster.sold(view) is self._catalog
        if told is not None and is_sold and not changed and pending is told.pending:
            return told.at(cluster, view)
        if shared is not None and is_sold and self._can_go_on(shared, view, pending):
            self._told = told = shared.at(cluster, view)
            told.tell(cluster.roster, pending)
            return told
        nodes = cluster.nodes(view)
        objects = cluster.objects(view, nodes, cluster.bound(nodes))
        solver = Solver(objects, self._settings, pending, self._memory)
        self._shared = self._told = None
        if not solver.topology.has_groups and not cluster.has_timed_pods:
            self._shared, self._catalog = RunSolver(solver), objects.catalog
            cluster.roster.begin(len(solver.scale.names))
        return solver

    def _can_go_on(self, shared: RunSolver, view: ClusterView, pending: PendingPods) -> bool:
        """Say whether the kernel of the last look serves this one, and tell the roster why."""
        new_classes, new_shapes = self._cluster.roster.missing(pending.template_of_pod)
        if not new_classes and not new_shapes:
            return True
        return self._meet(shared, view, new_classes, new_shapes)

    def _meet(
        self,
        shared: RunSolver,
        view: ClusterView,
        classes: Sequence[int],
        shapes: Mapping[int, int],
    ) -> bool:
        """Tell the roster about classes and shapes of nodes, if the kernel can take them."""
        cluster, frame, roster = self._cluster, shared.frame, self._cluster.roster
        templates, table = cluster.templates, shared.forms
        numbers = np.array(
            [table.of_pod(Pod("", templates[number])) for number in classes], np.int32
        )
        missing = sorted({*numbers[frame.classes(numbers) < 0].tolist()})
        nodes = {shape: cluster.node(view, row) for shape, row in shapes.items()}
        expected = {shape: expected_requests(shared.daemons, nodes[shape]) for shape in nodes}
        amounts = [
            some
            for shape, node in nodes.items()
            for some in (node.allocatable, node.capacity, expected[shape])
        ]
        scale = shared.memory.scale(
            shared.templates, [table.forms[number] for number in missing], (), amounts
        )
        if scale is not frame.scale or not frame.has_room_for(missing, nodes.values()):
            return False
        shared.topology.connect(frame.add_classes(shared, missing))
        for class_id, number in zip(classes, numbers.tolist(), strict=True):
            form = table.forms[number]
            roster.set_class(
                class_id,
                int(frame.classes(np.array([number]))[0]),
                frame.port_ids[form.ports] if form.ports else -1,
                scale.vector(form.requests),
            )
        template_of_pool = {made.pool.name: i for i, made in enumerate(shared.templates)}
        for shape, node in nodes.items():
            roster.set_shape(
                shape,
                set_of_node(node, shared.sets),
                frame.taint_ids[node.taints],
                template_of_pool.get(node.pool, -1),
                scale.vector(node.allocatable),
                scale.vector(node.capacity),
                scale.vector(expected[shape]),
                _named(node.allocatable, scale.names),
                _named(expected[shape], scale.names),
            )
        return True


def _named(amounts: Mapping[str, int], names: Sequence[str]) -> NDArray[np.uint8]:
    return np.array([name in amounts for name in names], np.uint8)
