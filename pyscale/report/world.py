"""The options of a run's world in words."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from ..simulation.clock import SECOND, format_ns


def world_options(options: Mapping[str, Any]) -> str:
    """Return one sentence that names the options of a world that are not off.

    Parameters
    ----------
    options : mapping
        As in a result's metadata; names that end in ``_ns`` are durations.

    Examples
    --------
    >>> world_options({"boot_ns": 60_000_000_000, "end_ns": None, "launch_failure_rate": 0.0})
    'Options of the world: boot 1 min; all others are off.'
    """
    words = [f"{_name(key)} {_value(key, value)}" for key, value in options.items() if value]
    listed = ", ".join(words) if words else "none"
    return f"Options of the world: {listed}; all others are off."


def _name(key: str) -> str:
    return key.replace("_ns", "").replace("_", " ")


def _value(key: str, value: Any) -> str:
    if key == "epoch_ns":
        return datetime.fromtimestamp(value // SECOND, UTC).strftime("%Y-%m-%d %H:%M UTC")
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_value(key, each)}" for name, each in value.items())
    if isinstance(value, (list, tuple)):
        return f"{len(value):,}"
    return format_ns(value) if "_ns" in key else str(value)
