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
    from pyscale.policies.cluster_autoscaler import ClusterAutoscaler as ClusterAutoscaler
    from pyscale.simulation import PodAutoscaling as PodAutoscaling
    from pyscale.simulation import Result as Result
    from pyscale.simulation import SimulationOptions as SimulationOptions
    from pyscale.simulation import simulate as simulate
    from pyscale.study import Comparison as Comparison
    from pyscale.study import compare as compare
    from pyscale.traces import load_example as load_example
    from pyscale.traces import load_trace as load_trace

# Public name -> the module that defines it, imported when the name is first used: `import pyscale`
# stays quick, and a missing optional library matters only to those who need it.  A row here has its
# twin under TYPE_CHECKING.
_PUBLIC = {
    "ClusterAutoscaler": "pyscale.policies.cluster_autoscaler",
    "Comparison": "pyscale.study",
    "Packing": "pyscale.packing",
    "PodAutoscaling": "pyscale.simulation",
    "Result": "pyscale.simulation",
    "SequencePlacement": "pyscale.packing",
    "SimulationOptions": "pyscale.simulation",
    "compare": "pyscale.study",
    "load_example": "pyscale.traces",
    "load_trace": "pyscale.traces",
    "pack": "pyscale.packing",
    "pack_each": "pyscale.packing",
    "place": "pyscale.packing",
    "place_sequence": "pyscale.packing",
    "simulate": "pyscale.simulation",
}

# Packages that can be reached as attributes of pyscale without importing them first.
_PACKAGES = ("catalog", "packing", "policies", "simulation", "study", "traces")

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
