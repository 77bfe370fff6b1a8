"""What is known of nodes as long as they and their pods stay as they are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from operator import is_

from pyscale.model.groups import NodePool

from .candidates import Candidate, ineligible_reason, make_candidate
from .conditions import Conditions, NodeConditions, TypeOf
from .solver import Solver
from .state import ClusterObjects, StateNode


@dataclass(frozen=True, slots=True)
class Standing:
    """A node, with what follows from it and its pods alone.

    Attributes
    ----------
    node : StateNode
    pods : object
        The same object as long as its pods are the same; None: nobody knows.
    candidate : Candidate or str
        The candidate that it is, or why it is none.
    conditions : NodeConditions or None
        None where conditions are not evaluated.
    """

    node: StateNode
    pods: object
    candidate: Candidate | str
    conditions: NodeConditions | None


class Standings:
    """Hands what is known of nodes on from one look to the next.

    Objects are recognised by identity; nodes that a look does not have are forgotten.
    """

    def __init__(self) -> None:
        self._shared: tuple[object, ...] = ()
        self._known: dict[str, Standing] = {}

    def of(self, solver: Solver, pools: Mapping[str, NodePool], type_of: TypeOf) -> list[Standing]:
        """Return the standing of each node, in the order of the solver's numbers."""
        objects = solver.objects
        shared = (objects.node_pools, solver.types_by_name, objects.types_of_pool or None)
        same = len(self._shared) == len(shared) and all(map(is_, self._shared, shared))
        before = self._known if same else {}
        known: dict[str, Standing] = {}
        for node, pods in zip(solver.nodes, solver.pods_states(), strict=True):
            held = before.get(node.name)
            if held is None or held.node is not node or held.pods is not pods or pods is None:
                compiled = type_of(node)
                candidate: Candidate | str = ineligible_reason(node, pools)
                if not candidate:
                    costs = solver.costs(node)
                    candidate = make_candidate(node, pools[node.pool], compiled, costs)
                earlier = None if held is None else held.conditions
                conditions = NodeConditions.of(node, pools.get(node.pool), compiled, earlier)
                held = Standing(node, pods, candidate, conditions)
            known[node.name] = held
        self._shared, self._known = shared, known
        return list(known.values())


def evaluate_conditions(standings: Iterable[Standing], objects: ClusterObjects) -> Conditions:
    """Evaluate the conditions of all nodes of existing pools."""
    consolidatable: set[str] = set()
    under: set[str] = set()
    drifted: dict[str, tuple[str, int]] = {}
    now = objects.now_ns
    for standing in standings:
        node, conditions = standing.node, standing.conditions
        if conditions is None:
            continue
        reason = "" if now <= conditions.sound_until_ns else conditions.drift_reason(objects)
        if reason:
            since = node.drifted_since_ns
            drifted[node.name] = (reason, now if since is None else since)
        rested = conditions.has_rested(now)
        if rested is not None:
            (consolidatable if rested else under).add(node.name)
    return Conditions(frozenset(consolidatable), frozenset(under), drifted)
