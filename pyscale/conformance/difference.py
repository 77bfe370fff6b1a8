"""Say where two decisions differ first."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

ABSENT = "(absent)"
_WIDTH = 400


@dataclass(frozen=True, slots=True)
class Difference:
    """The first place at which our decision leaves a recorded one.

    ``recorded`` and ``ours`` are JSON text, or ``(absent)``.
    """

    path: str
    recorded: str
    ours: str

    def __str__(self) -> str:
        return f"at {self.path}\n- recorded: {self.recorded}\n+ ours:     {self.ours}"


def first_difference(recorded: Any, ours: Any, path: str = "$") -> Difference | None:
    """Return the first difference between two JSON values, or None when they are equal.

    Objects are walked in key order, lists by index; numbers are equal when their values are.
    """
    if recorded is ours:
        return None
    if isinstance(recorded, dict) and isinstance(ours, dict):
        for key in sorted(recorded.keys() | ours.keys()):
            here = f"{path}.{key}"
            if key not in recorded or key not in ours:
                return Difference(here, _text(recorded, key), _text(ours, key))
            if found := first_difference(recorded[key], ours[key], here):
                return found
        return None
    if isinstance(recorded, list) and isinstance(ours, list):
        for index in range(max(len(recorded), len(ours))):
            here = f"{path}[{index}]"
            if index >= len(recorded) or index >= len(ours):
                return Difference(here, _item(recorded, index), _item(ours, index))
            if found := first_difference(recorded[index], ours[index], here):
                return found
        return None
    if recorded == ours and isinstance(recorded, bool) == isinstance(ours, bool):
        return None
    return Difference(path, _shorten(recorded), _shorten(ours))


def closest_difference(accepted: Sequence[Any], ours: Any) -> Difference | None:
    """Return None if ours is accepted, else the difference to the accepted one nearest to it.

    Nearest is the one with the fewest differing leaves; the first of equals.
    """
    differences: list[tuple[int, int, Difference]] = []
    for recorded in accepted:
        found = first_difference(recorded, ours)
        if found is None:
            return None
        differences.append((_distance(recorded, ours), len(differences), found))
    if not differences:
        return Difference("$", ABSENT, _shorten(ours))
    return min(differences, key=lambda entry: entry[:2])[2]


def _distance(recorded: Any, ours: Any) -> int:
    if isinstance(recorded, dict) and isinstance(ours, dict):
        shared = recorded.keys() & ours.keys()
        return sum(_distance(recorded[key], ours[key]) for key in shared) + len(
            recorded.keys() ^ ours.keys()
        )
    if isinstance(recorded, list) and isinstance(ours, list):
        pairs = sum(map(_distance, recorded, ours))
        return pairs + abs(len(recorded) - len(ours))
    return int(recorded != ours)


def _text(holder: dict[str, Any], key: str) -> str:
    return _shorten(holder[key]) if key in holder else ABSENT


def _item(holder: list[Any], index: int) -> str:
    return _shorten(holder[index]) if index < len(holder) else ABSENT


def _shorten(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, ensure_ascii=False)
    return text if len(text) <= _WIDTH else f"{text[:_WIDTH]}... ({len(text)} characters)"
