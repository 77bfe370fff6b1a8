"""What makes two pods alike in Cluster Autoscaler's eyes: labels and the sanitized spec.

Specification section 3; upstream ``utils/utils.go:PodSpecSemanticallyEqual``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ...model.pods import PodTemplate
from ...model.quantity import parse_quantity

_QUANTITY_MAPS = ("requests", "limits")


def shape_of(template: PodTemplate, labels_absent: bool = False) -> str:
    """Return a text that is equal for pods of one controller that are alike.

    Labels are compared deeply, and an absent map differs from an empty one.  Of the spec, projected
    volumes and their mounts, ``hostname`` and ``env`` do not count; quantities count by value, and
    what is empty counts as absent.

    Parameters
    ----------
    template : PodTemplate
        With ``spec.manifest`` where it was read from one; without, the fields that decide
        placement are compared.
    labels_absent : bool
        The manifest has no labels at all, not even an empty map.
    """
    labels = None if labels_absent else dict(template.labels)
    manifest = template.spec.manifest
    spec: object = repr(template.spec) if manifest is None else sanitized(manifest)
    return json.dumps([labels, spec], sort_keys=True)


def sanitized(spec: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parts of a pod spec's manifest that count, in a normal form."""
    volumes = spec.get("volumes") or []
    projected = {volume["name"] for volume in volumes if "projected" in volume}
    kept = {key: value for key, value in spec.items() if key != "hostname"}
    kept["volumes"] = [
        # `emptyDir: {}` names a source, which is not the same as no source
        {key: "present" if value == {} else value for key, value in volume.items()}
        for volume in volumes
        if volume["name"] not in projected
    ]
    for kind in ("containers", "initContainers"):
        kept[kind] = [_container(container, projected) for container in spec.get(kind) or []]
    if "resources" in kept:
        kept["resources"] = _resources(kept["resources"])
    if kept.get("overhead"):
        kept["overhead"] = _by_value(kept["overhead"])
    found = _without_empty(kept)
    assert isinstance(found, dict)
    return found


def _container(container: Mapping[str, Any], projected: set[str]) -> dict[str, Any]:
    kept = {key: value for key, value in container.items() if key != "env"}
    mounts = container.get("volumeMounts") or []
    kept["volumeMounts"] = [mount for mount in mounts if mount["name"] not in projected]
    if "resources" in kept:
        kept["resources"] = _resources(kept["resources"])
    return kept


def _resources(resources: Mapping[str, Any] | None) -> dict[str, Any]:
    found = dict(resources or {})
    for kind in _QUANTITY_MAPS:
        if found.get(kind):
            found[kind] = _by_value(found[kind])
    return found


def _by_value(quantities: Mapping[str, Any]) -> dict[str, str]:
    return {name: str(parse_quantity(value)) for name, value in quantities.items()}


def _without_empty(value: object) -> object:
    if isinstance(value, Mapping):
        parts = ((key, _without_empty(part)) for key, part in value.items())
        return {key: part for key, part in parts if part is not None and part not in ({}, [], "")}
    if isinstance(value, list | tuple):
        return [_without_empty(part) for part in value]
    return value
