"""What was found out about nodes in the last look, as long as what it depends on stays."""

from __future__ import annotations

from collections.abc import Callable
from operator import is_
from typing import Generic, TypeVar

T = TypeVar("T")


class LookMemo(Generic[T]):
    """Hands answers about nodes on from one look to the next.

    Objects are recognised by identity; nodes that a look does not ask about are forgotten.
    """

    def __init__(self) -> None:
        self._before: dict[str, tuple[tuple[object, ...], T]] = {}
        self._known: dict[str, tuple[tuple[object, ...], T]] = {}

    def begin(self) -> None:
        """Begin a look."""
        self._before, self._known = self._known, {}

    def of(self, name: str, parts: tuple[object, ...], make: Callable[[], T]) -> T:
        """Return the answer about a node, made anew unless all parts are those of the last look."""
        held = self._before.get(name)
        if held is None or not all(map(is_, held[0], parts)):
            held = parts, make()
        self._known[name] = held
        return held[1]
