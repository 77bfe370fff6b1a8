"""Taints of nodes and tolerations of pods."""

from __future__ import annotations

from dataclasses import dataclass

NO_SCHEDULE = "NoSchedule"
PREFER_NO_SCHEDULE = "PreferNoSchedule"
NO_EXECUTE = "NoExecute"


@dataclass(frozen=True, slots=True)
class Taint:
    """A node's taint; ``effect`` is NoSchedule, PreferNoSchedule or NoExecute."""

    key: str
    effect: str
    value: str = ""


@dataclass(frozen=True, slots=True)
class Toleration:
    """A pod's toleration, as written: an empty ``key`` matches all keys, an empty effect all.

    ``operator`` is ``""`` (means Equal), ``Equal``, ``Exists``, ``Lt`` or ``Gt``.
    """

    key: str = ""
    operator: str = ""
    value: str = ""
    effect: str = ""
    toleration_seconds: int | None = None
