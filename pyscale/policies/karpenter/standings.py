"""How nodes stand as candidates: what follows from them and their pods, and from the time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from operator import is_
from typing import NamedTuple

import numpy as np

from pyscale.kernel._candidacy import UNSEEN_NS, Candidacy
from pyscale.model.catalog import SPOT
from pyscale.model.groups import NodePool
from pyscale.model.nodes import CAPACITY_TYPE_LABEL, ZONE_LABEL
from pyscale.model.times import SECOND

from .conditions import UNSOUND_NS, DriftAnswers, TypeOf, drift_of, last_activity_ns
from .costs import NodeCosts, node_price
from .eviction import DO_NOT_DISRUPT
from .instance_types import CompiledType
from .solver import Solver
from .state import StateNode

# Flags of the kernel's nodes and pools.
(
    MANAGED,
    HAS_NODE,
    INITIALIZED,
    MARKED,
    NOMINATED,
    KEPT,
    BLOCKED,
    PATIENT,
    READY,
    TERMINATING,
    DELETING,
    HAS_TYPE,
    HAS_CAPACITY_TYPE,
    HAS_ZONE,
    IS_SPOT,
    HAS_PODS_TO_MOVE,
) = (1 << i for i in range(16))
STATIC, ONLY_EMPTY = 1, 2
# Whose pods need not be asked.
_OUT_OF_THE_QUESTION = MARKED | NOMINATED | KEPT


class Standing(NamedTuple):
    """The nodes of a moment.

    Attributes
    ----------
    candidacy : Candidacy
        By the solver's numbers.
    drifted : dict of int to (str, int)
        Number of a node -> the reason and since when (ns).
    """

    candidacy: Candidacy
    drifted: dict[int, tuple[str, int]]

    def set_drifted(self, number: int, reason: str, since_ns: int) -> None:
        """Note that a node has drifted."""
        self.drifted[number] = (reason, since_ns)
        self.candidacy.set_drifted(number, since_ns // SECOND)


@dataclass(slots=True)
class _Known:
    """What follows from a node and its pods.

    ``pods`` is the same object as long as its pods are the same; None: nobody knows.
    """

    node: StateNode
    pods: object
    flags: int
    pool: int
    compiled: CompiledType | None
    worth: tuple[float, float, float]
    answers: DriftAnswers = field(default_factory=DriftAnswers)
    sound_until_ns: int = UNSOUND_NS


class Standings:
    """Finds out how nodes stand, and hands what it knows on from one look to the next.

    Objects are recognised by identity; nodes that a look does not have are forgotten.
    """

    def __init__(self) -> None:
        self._shared: tuple[object, ...] = ()
        self._known: dict[str, _Known] = {}

    def of(self, solver: Solver, type_of: TypeOf) -> Standing:
        """Return how the nodes of a solver stand."""
        objects, now = solver.objects, solver.now_ns
        shared = (objects.node_pools, solver.types_by_name, objects.types_of_pool or None)
        same = len(self._shared) == len(shared) and all(map(is_, self._shared, shared))
        before = self._known if same else {}
        pool_numbers = {pool.name: number for number, pool in enumerate(objects.node_pools)}
        known: dict[str, _Known] = {}
        for node, pods in zip(solver.nodes, solver.pods_states(), strict=True):
            held = before.get(node.name)
            if held is None or held.node is not node or held.pods is not pods or pods is None:
                held = _found_out(solver, node, pods, pool_numbers, type_of, held)
            known[node.name] = held
        self._shared, self._known = shared, known
        nodes = list(known.values())
        candidacy = candidacy_of(objects.node_pools)
        candidacy.set(
            np.array([each.flags | _blocked(solver, each) for each in nodes], np.uint16),
            np.array([each.pool for each in nodes], np.int32),
            np.array([each.worth for each in nodes], np.float64).reshape(len(nodes), 3),
            np.array(
                [
                    (
                        last_activity_ns(each.node, now),
                        UNSEEN_NS if each.node.creation_ns is None else each.node.creation_ns,
                    )
                    for each in nodes
                ],
                np.int64,
            ).reshape(len(nodes), 2),
            now,
        )
        standing = Standing(candidacy, {})
        pools = solver.node_pools
        for number, each in enumerate(nodes):
            node = each.node
            if each.pool < 0 or node.deleting or now <= each.sound_until_ns:
                continue
            reason, each.sound_until_ns = drift_of(
                node, pools[each.pool], each.compiled, each.answers, solver
            )
            if reason:
                since = node.drifted_since_ns
                standing.set_drifted(number, reason, now if since is None else since)
        return standing


def candidacy_of(pools: Sequence[NodePool]) -> Candidacy:
    """Return a kernel for the nodes of some pools."""
    waits = [pool.disruption.consolidate_after_ns for pool in pools]
    return Candidacy(
        np.array(
            [
                (STATIC if pool.replicas is not None else 0)
                | (ONLY_EMPTY if pool.disruption.consolidation_policy == "WhenEmpty" else 0)
                for pool in pools
            ],
            np.uint8,
        ),
        np.array([-1 if wait is None else wait for wait in waits], np.int64),
    )


def flags_of(node: StateNode, compiled: CompiledType | None) -> int:
    """Return the flags of a node, without what its pods say."""
    labels = node.labels
    told = (
        (MANAGED, node.managed),
        (HAS_NODE, node.has_node),
        (INITIALIZED, node.initialized),
        (MARKED, node.marked_for_deletion),
        (NOMINATED, node.nominated),
        (KEPT, node.annotations.get(DO_NOT_DISRUPT) == "true"),
        (PATIENT, node.termination_grace_period_ns is not None),
        (READY, node.ready),
        (TERMINATING, node.instance_terminating),
        (DELETING, node.deleting),
        (HAS_TYPE, compiled is not None),
        (HAS_CAPACITY_TYPE, CAPACITY_TYPE_LABEL in labels),
        (HAS_ZONE, ZONE_LABEL in labels),
        (IS_SPOT, labels.get(CAPACITY_TYPE_LABEL) == SPOT),
    )
    return sum(flag for flag, holds in told if holds)


def _found_out(
    solver: Solver,
    node: StateNode,
    pods: object,
    pool_numbers: Mapping[str, int],
    type_of: TypeOf,
    before: _Known | None,
) -> _Known:
    compiled = type_of(node)
    costs = solver.costs(node) if node.has_node else NodeCosts.of(())
    known = _Known(
        node,
        pods,
        flags_of(node, compiled) | (HAS_PODS_TO_MOVE if costs.has_pods_to_move else 0),
        pool_numbers.get(node.pool, -1),
        compiled,
        (node_price(node, compiled), costs.reschedule, costs.eviction),
    )
    if (
        before is not None
        and before.node.claim_labels is node.claim_labels
        and before.pool == known.pool
        and before.compiled is compiled
    ):
        # The same claim, pool and type: the answers are the same.
        known.answers = before.answers
    return known


def _blocked(solver: Solver, known: _Known) -> int:
    """Return the flag of a node that might be a candidate if its pods did not keep it."""
    if not known.flags & MANAGED or known.flags & _OUT_OF_THE_QUESTION or known.pool < 0:
        return 0
    return BLOCKED if known.flags & INITIALIZED and solver.blocker(known.node) else 0
