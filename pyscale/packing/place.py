"""``pack`` and ``place``: pod classes onto nodes by one of the classical rules."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from pyscale.packing import _border as border
from pyscale.packing._solve import RULES, SUFFIX, Problem, solve
from pyscale.packing.orders import ORDERS
from pyscale.packing.result import Packing

PACK_RULES = tuple(name for rule in RULES if rule != "rotating" for name in (rule, rule + SUFFIX))
PLACE_RULES = (
    *(name for rule in RULES[:4] for name in (rule, rule + SUFFIX)),
    "rotating",
)


def pack(
    requests: ArrayLike,
    counts: ArrayLike | None,
    capacity: ArrayLike,
    rule: str = "first_fit_decreasing",
    *,
    order: str = "lexicographic",
    weights: ArrayLike | None = None,
    free: ArrayLike | None = None,
    free_counts: ArrayLike | None = None,
    max_new_nodes: int | None = None,
) -> Packing:
    """Pack pods onto nodes, opening equal new nodes where none has room.

    Parameters
    ----------
    requests : array_like of int, shape (n_classes, n_resources)
        What one pod of each class requests, in any unit, 0 to 2^61. A resource that a pod does not
        request (0) is not looked at for it.
    counts : array_like of int, shape (n_classes,), or None
        Pods of each class; None for one of each.
    capacity : array_like of int, shape (n_resources,)
        A new node. For fewest pods first also shape (n_types, n_resources): an open claim takes a
        pod if all its pods together fit one of the types.
    rule : str
        ``first_fit``: the leftmost node with room. ``best_fit`` (``worst_fit``): the node with
        room whose room weighs least (most); the leftmost of equals. ``next_fit``: the first node
        with room from the one used last to the right. ``fewest_pods_first``: the node with the
        fewest pods; among equals as a stable sort before every pod leaves them. Each with
        ``_decreasing`` to sort the classes first; without, they are placed as given.
    order : str
        How ``_decreasing`` sorts: ``lexicographic``, ``sum``, ``product``, ``max`` or
        ``average_sum``; see `pyscale.packing.orders.decreasing`.
    weights : array_like of int, shape (n_resources,), optional
        What a unit of each resource weighs, in ``order`` and in the room of a node. By default one
        over the capacity.
    free : array_like of int, shape (n_runs, n_resources), optional
        Room on nodes that exist, left of all new ones; may be negative.
    free_counts : array_like of int, shape (n_runs,), optional
        How many such nodes there are; by default one of each.
    max_new_nodes : int, optional
        How many nodes may be opened.

    Returns
    -------
    Packing
        Records, number of nodes, and per-pod nodes on request.

    Raises
    ------
    ValueError, TypeError
        With the argument, index and value that is wrong.

    Notes
    -----
    The result is that of placing the pods one at a time. First fit costs O(classes x distinct
    nodes), whatever the number of pods and nodes; fewest pods first O(pods + classes x nodes).
    Amounts are narrowed to 32 bits where that is exact. Deterministic on every machine.

    Examples
    --------
    >>> import pyscale as ps
    >>> bins = ps.pack([[8, 5], [5, 9], [2, 2]], [3, 2, 10], capacity=[20, 20])
    >>> bins.n_nodes, bins.n_unplaced
    (3, 0)
    >>> bins.node_of_pod
    array([0, 0, 1, 1, 2, 0, 0, 1, 1, 1, 2, 2, 2, 2, 2], dtype=int32)
    """
    border.choice("rule", rule, PACK_RULES)
    request, count = border.classes(requests, counts)
    fewest = rule.startswith("fewest_pods_first")
    if fewest and np.ndim(capacity) == 2:
        node = border.amounts("capacity", capacity, ("n_types", request.shape[1]))
        if len(node) == 0:
            raise ValueError("capacity must have at least one node type, found none")
    else:
        node = border.amounts("capacity", capacity, (request.shape[1],))
    if fewest and free is not None:
        raise ValueError("free cannot be used with fewest_pods_first: how many pods are there?")
    room, room_count = border.nodes(free, free_counts, request.shape[1])
    if fewest and border.sum_exactly(count) > border.MAX_NODES:
        raise ValueError(
            f"counts must sum to less than 2**31 for {rule}, found {border.sum_exactly(count)}"
        )
    problem = Problem(
        requests=request,
        counts=count,
        free=room,
        free_counts=room_count,
        capacity=node,
        max_new_nodes=border.limit("max_new_nodes", max_new_nodes),
        order=border.choice("order", order, ORDERS),
        weights=checked_weights(weights, request.shape[1]),
    )
    return solve(problem, rule)


def place(
    requests: ArrayLike,
    counts: ArrayLike | None,
    free: ArrayLike,
    rule: str = "first_fit",
    *,
    free_counts: ArrayLike | None = None,
    order: str = "lexicographic",
    weights: ArrayLike | None = None,
    last_node: int = -1,
) -> Packing:
    """Place pods on the nodes there are, and on no others.

    Parameters
    ----------
    requests : array_like of int, shape (n_classes, n_resources)
        What one pod of each class requests.
    counts : array_like of int, shape (n_classes,), or None
        Pods of each class; None for one of each.
    free : array_like of int, shape (n_runs, n_resources)
        Room on each node; may be negative.
    rule : str
        A rule of `pack` (not fewest pods first), or ``rotating``: every search begins behind the
        node that took the last pod and goes around once.
    free_counts : array_like of int, shape (n_runs,), optional
        How many such nodes there are; by default one of each.
    order : str
        As in `pack`.
    weights : array_like of int, shape (n_resources,), optional
        As in `pack`; by default one over the largest room.
    last_node : int
        For ``rotating``: the node that took the last pod before; -1 begins with the first node.

    Returns
    -------
    Packing
        Its ``last_node`` is where a rotating scan goes on from.

    Raises
    ------
    ValueError, TypeError
        With the argument, index and value that is wrong.

    Examples
    --------
    >>> import pyscale as ps
    >>> spread = ps.place([[2]], [5], free=[[4], [9], [4]], rule="rotating", last_node=0)
    >>> spread.node_of_pod, spread.last_node
    (array([1, 2, 0, 1, 2], dtype=int32), 2)
    """
    border.choice("rule", rule, PLACE_RULES)
    request, count = border.classes(requests, counts)
    room, room_count = border.nodes(free, free_counts, request.shape[1])
    n_nodes = border.sum_exactly(room_count)
    if isinstance(last_node, bool) or not isinstance(last_node, (int, np.integer)):
        raise TypeError(f"last_node must be an integer, found {last_node!r}")
    if not -1 <= last_node < max(n_nodes, 1):
        raise ValueError(f"last_node must be -1 to {n_nodes - 1}, found {last_node}")
    problem = Problem(
        requests=request,
        counts=count,
        free=room,
        free_counts=room_count,
        capacity=np.empty(0, dtype=np.int64),
        max_new_nodes=0,
        order=border.choice("order", order, ORDERS),
        weights=checked_weights(weights, request.shape[1]),
        last_node=int(last_node),
    )
    return solve(problem, rule)


def pack_each(
    requests: ArrayLike,
    counts: ArrayLike | None,
    capacities: ArrayLike,
    rule: str = "first_fit_decreasing",
    *,
    allowed: ArrayLike | None = None,
    order: str = "lexicographic",
    weights: ArrayLike | None = None,
    max_new_nodes: int | None = None,
) -> list[Packing]:
    """Pack the same pods once per kind of node, to see what each kind would need.

    Parameters
    ----------
    requests, counts, order, weights, max_new_nodes
        As in `pack`.
    capacities : array_like of int, shape (n_kinds, n_resources)
        A new node of each kind.
    rule : str
        A rule of `pack`.
    allowed : array_like of bool, shape (n_kinds, n_classes), optional
        Which classes a kind may take; by default all.

    Returns
    -------
    list of Packing
        One per kind. Kinds of equal capacity and equal classes share one result.

    Raises
    ------
    ValueError, TypeError
        With the argument, index and value that is wrong.
    """
    border.choice("rule", rule, PACK_RULES)
    border.choice("order", order, ORDERS)
    request, count = border.classes(requests, counts)
    kinds = border.amounts("capacities", capacities, ("n_kinds", request.shape[1]))
    mask = np.ones((len(kinds), len(request)), dtype=bool)
    if allowed is not None:
        mask = np.asarray(allowed)
        if mask.shape != (len(kinds), len(request)) or mask.dtype != np.bool_:
            raise ValueError(
                f"allowed must be bool of shape ({len(kinds)}, {len(request)}), "
                f"found {mask.dtype} of shape {mask.shape}"
            )
    room, room_count = border.nodes(None, None, request.shape[1])
    base = Problem(
        requests=request,
        counts=count,
        free=room,
        free_counts=room_count,
        capacity=kinds[0] if len(kinds) else room,
        max_new_nodes=border.limit("max_new_nodes", max_new_nodes),
        order=order,
        weights=checked_weights(weights, request.shape[1]),
    )
    known: dict[tuple[bytes, bytes], Packing] = {}
    out = []
    for kind, may in zip(kinds, mask, strict=True):
        key = kind.tobytes(), may.tobytes()
        if key not in known:
            some = np.where(may, count, 0)
            found = solve(replace(base, capacity=kind, counts=some), rule)
            known[key] = found if may.all() else found.with_excluded(count, ~may)
        out.append(known[key])
    return out


def checked_weights(weights: ArrayLike | None, n_resources: int) -> border.Int64 | None:
    """Check optional weights."""
    if weights is None:
        return None
    return border.amounts("weights", weights, (n_resources,))


Door = Callable[..., Packing]


def door(rule: str) -> Door:
    """Make the function that is ``pack`` with one rule."""

    def packing(
        requests: ArrayLike,
        counts: ArrayLike | None,
        capacity: ArrayLike | None = None,
        *,
        free: ArrayLike | None = None,
        free_counts: ArrayLike | None = None,
        order: str = "lexicographic",
        weights: ArrayLike | Sequence[int] | None = None,
        max_new_nodes: int | None = None,
    ) -> Packing:
        if capacity is None:
            if max_new_nodes:
                raise ValueError(f"max_new_nodes needs capacity, found {max_new_nodes}")
            return place(
                requests,
                counts,
                np.empty((0, 0), dtype=np.int64) if free is None else free,
                rule,
                free_counts=free_counts,
                order=order,
                weights=weights,
            )
        return pack(
            requests,
            counts,
            capacity,
            rule,
            order=order,
            weights=weights,
            free=free,
            free_counts=free_counts,
            max_new_nodes=max_new_nodes,
        )

    packing.__name__ = packing.__qualname__ = rule
    packing.__doc__ = (
        f"Pack pods by the rule ``{rule}``: `pack` with ``capacity``, `place` without.\n\n"
        "Parameters, result and errors are those of `pack` and `place`."
    )
    return packing


first_fit = door("first_fit")
first_fit_decreasing = door("first_fit_decreasing")
best_fit = door("best_fit")
best_fit_decreasing = door("best_fit_decreasing")
worst_fit = door("worst_fit")
worst_fit_decreasing = door("worst_fit_decreasing")
next_fit = door("next_fit")
next_fit_decreasing = door("next_fit_decreasing")
