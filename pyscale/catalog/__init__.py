"""Catalogues: the machines that can be bought, where, and at what price."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .ec2_capacity import MachineOptions, cluster_autoscaler_view
    from .ec2_data import region_names
    from .ec2_types import ec2
    from .fake_types import fake, fake_assorted, fake_default
    from .kwok_types import kwok
    from .spot import SpotProcess

_HOMES = {
    "MachineOptions": "ec2_capacity",
    "SpotProcess": "spot",
    "cluster_autoscaler_view": "ec2_capacity",
    "ec2": "ec2_types",
    "fake": "fake_types",
    "fake_assorted": "fake_types",
    "fake_default": "fake_types",
    "kwok": "kwok_types",
    "region_names": "ec2_data",
}

__all__ = [
    "MachineOptions",
    "SpotProcess",
    "cluster_autoscaler_view",
    "ec2",
    "fake",
    "fake_assorted",
    "fake_default",
    "kwok",
    "region_names",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f".{_HOMES[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
