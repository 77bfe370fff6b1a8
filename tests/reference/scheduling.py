"""A scheduler that is easy to read: room for the requests, kinds allowed, emptiest node first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from pyscale.kernel._placer import ObjectPlacer


class PlainScheduler:
    """Binds to the node with the largest free share of cpu, ties to the lowest number.

    ``requests[c]`` are the requests of class c, cpu first; ``allowed(c, kind)`` says whether pods
    of the class may run on nodes of a kind.
    """

    def __init__(
        self,
        requests: Sequence[Sequence[int]],
        allowed: Callable[[int, Any], bool] = lambda pod_class, kind: True,
    ) -> None:
        self.requests = [list(map(int, row)) for row in requests]
        self.allowed = allowed
        self.kinds: list[tuple[Any, list[int]]] = []
        self.nodes: dict[int, int] = {}
        self.used: dict[int, list[int]] = {}
        self.closed: set[int] = set()

    def add_kind(self, kind: Any, allocatable: Sequence[int]) -> None:
        self.kinds.append((kind, list(map(int, allocatable))))

    def fits(self, pod_class: int, node: int) -> bool:
        kind, allocatable = self.kinds[self.nodes[node]]
        room = zip(self.used[node], self.requests[pod_class], allocatable, strict=True)
        return self.allowed(pod_class, kind) and all(
            used + need <= most for used, need, most in room
        )

    def bind(self, pod_class: int) -> int:
        best, best_share = -1, -1.0
        for node in sorted(self.nodes):
            if node not in self.closed and self.fits(pod_class, node):
                most = self.kinds[self.nodes[node]][1][0]
                share = 1 - self.used[node][0] / most if most else 0.0
                if share > best_share:
                    best, best_share = node, share
        if best >= 0:
            self.bind_to(pod_class, best)
        return best

    def bind_to(self, pod_class: int, node: int) -> bool:
        if not self.fits(pod_class, node):
            return False
        for row, need in enumerate(self.requests[pod_class]):
            self.used[node][row] += need
        return True

    def release(self, pod_class: int, node: int) -> None:
        for row, need in enumerate(self.requests[pod_class]):
            self.used[node][row] -= need

    def may_help(self, pod_class: int, node: int) -> bool:
        return self.fits(pod_class, node)

    def add_node(self, node: int, kind: int) -> None:
        assert node not in self.nodes
        self.nodes[node] = kind
        self.used[node] = [0] * len(self.kinds[kind][1])

    def remove_node(self, node: int) -> None:
        assert not any(self.used[node]), "a node is removed with pods on it"
        del self.nodes[node], self.used[node]
        self.closed.discard(node)

    def cordon(self, node: int, closed: bool) -> None:
        (self.closed.add if closed else self.closed.discard)(node)


class Plain:
    """The scheduler as a policy: node selectors and room, nothing else."""

    name = "plain"

    def placer(self, setting: Any) -> ObjectPlacer:
        def allowed(pod_class: int, kind: Any) -> bool:
            wanted = setting.templates[pod_class].spec.node_selector
            return all(kind.node.labels.get(key) == value for key, value in wanted.items())

        return ObjectPlacer(PlainScheduler(setting.requests.T, allowed))
