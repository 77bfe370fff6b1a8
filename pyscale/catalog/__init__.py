"""Catalogues: the machines that can be bought, where, and at what price."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .fake_types import fake, fake_assorted, fake_default
    from .kwok_types import kwok

_HOMES = {
    "fake": "fake_types",
    "fake_assorted": "fake_types",
    "fake_default": "fake_types",
    "kwok": "kwok_types",
}

__all__ = ["fake", "fake_assorted", "fake_default", "kwok"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f".{_HOMES[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
