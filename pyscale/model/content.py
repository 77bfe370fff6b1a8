"""Equality by content for objects that hold mappings: keys, digests, classes of equal objects."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Hashable, Iterable, Mapping
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from .pods import PodTemplate

T = TypeVar("T")

# The fields that count, of the dataclasses that were seen.
_FIELDS_OF: dict[type[Any], tuple[str, ...]] = {}


def content_key(value: Any) -> Hashable:
    """Return a hashable key that is equal for objects of equal content.

    Dataclasses are compared by their comparing fields, mappings without regard to order; an empty
    field is equal to an absent one only where the object itself says so.

    Raises
    ------
    TypeError
        The value holds something other than dataclasses, mappings, sequences, sets, numbers,
        strings and None.
    """
    kind = type(value)
    if value is None or kind is str or kind is int:
        plain: Hashable = value
        return plain
    names = _FIELDS_OF.get(kind)
    if names is not None:
        return (kind.__name__, *[content_key(getattr(value, name)) for name in names])
    if kind is tuple or kind is list:
        return tuple([content_key(entry) for entry in value])
    if kind is dict or isinstance(value, Mapping):
        return ("map", *sorted([(name, content_key(entry)) for name, entry in value.items()]))
    return _other_key(value)


def _other_key(value: Any) -> Hashable:
    """Return the key of what is seen for the first time, or seldom."""
    if isinstance(value, str | bytes):
        return value
    if isinstance(value, bool):
        return ("bool", value)  # True is 1 as a key of Python, but not in a manifest
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        return ("float", value)
    if dataclasses.is_dataclass(value):
        fields = dataclasses.fields(value)
        _FIELDS_OF[type(value)] = tuple(field.name for field in fields if field.compare)
        return content_key(value)
    if isinstance(value, set | frozenset):
        return ("set", *sorted(value))
    if isinstance(value, list | tuple):
        return tuple(content_key(entry) for entry in value)
    raise TypeError(f"expected plain data, found {type(value).__name__}")


def content_digest(value: Any) -> bytes:
    """Return 32 bytes that tell objects of different content apart, the same on every machine."""
    return hashlib.sha256(repr(content_key(value)).encode("utf-8", "surrogatepass")).digest()


def group_by_content(objects: Iterable[T]) -> tuple[tuple[T, ...], NDArray[np.int32]]:
    """Group objects of equal content.

    Returns
    -------
    unique : tuple
        The first object of each group, in the order of appearance.
    group_of_object : ndarray of int32, shape (n_objects,)
        Index into ``unique``.

    Notes
    -----
    An object that appears several times is looked at once, so sharing objects makes this fast.
    """
    unique: list[T] = []
    groups: dict[Hashable, int] = {}
    known: dict[
        int, tuple[T, int]
    ] = {}  # by identity; the object is kept so that its id is not reused
    group_of_object = []
    for entry in objects:
        found = known.get(id(entry))
        if found is None:
            group = groups.setdefault(content_key(entry), len(unique))
            if group == len(unique):
                unique.append(entry)
            found = known[id(entry)] = (entry, group)
        group_of_object.append(found[1])
    return tuple(unique), np.array(group_of_object, dtype=np.int32)


def classes_of(
    templates: Iterable[PodTemplate],
) -> tuple[tuple[PodTemplate, ...], NDArray[np.int32]]:
    """Group pod templates into classes of equal content, in the order of appearance.

    Equal means equal in every field of the model, which is finer than what one policy may need:
    a policy merges classes that no rule of its own tells apart.

    Returns
    -------
    templates : tuple of PodTemplate
        One template per class.
    class_id : ndarray of int32, shape (n_templates,)
        The class of each given template.
    """
    return group_by_content(templates)
