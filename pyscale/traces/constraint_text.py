"""Constraints in one cell of a table: labels, node selectors, affinity, tolerations, spread.

The notations are those of kubectl: ``key=value,...`` for labels and node selectors, set-based
selectors (``key in (a,b),other notin (c),third,!fourth,fifth>3``) for node affinity, and
``key=value:Effect`` for tolerations.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from pyscale.model.requirements import Requirement
from pyscale.model.taints import NO_EXECUTE, NO_SCHEDULE, PREFER_NO_SCHEDULE, Toleration
from pyscale.model.topology import TopologySpreadConstraint

from .templates import make_spread

_EFFECTS = (NO_SCHEDULE, PREFER_NO_SCHEDULE, NO_EXECUTE)
_WHEN = ("DoNotSchedule", "ScheduleAnyway")
_KEY = r"[A-Za-z0-9](?:[-A-Za-z0-9_./]*[A-Za-z0-9])?"
_TERM = re.compile(
    rf"\s*(?:(?P<set_key>{_KEY})\s+(?P<set>in|notin)\s*\((?P<values>[^()]*)\)"
    rf"|(?P<order_key>{_KEY})\s*(?P<order>[<>])\s*(?P<number>-?[0-9]+)"
    rf"|(?P<absent>!)?(?P<key>{_KEY}))\s*(?:,|$)"
)
_SET_OPERATORS = {"in": "In", "notin": "NotIn"}
_ORDER_OPERATORS = {"<": "Lt", ">": "Gt"}


def parse_pairs(text: str) -> dict[str, str]:
    """Read ``key=value,key=value``.

    Raises
    ------
    ValueError
        For a part that is not ``key=value``, or a key given twice.
    """
    pairs: dict[str, str] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        key, equals, value = part.partition("=")
        if not equals or not re.fullmatch(_KEY, key.strip()):
            raise ValueError(f"expected key=value, found {part!r}")
        if key.strip() in pairs:
            raise ValueError(f"the key {key.strip()!r} occurs twice")
        pairs[key.strip()] = value.strip()
    return pairs


def format_pairs(pairs: Mapping[str, str]) -> str:
    """Write ``key=value,key=value``, keys in order."""
    return ",".join(f"{key}={value}" for key, value in sorted(pairs.items()))


def parse_affinity(text: str) -> tuple[Requirement, ...]:
    """Read a set-based selector as conditions on the node.

    Raises
    ------
    ValueError
        For a text that is none.
    """
    requirements = []
    position = 0
    while text[position:].strip():
        match = _TERM.match(text, position)
        if match is None:
            raise ValueError(f"expected a selector such as key in (a,b), found {text[position:]!r}")
        position = match.end()
        if match["set_key"]:
            values = tuple(value.strip() for value in match["values"].split(","))
            requirements.append(Requirement(match["set_key"], _SET_OPERATORS[match["set"]], values))
        elif match["order_key"]:
            operator = _ORDER_OPERATORS[match["order"]]
            requirements.append(Requirement(match["order_key"], operator, (match["number"],)))
        else:
            operator = "DoesNotExist" if match["absent"] else "Exists"
            requirements.append(Requirement(match["key"], operator))
    return tuple(requirements)


def format_affinity(requirements: Sequence[Requirement]) -> str:
    """Write conditions on a node as a set-based selector."""
    parts = []
    for entry in requirements:
        if entry.operator in ("In", "NotIn"):
            parts.append(f"{entry.key} {entry.operator.lower()} ({','.join(entry.values)})")
        elif entry.operator in ("Gt", "Lt"):
            parts.append(f"{entry.key}{'>' if entry.operator == 'Gt' else '<'}{entry.values[0]}")
        else:
            parts.append(entry.key if entry.operator == "Exists" else f"!{entry.key}")
    return ",".join(parts)


def parse_tolerations(text: str) -> tuple[Toleration, ...]:
    """Read ``key=value:Effect``, ``key:Effect``, ``key`` (all effects) and ``*`` (all taints).

    Raises
    ------
    ValueError
        For a part that is none of these.
    """
    tolerations = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        if part == "*":
            tolerations.append(Toleration(operator="Exists"))
            continue
        taint, colon, effect = part.partition(":")
        key, equals, value = taint.partition("=")
        if not re.fullmatch(_KEY, key) or (colon and effect not in _EFFECTS):
            effects = ", ".join(_EFFECTS)
            raise ValueError(f"expected key=value:EFFECT (one of {effects}), found {part!r}")
        operator = "Equal" if equals else "Exists"
        tolerations.append(Toleration(key, operator, value, effect))
    return tuple(tolerations)


def format_tolerations(tolerations: Sequence[Toleration]) -> str:
    """Write tolerations as :func:`parse_tolerations` reads them."""
    parts = []
    for entry in tolerations:
        value = f"={entry.value}" if entry.operator == "Equal" else ""
        effect = f":{entry.effect}" if entry.effect else ""
        parts.append(f"{entry.key}{value}{effect}" if entry.key else "*")
    return ",".join(parts)


def parse_spread(text: str, labels: Mapping[str, str]) -> tuple[TopologySpreadConstraint, ...]:
    """Read ``node-label:max-skew`` or ``node-label:max-skew:ScheduleAnyway``.

    The pods counted are those with the same labels.

    Raises
    ------
    ValueError
        For a part that is neither.
    """
    constraints = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        key, _, rest = part.partition(":")
        skew, colon, when = rest.partition(":")
        if (
            not re.fullmatch(_KEY, key)
            or not re.fullmatch("[1-9][0-9]{0,8}", skew)
            or (colon and when not in _WHEN)
        ):
            raise ValueError(f"expected node-label:max-skew[:ScheduleAnyway], found {part!r}")
        constraints.append(make_spread(key, int(skew), labels, when or _WHEN[0]))
    return tuple(constraints)


def format_spread(constraints: Sequence[TopologySpreadConstraint]) -> str:
    """Write spread constraints as :func:`parse_spread` reads them."""
    return ",".join(
        f"{entry.topology_key}:{entry.max_skew}:{entry.when_unsatisfiable}" for entry in constraints
    )
