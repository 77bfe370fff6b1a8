"""Karpenter: which machines to buy for pending pods, which to give back or replace."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .policy import Karpenter

_MODULE_OF = {"Karpenter": "policy"}

__all__ = ["Karpenter"]


def __getattr__(name: str) -> Any:
    """Import the module of a name when it is first used."""
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_MODULE_OF[name]}", __name__), name)
