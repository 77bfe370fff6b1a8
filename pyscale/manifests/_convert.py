"""From wire structs to the model's objects: the parts that several kinds share."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Literal, TypeVar

from pyscale.errors import InvalidObjectError, UnsupportedError
from pyscale.model import requirements, taints
from pyscale.model.nodes import NodeCondition
from pyscale.model.pods import OwnerReference, PodCondition
from pyscale.model.quantity import InvalidQuantityError, parse_quantity
from pyscale.model.resources import Resources
from pyscale.model.times import parse_duration, parse_timestamp

from . import _wire as wire
from ._wire import msgspec

W = TypeVar("W")
T = TypeVar("T")

_WIRE_ERROR = re.compile(r"(?P<problem>.*) - at `(?P<path>.*)`", re.DOTALL)


class FieldError(Exception):
    """A field that cannot be read; the object is known one level up."""

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(path, problem)
        self.path = path
        self.problem = problem


def decode(kind: str, obj: Any, shape: type[W], build: Callable[[W], T], where: str) -> T:
    """Decode one object and build its model form.

    Raises
    ------
    InvalidObjectError
        With ``where``, the object's kind and name, and the field's path.
    UnsupportedError
        Likewise, for what no decision here can honour.
    """
    try:
        return build(msgspec.convert(obj, shape))
    except FieldError as error:
        raise InvalidObjectError(place(kind, obj, where, error.path), error.problem) from None
    except UnsupportedError as error:
        raise UnsupportedError(error.feature, place(kind, obj, where, error.where)) from None
    except msgspec.ValidationError as error:
        path, problem = _explain(str(error), obj)
        raise InvalidObjectError(place(kind, obj, where, path), problem) from None
    except UnicodeEncodeError as error:
        problem = f"expected Unicode text, found {error.object!r}"
        raise InvalidObjectError(place(kind, obj, where), problem) from None
    except RecursionError:
        raise InvalidObjectError(place(kind, obj, where), "nested too deeply") from None


def read(
    kind: str,
    obj: Any,
    shape: type[W],
    build: Callable[[W], T],
    where: str,
    check: Callable[[T, str], None] | Literal[False],
) -> T:
    """Decode one object as :func:`decode` does, and check it unless ``check`` is false."""
    found = decode(kind, obj, shape, build, where)
    if check:
        check(found, where)
    return found


def place(kind: str, obj: Any, where: str, path: str = "") -> str:
    """Write where an object is: file, kind, name and field path, as far as known."""
    metadata = obj.get("metadata") if isinstance(obj, Mapping) else None
    names = [
        metadata[field]
        for field in ("namespace", "name")
        if isinstance(metadata, Mapping) and isinstance(metadata.get(field), str)
    ]
    name = "/".join(filter(None, names))
    described = f"{kind} {name if name.isprintable() else repr(name)}" if name else kind
    return ": ".join(part for part in (where, described, path) if part)


def _explain(message: str, obj: Any) -> tuple[str, str]:
    """Take a decoder's message apart into path and problem, and name the key of a mapping."""
    message = message.replace("Expected", "expected", 1).replace(", got", ", found")
    match = _WIRE_ERROR.fullmatch(message)
    if match is None:
        return "$", message
    path, problem = match["path"], match["problem"]
    head, is_map, tail = path.partition("[...]")
    if is_map and not tail:
        found: Any = obj
        for name, index in re.findall(r"\.(\w+)|\[(\d+)\]", head):
            found = found[name] if name else found[int(index)]
        key = next((key for key, value in found.items() if not isinstance(value, str)), "...")
        path = join(head, key)
    return path, problem


def join(path: str, key: object) -> str:
    """Append a mapping's key to a path."""
    text = str(key)
    return f"{path}.{text}" if re.fullmatch(r"[\w-]+", text) else f"{path}[{text!r}]"


def resources(amounts: Mapping[str, Any] | None, path: str) -> Resources:
    """Read a resource list; null is 0, blanks around a quantity are trimmed."""
    if not amounts:
        return {}
    result = {}
    for name, amount in amounts.items():
        try:
            if amount is None:
                result[name] = 0
            else:
                result[name] = parse_quantity(
                    amount if not isinstance(amount, str) else amount.strip()
                )
        except InvalidQuantityError as error:
            raise FieldError(join(path, name), error.problem) from None
    return result


def time_ns(text: str | None, path: str) -> int | None:
    """Read a timestamp."""
    if text is None:
        return None
    try:
        return parse_timestamp(text)
    except InvalidObjectError as error:
        raise FieldError(path, error.problem) from None


def duration_ns(text: str, path: str) -> int:
    """Read a duration."""
    try:
        return parse_duration(text)
    except InvalidObjectError as error:
        raise FieldError(path, error.problem) from None


def owner_references(
    owners: list[wire.OwnerReference] | None,
) -> tuple[OwnerReference, ...]:
    """Read owner references."""
    return tuple(
        OwnerReference(
            kind=owner.kind or "",
            name=owner.name or "",
            uid=owner.uid or "",
            api_version=owner.api_version or "",
            controller=bool(owner.controller),
        )
        for owner in owners or ()
    )


def expressions(given: list[wire.Expression] | None) -> tuple[requirements.Requirement, ...]:
    """Read match expressions or requirements."""
    return tuple(
        requirements.Requirement(
            expression.key or "",
            expression.operator or "",
            tuple(expression.values or ()),
            expression.min_values,
        )
        for expression in given or ()
    )


def label_selector(given: wire.LabelSelector | None) -> requirements.LabelSelector | None:
    """Read a label selector; None stays None."""
    if given is None:
        return None
    return requirements.LabelSelector(
        given.match_labels or {}, expressions(given.match_expressions)
    )


def node_selector_term(given: wire.NodeSelectorTerm) -> requirements.NodeSelectorTerm:
    """Read one term of a node selector."""
    return requirements.NodeSelectorTerm(
        expressions(given.match_expressions), expressions(given.match_fields)
    )


def node_selector(
    given: wire.NodeSelector | None,
) -> tuple[requirements.NodeSelectorTerm, ...] | None:
    """Read a node selector; None stays None."""
    if given is None:
        return None
    return tuple(node_selector_term(term) for term in given.node_selector_terms or ())


def node_taints(given: list[wire.Taint] | None) -> tuple[taints.Taint, ...]:
    """Read taints."""
    return tuple(
        taints.Taint(taint.key or "", taint.effect or "", taint.value or "")
        for taint in given or ()
    )


def pod_conditions(given: list[wire.Condition] | None) -> tuple[PodCondition, ...]:
    """Read a pod's conditions."""
    return tuple(
        PodCondition(
            condition.type or "",
            condition.status or "",
            condition.reason or "",
            condition.message or "",
            time_ns(
                condition.last_transition_time, f"$.status.conditions[{index}].lastTransitionTime"
            ),
        )
        for index, condition in enumerate(given or ())
    )


def node_conditions(given: list[wire.Condition] | None) -> tuple[NodeCondition, ...]:
    """Read a node's or a claim's conditions."""
    return tuple(
        NodeCondition(
            condition.type or "",
            condition.status or "",
            condition.reason or "",
            time_ns(
                condition.last_transition_time, f"$.status.conditions[{index}].lastTransitionTime"
            ),
            time_ns(
                condition.last_heartbeat_time, f"$.status.conditions[{index}].lastHeartbeatTime"
            ),
        )
        for index, condition in enumerate(given or ())
    )
