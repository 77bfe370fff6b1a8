"""Virtual time: events, machines that boot, fail and are taken back, and what a run leaves behind.

The simulation knows schedulers and autoscalers by their protocols only.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .engine import simulate
    from .options import SimulationOptions
    from .pod_autoscaling import PodAutoscaling
    from .result import Result

_HOMES = {
    "PodAutoscaling": "pod_autoscaling",
    "Result": "result",
    "SimulationOptions": "options",
    "simulate": "engine",
}

__all__ = ["PodAutoscaling", "Result", "SimulationOptions", "simulate"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f".{_HOMES[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
