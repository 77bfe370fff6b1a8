"""Divide new nodes over similar node groups.

Specification section 4.8 and its erratum; upstream ``balancing_processor.go``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(slots=True)
class GroupSize:
    """A group's size before and after, and its maximum."""

    name: str
    before: int
    size: int
    maximum: int


def balance(new_nodes: int, groups: Sequence[tuple[str, int, int]]) -> list[GroupSize]:
    """Give nodes, one at a time, to the smallest groups; return the groups that change.

    The pointer moves on when its group has become larger than the next one, and returns to the
    first open group otherwise.  A full group is swapped with the first open one and the work goes
    on at the same slot, which decides who gets a remainder.

    Parameters
    ----------
    new_nodes : int
        Nodes to add; what exceeds the groups' room is dropped.
    groups : sequence of (name, target, max)
        Ties between equal targets are broken by this order.
    """
    open_groups = [group for group in groups if group[1] != group[2]]
    room = sum(max(0, maximum - target) for _, target, maximum in open_groups)
    left = min(new_nodes, room)
    sizes = [GroupSize(name, target, target, maximum) for name, target, maximum in open_groups]
    sizes.sort(key=lambda group: group.size)
    first = pointer = 0
    while left > 0:
        group = sizes[pointer]
        if group.size < group.maximum:
            group.size += 1
            left -= 1
        else:
            sizes[first], sizes[pointer] = sizes[pointer], sizes[first]
            first += 1
            group = sizes[pointer]
        larger = pointer < len(sizes) - 1 and group.size > sizes[pointer + 1].size
        pointer = pointer + 1 if larger else first
    return [group for group in sizes if group.size != group.before]
