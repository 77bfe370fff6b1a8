"""Node groups in files: what an operator writes down of the Auto Scaling groups."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pyscale.errors import InvalidObjectError, MissingDependencyError, TraceError
from pyscale.model.catalog import ON_DEMAND, SPOT, Catalog, nearest
from pyscale.model.groups import NodeGroup
from pyscale.model.quantity import format_quantity, parse_quantity
from pyscale.model.taints import NO_EXECUTE, NO_SCHEDULE, PREFER_NO_SCHEDULE, Taint
from pyscale.model.times import SECOND, parse_duration

from .rows import read_rows

_FIELDS = (
    "name",
    "instanceTypes",
    "zones",
    "minSize",
    "maxSize",
    "desiredSize",
    "capacityType",
    "labels",
    "taints",
    "options",
    "resources",
)
_EFFECTS = (NO_SCHEDULE, PREFER_NO_SCHEDULE, NO_EXECUTE)
_DURATIONS = (
    "scale_down_unneeded_time",
    "scale_down_unready_time",
    "max_node_provision_time",
    "max_node_startup_time",
)
_RATIOS = ("scale_down_utilization_threshold", "scale_down_gpu_utilization_threshold")
_SWITCHES = (
    "zero_or_max_node_scaling",
    "allow_non_atomic_scale_up_to_max",
    "ignore_daemonsets_utilization",
)


def read_node_groups(
    path: str | os.PathLike[str], catalog: Catalog | None = None
) -> tuple[NodeGroup, ...]:
    """Read node groups from a YAML or JSON file.

    Parameters
    ----------
    path : path
        A list of groups, or a mapping with the list under ``nodeGroups``.
    catalog : Catalog, optional
        If given, instance types and zones must be known to it, and every type must be offered in
        one of the group's zones.

    Returns
    -------
    tuple of NodeGroup
        In the file's order.

    Raises
    ------
    TraceError
        If the file cannot be read.
    InvalidObjectError
        If a group is not right; names file, group and field.

    Notes
    -----
    Fields of a group: ``name``, ``instanceTypes`` and ``zones`` (lists, needed), ``minSize`` (0),
    ``maxSize`` (1000), ``desiredSize`` (minSize), ``capacityType`` (on-demand or spot), ``labels``
    (mapping), ``taints`` (``key=value:Effect`` or mappings), ``options`` (Cluster Autoscaler's
    options per group, with durations such as ``10m``) and ``resources`` (the tags that correct
    the template, quantities).
    """
    file = os.fspath(path)
    if Path(file.lower().removesuffix(".gz")).suffix not in (".yaml", ".yml", ".json"):
        raise TraceError(file, "expected a file that ends in .yaml, .yml or .json")
    groups: dict[str, NodeGroup] = {}
    for number, fields in read_rows(path, key="nodeGroups"):
        name = fields.get("name")
        where = f"{file}: {name}" if isinstance(name, str) and name else f"{file}: group {number}"
        group = node_group_from_dict(fields, where)
        if catalog is not None:
            _check_offered(group, catalog, where)
        if group.name in groups:
            raise InvalidObjectError(f"{where}: name", "another group has the same name")
        groups[group.name] = group
    return tuple(groups.values())


def node_group_from_dict(fields: Mapping[str, Any], where: str = "node group") -> NodeGroup:
    """Return the node group that a mapping describes; fields as in :func:`read_node_groups`.

    Raises
    ------
    InvalidObjectError
        If a field is unknown, missing or wrong, or the sizes contradict each other.
    """
    for field in fields:
        if field not in _FIELDS:
            raise InvalidObjectError(f"{where}: {field}", f"unknown field{nearest(field, _FIELDS)}")
    name = fields.get("name")
    if not isinstance(name, str) or not name:
        raise InvalidObjectError(f"{where}: name", f"expected a name, found {name!r}")
    least = _size(fields, "minSize", 0, where)
    most = _size(fields, "maxSize", 1000, where)
    desired = _size(fields, "desiredSize", least, where)
    if most < least:
        raise InvalidObjectError(f"{where}: maxSize", f"{most} is less than minSize {least}")
    if not least <= desired <= most:
        problem = f"{desired} is not between minSize {least} and maxSize {most}"
        raise InvalidObjectError(f"{where}: desiredSize", problem)
    capacity_type = fields.get("capacityType", ON_DEMAND)
    if capacity_type not in (ON_DEMAND, SPOT):
        problem = f"expected {ON_DEMAND} or {SPOT}, found {capacity_type!r}"
        raise InvalidObjectError(f"{where}: capacityType", problem)
    return NodeGroup(
        name=name,
        instance_types=_names(fields, "instanceTypes", where),
        zones=_names(fields, "zones", where),
        min_size=least,
        max_size=most,
        desired_size=desired,
        capacity_type=capacity_type,
        labels=_labels(fields, where),
        taints=tuple(
            _taint(entry, f"{where}: taints[{i}]")
            for i, entry in enumerate(_list(fields, "taints", where))
        ),
        options=_options(fields, where),
        resource_tags=_resources(fields, where),
    )


def node_group_to_dict(group: NodeGroup) -> dict[str, Any]:
    """Return the mapping that :func:`node_group_from_dict` reads; defaults are left out."""
    fields: dict[str, Any] = {
        "name": group.name,
        "instanceTypes": list(group.instance_types),
        "zones": list(group.zones),
        "minSize": group.min_size,
        "maxSize": group.max_size,
        "desiredSize": group.desired_size,
        "capacityType": group.capacity_type,
        "labels": dict(group.labels),
        "taints": [f"{taint.key}={taint.value}:{taint.effect}" for taint in group.taints],
        "options": {
            _camel(flag): _duration_text(value) if flag in _DURATIONS else value
            for flag, value in group.options.items()
        },
        "resources": {key: format_quantity(n) for key, n in group.resource_tags.items()},
    }
    return {key: value for key, value in fields.items() if value != {} and value != []}


def write_node_groups(groups: Iterable[NodeGroup], path: str | os.PathLike[str]) -> None:
    """Write node groups so that :func:`read_node_groups` reads them again; by suffix as there.

    Raises
    ------
    TraceError
        If the file cannot be written.
    """
    file = Path(path)
    document = {"nodeGroups": [node_group_to_dict(group) for group in groups]}
    if file.suffix.lower() == ".json":
        text = json.dumps(document, indent=2) + "\n"
    elif file.suffix.lower() in (".yaml", ".yml"):
        try:
            import yaml
        except ImportError:
            raise MissingDependencyError("PyYAML", "io") from None
        text = yaml.safe_dump(document, sort_keys=False)
    else:
        raise TraceError(os.fspath(path), "expected a file that ends in .yaml, .yml or .json")
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        problem = f"cannot be written: {error.strerror or error}"
        raise TraceError(os.fspath(path), problem) from None


def _check_offered(group: NodeGroup, catalog: Catalog, where: str) -> None:
    for zone in group.zones:
        catalog.check_zone(zone, f"{where}: zones")
    for name in group.instance_types:
        kind = catalog.instance_type(name, f"{where}: instanceTypes")
        if not any(
            o.available and o.zone in group.zones and o.capacity_type == group.capacity_type
            for o in kind.offerings
        ):
            problem = f"{name} is not offered {group.capacity_type} in {', '.join(group.zones)}"
            raise InvalidObjectError(f"{where}: instanceTypes", problem)


def _size(fields: Mapping[str, Any], field: str, default: int, where: str) -> int:
    value = fields.get(field, default)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**31:
        problem = f"expected a whole number >= 0, found {value!r}"
        raise InvalidObjectError(f"{where}: {field}", problem)
    return value


def _list(fields: Mapping[str, Any], field: str, where: str) -> Sequence[Any]:
    value = fields.get(field, [])
    if not isinstance(value, list):
        raise InvalidObjectError(f"{where}: {field}", f"expected a list, found {value!r}")
    return value


def _names(fields: Mapping[str, Any], field: str, where: str) -> tuple[str, ...]:
    values = _list(fields, field, where)
    if not values or not all(isinstance(value, str) and value for value in values):
        problem = f"expected a list of one or more names, found {values!r}"
        raise InvalidObjectError(f"{where}: {field}", problem)
    if len(set(values)) < len(values):
        raise InvalidObjectError(f"{where}: {field}", f"a name occurs twice in {values!r}")
    return tuple(values)


def _mapping(fields: Mapping[str, Any], field: str, where: str) -> Mapping[str, Any]:
    value = fields.get(field, {})
    if not isinstance(value, Mapping) or not all(isinstance(key, str) and key for key in value):
        raise InvalidObjectError(f"{where}: {field}", f"expected a mapping, found {value!r}")
    return value


def _labels(fields: Mapping[str, Any], where: str) -> dict[str, str]:
    labels = _mapping(fields, "labels", where)
    for key, value in labels.items():
        if not isinstance(value, str):
            problem = f"expected text (in quotes), found {value!r}"
            raise InvalidObjectError(f"{where}: labels.{key}", problem)
    return dict(labels)


def _taint(entry: object, where: str) -> Taint:
    if isinstance(entry, str):
        pair, colon, effect = entry.rpartition(":")
        key, _, value = pair.partition("=")
        problem = f"expected key=value:Effect, found {entry!r}"
        if not colon or not key:
            raise InvalidObjectError(where, problem)
    elif isinstance(entry, Mapping) and entry.keys() <= {"key", "value", "effect"}:
        key, value = entry.get("key", ""), entry.get("value", "")
        effect = entry.get("effect", "")
        if not isinstance(key, str) or not isinstance(value, str) or not key:
            raise InvalidObjectError(where, f"expected a key and a text value, found {entry!r}")
    else:
        raise InvalidObjectError(where, f"expected key=value:Effect, found {entry!r}")
    if effect not in _EFFECTS:
        problem = f"expected an effect of {', '.join(_EFFECTS)}, found {effect!r}"
        raise InvalidObjectError(where, problem)
    return Taint(key, effect, value)


def _options(fields: Mapping[str, Any], where: str) -> dict[str, Any]:
    options: dict[str, Any] = {}
    known = (*_DURATIONS, *_RATIOS, *_SWITCHES)
    for field, value in _mapping(fields, "options", where).items():
        place = f"{where}: options.{field}"
        flag = _snake(field)
        if flag in _DURATIONS:
            if not isinstance(value, str):
                problem = f"expected a duration such as 10m, found {value!r}"
                raise InvalidObjectError(place, problem)
            options[flag] = parse_duration(value, place)
            if options[flag] < 0:
                raise InvalidObjectError(place, f"expected a duration >= 0, found {value!r}")
        elif flag in _RATIOS:
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not value >= 0:
                raise InvalidObjectError(place, f"expected a number >= 0, found {value!r}")
            options[flag] = float(value)
        elif flag in _SWITCHES:
            if not isinstance(value, bool):
                raise InvalidObjectError(place, f"expected true or false, found {value!r}")
            options[flag] = value
        else:
            hint = nearest(field, map(_camel, known))
            raise InvalidObjectError(place, f"unknown option{hint}")
    return options


def _resources(fields: Mapping[str, Any], where: str) -> dict[str, int]:
    found = {}
    for name, value in _mapping(fields, "resources", where).items():
        place = f"{where}: resources.{name}"
        if isinstance(value, bool) or not isinstance(value, (str, int, float)):
            raise InvalidObjectError(place, f"expected a quantity, found {value!r}")
        try:
            found[name] = parse_quantity(value)
        except (InvalidObjectError, ValueError, OverflowError) as error:
            problem = getattr(error, "problem", f"expected a quantity, found {value!r}")
            raise InvalidObjectError(place, problem) from None
        if found[name] < 0:
            raise InvalidObjectError(place, f"expected a quantity >= 0, found {value!r}")
    return found


def _snake(field: str) -> str:
    # scaleDownUnneededTime, scale-down-unneeded-time and scale_down_unneeded_time are one flag.
    parts = "".join(f"_{c.lower()}" if c.isupper() else c for c in field)
    return parts.replace("-", "_").replace("daemon_sets", "daemonsets")


def _camel(flag: str) -> str:
    first, *rest = flag.replace("daemonsets", "daemon_sets").split("_")
    return first + "".join(part.capitalize() for part in rest)


def _duration_text(nanoseconds: int) -> str:
    whole, rest = divmod(nanoseconds, SECOND)
    return f"{nanoseconds}ns" if rest else f"{whole}s"
