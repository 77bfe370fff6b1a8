"""Families that record the whole autoscaler in a world."""

from __future__ import annotations

from typing import Any

from ...errors import UnsupportedError


def replay(given: dict[str, Any], accepted: list[Any]) -> tuple[Any, list[Any]]:
    """Replay a world."""
    raise UnsupportedError("worlds")
