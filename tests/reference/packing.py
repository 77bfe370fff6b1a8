"""Every packing rule in its obvious form: one pod at a time, one node at a time.

A pod is its request (a list of integers), a node the room left on it (a list that changes).
``place`` functions return the node a pod goes to, or None.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from math import prod

from reference.fit import fits

Room = list[int]
Request = Sequence[int]


def put(room: Room, request: Request, sign: int = 1) -> None:
    for r, want in enumerate(request):
        room[r] -= sign * want


def first(nodes: list[Room], request: Request) -> int | None:
    return next((j for j, room in enumerate(nodes) if fits(room, request)), None)


def best(nodes: list[Room], request: Request, weights: Sequence[int]) -> int | None:
    """The node with the least weighted room; the leftmost of equals."""
    able = [j for j, room in enumerate(nodes) if fits(room, request)]
    return min(able, key=lambda j: (weighted(nodes[j], weights), j), default=None)


def worst(nodes: list[Room], request: Request, weights: Sequence[int]) -> int | None:
    """The node with the most weighted room; the leftmost of equals."""
    able = [j for j, room in enumerate(nodes) if fits(room, request)]
    return min(able, key=lambda j: (-weighted(nodes[j], weights), j), default=None)


def weighted(room: Room, weights: Sequence[int]) -> int:
    return sum(x * w for x, w in zip(room, weights, strict=True))


def pack(
    pods: Sequence[Request],
    nodes: list[Room],
    choose: Callable[[list[Room], Request], int | None],
    capacity: Request | None = None,
    max_nodes: int = 10**9,
) -> list[int | None]:
    """Place pods in order; open a node where none is chosen and an empty one has room."""
    out: list[int | None] = []
    for request in pods:
        node = choose(nodes, request)
        may_open = capacity is not None and len(nodes) < max_nodes
        if node is None and may_open and fits(capacity, request):
            nodes.append(list(capacity))
            node = len(nodes) - 1
        if node is not None:
            put(nodes[node], request)
        out.append(node)
    return out


def next_fit(
    pods: Sequence[Request], nodes: list[Room], capacity: Request | None, max_nodes: int = 10**9
) -> list[int | None]:
    """Look from the node used last to the right only."""
    last = 0

    def choose(nodes: list[Room], request: Request) -> int | None:
        return next((j for j in range(last, len(nodes)) if fits(nodes[j], request)), None)

    out: list[int | None] = []
    for request in pods:
        (node,) = pack([request], nodes, choose, capacity, max_nodes)
        last = last if node is None else node
        out.append(node)
    return out


def rotating(pods: Sequence[Request], nodes: list[Room], last: int) -> tuple[list[int | None], int]:
    """Look from behind the node used last, around to it."""
    out: list[int | None] = []
    for request in pods:
        circle = [(last + 1 + k) % len(nodes) for k in range(len(nodes))]
        node = next((j for j in circle if fits(nodes[j], request)), None)
        if node is not None:
            put(nodes[node], request)
            last = node
        out.append(node)
    return out, last


def fewest_pods_first(
    pods: Sequence[Request], types: Sequence[Request], max_claims: int = 10**9
) -> list[int | None]:
    """Sort the claims by pod count, stably, before every pod; the first with room takes it."""
    claims: list[tuple[int, list[Request]]] = []
    out: list[int | None] = []
    for request in pods:
        claims.sort(key=lambda claim: len(claim[1]))
        able = [c for c in claims if any(holds(t, [*c[1], request]) for t in types)]
        may_open = len(claims) < max_claims and any(holds(t, [request]) for t in types)
        if not able and may_open:
            claims.append((len(claims), []))
            able = claims[-1:]
        if able:
            able[0][1].append(request)
        out.append(able[0][0] if able else None)
    return out


def holds(node_type: Request, pods: Sequence[Request]) -> bool:
    return all(sum(column) <= has for has, *column in zip(node_type, *pods, strict=True))


def interleaved(
    events: Sequence[int],
    requests: Sequence[Request],
    nodes: list[Room],
    capacity: Request | None,
    max_nodes: int = 10**9,
) -> list[int | None]:
    """First fit while pods come (their class) and go (-1 - the event they came in)."""
    out: list[int | None] = []
    for event in events:
        if event >= 0:
            out += pack([requests[event]], nodes, first, capacity, max_nodes)
        else:
            node = out[-1 - event]
            if node is not None:
                put(nodes[node], requests[events[-1 - event]], sign=-1)
            out.append(node)
    return out


def decreasing(
    requests: Sequence[Request], counts: Sequence[int], capacity: Request, order: str
) -> list[int]:
    """Class numbers, largest first; equal sizes by request, then by number."""
    parts = [
        [Fraction(x, c) if c else Fraction(0) for x, c in zip(w, capacity, strict=True)]
        for w in requests
    ]
    average = [
        sum(n * p[r] for n, p in zip(counts, parts, strict=True)) for r in range(len(capacity))
    ]
    size: dict[str, Callable[[int], Fraction]] = {
        "lexicographic": lambda i: Fraction(0),
        "sum": lambda i: sum(parts[i], Fraction(0)),
        "max": lambda i: max(parts[i]),
        "product": lambda i: Fraction(prod(requests[i])),
        "average_sum": lambda i: sum(
            (a * p for a, p in zip(average, parts[i], strict=True)), Fraction(0)
        ),
    }
    measure = size[order]
    return sorted(range(len(requests)), key=lambda i: (-measure(i), [-x for x in requests[i]], i))
