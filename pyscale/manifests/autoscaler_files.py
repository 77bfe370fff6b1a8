"""Read the pod autoscalers of a manifest file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pyscale.model.autoscaling import HorizontalPodAutoscaler, ScaledObject
from pyscale.model.vertical import VerticalPodAutoscaler

from .autoscaling import horizontal_pod_autoscaler_from_dict
from .files import read_objects
from .keda import scaled_object_from_dict
from .vertical import vertical_pod_autoscaler_from_dict

Autoscaler = HorizontalPodAutoscaler | ScaledObject | VerticalPodAutoscaler

_READERS: Mapping[str, Callable[[Any, str], Autoscaler]] = {
    "HorizontalPodAutoscaler": horizontal_pod_autoscaler_from_dict,
    "ScaledObject": scaled_object_from_dict,
    "VerticalPodAutoscaler": vertical_pod_autoscaler_from_dict,
}


def read_autoscalers(source: str | Path | bytes) -> tuple[Autoscaler, ...]:
    """Return the HorizontalPodAutoscalers, ScaledObjects and VerticalPodAutoscalers of a file.

    Objects of other kinds are left out.

    Raises
    ------
    InvalidObjectError
        With file, object and the path of the field.
    """
    found = []
    for manifest in read_objects(source):
        reader = _READERS.get(manifest.kind)
        if reader is not None:
            found.append(reader(manifest.content, manifest.where))
    return tuple(found)
