"""Karpenter's algebra of requirements: sets of label values with complement, bounds, minValues.

Requirements are interned: two equal ones are one object, so that everything built on them can be
memoised by identity.  Follows Karpenter core ``pkg/scheduling/requirement.go`` and
``requirements.go``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, ClassVar, Self

from pyscale.errors import InvalidObjectError
from pyscale.model import requirements as written

from .labels import normalize_key

MAX_INT64 = (1 << 63) - 1
NO_KEYS: frozenset[str] = frozenset()
_NO_VALUES: frozenset[str] = frozenset()
_INTEGER = re.compile(r"[+-]?[0-9]+")


@lru_cache(maxsize=65536)
def parse_integer(text: str) -> int | None:
    """Return a base-10 integer that fits 64 bits, or None."""
    if not _INTEGER.fullmatch(text):
        return None
    number = int(text)
    return number if -MAX_INT64 - 1 <= number <= MAX_INT64 else None


class Requirement:
    """The allowed values of one label key; immutable and interned (compare with ``is``).

    With ``complement`` the set is everything but ``values``; only then may it have bounds.
    """

    __slots__ = ("complement", "gte", "key", "lte", "min_values", "values")

    key: str
    complement: bool
    values: frozenset[str]
    gte: int | None
    lte: int | None
    min_values: int | None

    _interned: ClassVar[dict[tuple[Any, ...], Any]] = {}

    def __new__(
        cls,
        key: str,
        complement: bool,
        values: frozenset[str] = _NO_VALUES,
        gte: int | None = None,
        lte: int | None = None,
        min_values: int | None = None,
    ) -> Self:
        """Return the one object with these fields."""
        identity = (key, complement, values, gte, lte, min_values)
        known = cls._interned.get(identity)
        if known is not None:
            same: Self = known
            return same
        self = object.__new__(cls)
        self.key, self.complement, self.values = key, complement, values
        self.gte, self.lte, self.min_values = gte, lte, min_values
        held: Self = cls._interned.setdefault(identity, self)
        return held

    def __reduce__(self) -> tuple[Any, ...]:
        fields = (self.key, self.complement, self.values, self.gte, self.lte, self.min_values)
        return type(self), fields

    def within(self, value: str) -> bool:
        """Say whether the value lies inside the bounds; text never does."""
        if self.gte is None and self.lte is None:
            return True
        number = parse_integer(value)
        if number is None:
            return False
        return (self.gte is None or number >= self.gte) and (self.lte is None or number <= self.lte)

    def has(self, value: str) -> bool:
        """Say whether the value is allowed."""
        return (value in self.values) != self.complement and self.within(value)

    @property
    def operator(self) -> str:
        """The operator that describes the set; bounds do not show."""
        if self.complement:
            return "NotIn" if self.values else "Exists"
        return "In" if self.values else "DoesNotExist"

    @property
    def length(self) -> int:
        """How many values are allowed; a complement has 2**63 - 1 less its exclusions."""
        return MAX_INT64 - len(self.values) if self.complement else len(self.values)

    @property
    def may_be_absent(self) -> bool:
        """Whether a node without the label satisfies it."""
        return bool(self.values) if self.complement else not self.values

    def intersection(self, other: Requirement) -> Requirement:
        """Return what both allow."""
        if self is other:
            return self
        complement = self.complement and other.complement
        gte, lte = _larger(self.gte, other.gte), _smaller(self.lte, other.lte)
        min_values = _larger(self.min_values, other.min_values)
        if gte is not None and lte is not None and gte > lte:
            return Requirement(self.key, False, min_values=min_values)
        if complement:
            values = self.values | other.values
        elif self.complement:
            values = other.values - self.values
        elif other.complement:
            values = self.values - other.values
        else:
            values = self.values & other.values
        if gte is not None or lte is not None:
            bounds = Requirement(self.key, True, gte=gte, lte=lte)
            values = frozenset(value for value in values if bounds.within(value))
        if not complement:
            gte = lte = None
        return Requirement(self.key, complement, values, gte, lte, min_values)

    def has_intersection(self, other: Requirement) -> bool:
        """Say whether both allow some value."""
        if self.complement:
            if other.complement:
                gte, lte = _larger(self.gte, other.gte), _smaller(self.lte, other.lte)
                return gte is None or lte is None or gte <= lte
            return any(self.has(value) for value in other.values)
        if other.complement:
            return any(other.has(value) for value in self.values)
        return not self.values.isdisjoint(other.values)

    def conflicts(self, other: Requirement) -> bool:
        """Say whether no node satisfies both; two that may be absent never conflict."""
        if self.has_intersection(other):
            return False
        return not (self.may_be_absent and other.may_be_absent)

    def with_min_values(self, min_values: int | None) -> Requirement:
        """Return the same set with another minValues."""
        return Requirement(self.key, self.complement, self.values, self.gte, self.lte, min_values)

    def entries(self) -> list[dict[str, Any]]:
        """Return the entries written into a NodeClaim; a bound hides the excluded values."""
        bounds = [("Gte", self.gte), ("Lte", self.lte)]
        entries: list[dict[str, Any]] = [
            {"key": self.key, "operator": name, "values": [str(bound)]}
            for name, bound in bounds
            if bound is not None
        ]
        if not entries:
            entries = [{"key": self.key, "operator": self.operator}]
            if self.values:
                entries[0]["values"] = sorted(self.values)
        if self.min_values is not None:
            for entry in entries:
                entry["minValues"] = self.min_values
        return entries

    def __repr__(self) -> str:
        parts = [self.key, self.operator]
        if self.values:
            shown = sorted(self.values)
            more = f" and {len(shown) - 8} more" if len(shown) > 8 else ""
            parts.append(f"[{' '.join(shown[:8])}{more}]")
        if self.gte is not None:
            parts.append(f">={self.gte}")
        if self.lte is not None:
            parts.append(f"<={self.lte}")
        if self.min_values is not None:
            parts.append(f"minValues {self.min_values}")
        return " ".join(parts)


def _larger(left: int | None, right: int | None) -> int | None:
    if left is None or right is None:
        return right if left is None else left
    return max(left, right)


def _smaller(left: int | None, right: int | None) -> int | None:
    if left is None or right is None:
        return right if left is None else left
    return min(left, right)


def one_of(key: str, values: Iterable[str]) -> Requirement:
    """Return ``key In values``; without values that is DoesNotExist."""
    return Requirement(key, False, frozenset(values))


def exists(key: str) -> Requirement:
    """Return ``key Exists``."""
    return Requirement(key, True)


def does_not_exist(key: str) -> Requirement:
    """Return ``key DoesNotExist``."""
    return Requirement(key, False)


def make_requirement(
    key: str, operator: str, values: Iterable[str] = (), min_values: int | None = None
) -> Requirement:
    """Return one requirement as a user writes it.

    Raises
    ------
    InvalidObjectError
        If the operator is unknown, or a bound is no integer.
    """
    key = normalize_key(key)
    if operator in ("In", "NotIn"):
        return Requirement(key, operator == "NotIn", frozenset(values), min_values=min_values)
    if operator in ("Exists", "DoesNotExist"):
        return Requirement(key, operator == "Exists", min_values=min_values)
    if operator not in ("Gt", "Gte", "Lt", "Lte"):
        raise InvalidObjectError(
            key,
            "expected the operator In, NotIn, Exists, DoesNotExist, Gt, Gte, Lt or Lte, "
            f"found {operator!r}",
        )
    given = tuple(values)
    bound = parse_integer(given[0]) if given else None
    if bound is None:
        raise InvalidObjectError(key, f"expected one integer for {operator}, found {given}")
    if operator == "Gt" and bound == MAX_INT64:
        return does_not_exist(key)
    if operator in ("Gt", "Gte"):
        gte = bound + 1 if operator == "Gt" else bound
        return Requirement(key, True, gte=gte, min_values=min_values)
    lte = bound - 1 if operator == "Lt" else bound
    return Requirement(key, True, lte=lte, min_values=min_values)


class Requirements:
    """One requirement per key; immutable."""

    __slots__ = ("_by_key", "_hash")

    def __init__(self, requirements: Iterable[Requirement] = ()) -> None:
        by_key: dict[str, Requirement] = {}
        for requirement in requirements:
            held = by_key.get(requirement.key)
            by_key[requirement.key] = (
                requirement if held is None else held.intersection(requirement)
            )
        self._by_key = by_key

    def __iter__(self) -> Iterator[Requirement]:
        return iter(self._by_key.values())

    def __len__(self) -> int:
        return len(self._by_key)

    def __contains__(self, key: str) -> bool:
        return key in self._by_key

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Requirements) and self._by_key == other._by_key

    def __hash__(self) -> int:
        try:
            return self._hash
        except AttributeError:
            self._hash: int = hash(frozenset(self._by_key.values()))
            return self._hash

    def get(self, key: str) -> Requirement | None:
        """Return the requirement on the key, None without one."""
        return self._by_key.get(key)

    def get_or_exists(self, key: str) -> Requirement:
        """Return the requirement on the key; without one any value is allowed."""
        held = self._by_key.get(key)
        return exists(key) if held is None else held

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys."""
        return tuple(self._by_key)

    def merged(self, other: Iterable[Requirement]) -> Requirements:
        """Return what both require."""
        result = Requirements()
        by_key = dict(self._by_key)
        for requirement in other:
            held = by_key.get(requirement.key)
            by_key[requirement.key] = (
                requirement if held is None else held.intersection(requirement)
            )
        result._by_key = by_key
        return result

    def replaced(self, requirement: Requirement) -> Requirements:
        """Return the set with this requirement in place of the one on its key."""
        result = Requirements()
        result._by_key = {**self._by_key, requirement.key: requirement}
        return result

    def without(self, keys: Iterable[str]) -> Requirements:
        """Return the set without the requirements on these keys."""
        dropped = frozenset(keys)
        result = Requirements()
        result._by_key = {key: held for key, held in self._by_key.items() if key not in dropped}
        return result

    def conflicting_key(self, other: Requirements) -> str | None:
        """Return the first key on which no node satisfies both, or None."""
        ours = self._by_key
        for key, theirs in other._by_key.items():
            held = ours.get(key)
            if held is not None and held.conflicts(theirs):
                return key
        return None

    def intersects(self, other: Requirements) -> bool:
        """Say whether some node satisfies both."""
        return self.conflicting_key(other) is None

    def undefined_key(
        self, other: Requirements, allow_undefined: frozenset[str] = NO_KEYS
    ) -> str | None:
        """Return the first key that ``other`` demands and this set does not define, or None."""
        for key, theirs in other._by_key.items():
            if key not in self._by_key and key not in allow_undefined and not theirs.may_be_absent:
                return key
        return None

    def compatible(self, other: Requirements, allow_undefined: frozenset[str] = NO_KEYS) -> bool:
        """Say whether a holder with this set accepts ``other``.

        A label that the holder does not define is refused, but for those in ``allow_undefined``
        (none: strict; the well-known ones: loose).
        """
        return (
            self.undefined_key(other, allow_undefined) is None
            and self.conflicting_key(other) is None
        )

    def has_min_values(self) -> bool:
        """Say whether any requirement carries minValues."""
        return any(held.min_values is not None for held in self)

    def entries(self) -> list[dict[str, Any]]:
        """Return the entries of a NodeClaim, sorted by key and operator."""
        return sorted(
            (entry for requirement in self for entry in requirement.entries()),
            key=lambda entry: (entry["key"], entry["operator"]),
        )

    def __repr__(self) -> str:
        return ", ".join(repr(self._by_key[key]) for key in sorted(self._by_key)) or "none"


EMPTY = Requirements()


def from_labels(labels: Mapping[str, str]) -> Requirements:
    """Return ``key In [value]`` for each label."""
    return _from_items(tuple(labels.items()))


@lru_cache(maxsize=16384)
def _from_items(items: tuple[tuple[str, str], ...]) -> Requirements:
    return Requirements(one_of(normalize_key(key), (value,)) for key, value in items)


def from_written(expressions: Iterable[written.Requirement]) -> Requirements:
    """Return the set that a list of written expressions means."""
    return Requirements(
        make_requirement(item.key, item.operator, item.values, item.min_values)
        for item in expressions
    )
