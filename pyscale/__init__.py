"""Kubernetes scheduling and autoscaling decisions, offline and in virtual time."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

try:
    import pyscale.kernel as kernel
except ModuleNotFoundError as error:
    if error.name != "pyscale.kernel":
        raise
    raise ImportError(
        "pyscale.kernel is missing: this looks like a source checkout. "
        "Run 'pip install -e .' in it, or leave its directory."
    ) from error

if TYPE_CHECKING:
    from pyscale.packing import Packing as Packing
    from pyscale.packing import SequencePlacement as SequencePlacement
    from pyscale.packing import pack as pack
    from pyscale.packing import pack_each as pack_each
    from pyscale.packing import place as place
    from pyscale.packing import place_sequence as place_sequence

# Public name -> the module that defines it, imported when the name is first used: `import pyscale`
# stays quick, and a missing optional library matters only to those who need it.  A row here has its
# twin under TYPE_CHECKING.
_PUBLIC = {
    "Packing": "pyscale.packing",
    "SequencePlacement": "pyscale.packing",
    "pack": "pyscale.packing",
    "pack_each": "pyscale.packing",
    "place": "pyscale.packing",
    "place_sequence": "pyscale.packing",
}

# Packages that can be reached as attributes of pyscale without importing them first.
_PACKAGES = ("packing",)

__all__ = ["kernel", *_PACKAGES, *_PUBLIC]


def __getattr__(name: str) -> object:
    if name in _PACKAGES:
        return import_module(f"pyscale.{name}")
    if name in _PUBLIC:
        value: object = getattr(import_module(_PUBLIC[name]), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'pyscale' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
