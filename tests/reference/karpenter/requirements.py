"""The requirements algebra."""

import re
from dataclasses import dataclass
from functools import cache

from .labels import normalize_key

MAX_INT64 = (1 << 63) - 1
NO_KEYS = frozenset()


@cache
def parse_integer(text):
    """A base-10 64-bit integer, or None."""
    if not re.fullmatch(r"[+-]?[0-9]+", text):
        return None
    number = int(text)
    return number if -MAX_INT64 - 1 <= number <= MAX_INT64 else None


def larger(left, right):
    return max((bound for bound in (left, right) if bound is not None), default=None)


def smaller(left, right):
    return min((bound for bound in (left, right) if bound is not None), default=None)


def bounds_cross(gte, lte):
    return gte is not None and lte is not None and gte > lte


@dataclass(slots=True, eq=False)
class Requirement:
    """A set of allowed values of one label key; never changed after construction.

    With `complement` the set is everything but `values`, inside the bounds.
    """

    key: str
    complement: bool
    values: frozenset = NO_KEYS
    gte: int | None = None
    lte: int | None = None
    min_values: int | None = None

    def within(self, value):
        if self.gte is None and self.lte is None:
            return True
        number = parse_integer(value)
        if number is None:
            return False
        return (self.gte is None or number >= self.gte) and (self.lte is None or number <= self.lte)

    def has(self, value):
        return (value in self.values) != self.complement and self.within(value)

    @property
    def operator(self):
        if self.complement:
            return "NotIn" if self.values else "Exists"
        return "In" if self.values else "DoesNotExist"

    @property
    def length(self):
        return MAX_INT64 - len(self.values) if self.complement else len(self.values)

    @property
    def may_be_absent(self):
        return self.operator in ("NotIn", "DoesNotExist")

    def intersection(self, other):
        """"""
        complement = self.complement and other.complement
        gte, lte = larger(self.gte, other.gte), smaller(self.lte, other.lte)
        min_values = larger(self.min_values, other.min_values)
        if bounds_cross(gte, lte):
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

    def has_intersection(self, other):
        if self.complement and other.complement:
            return not bounds_cross(larger(self.gte, other.gte), smaller(self.lte, other.lte))
        if self.complement:
            return any(self.has(value) for value in other.values)
        if other.complement:
            return any(other.has(value) for value in self.values)
        return not self.values.isdisjoint(other.values)

    def with_min_values(self, min_values):
        return Requirement(self.key, self.complement, self.values, self.gte, self.lte, min_values)

    def render(self):
        """The entries written into a NodeClaim. A bound hides the excluded values."""
        bounds = [("Gte", self.gte), ("Lte", self.lte)]
        entries = [
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

    def __str__(self):
        parts = [self.key, self.operator]
        if self.values:
            shown = sorted(self.values)
            parts.append(
                "["
                + " ".join(shown[:8])
                + (f" and {len(shown) - 8} more]" if len(shown) > 8 else "]")
            )
        if self.gte is not None:
            parts.append(f">={self.gte}")
        if self.lte is not None:
            parts.append(f"<={self.lte}")
        if self.min_values is not None:
            parts.append(f"minValues {self.min_values}")
        return " ".join(parts)


def make_requirement(key, operator, values=(), min_values=None):
    """One requirement expression as written by a user."""
    key = normalize_key(key)
    if operator in ("In", "NotIn"):
        return Requirement(key, operator == "NotIn", frozenset(values or ()), min_values=min_values)
    if operator in ("Exists", "DoesNotExist"):
        return Requirement(key, operator == "Exists", min_values=min_values)
    bound = int(next(iter(values)))
    if operator == "Gt" and bound == MAX_INT64:
        return does_not_exist(key)
    if operator in ("Gt", "Gte"):
        return Requirement(
            key, True, gte=bound + 1 if operator == "Gt" else bound, min_values=min_values
        )
    if operator in ("Lt", "Lte"):
        return Requirement(
            key, True, lte=bound - 1 if operator == "Lt" else bound, min_values=min_values
        )
    raise ValueError(f"unknown operator {operator}")


def one_of(key, values):
    return Requirement(key, False, frozenset(values))


def exists(key):
    return Requirement(key, True)


def does_not_exist(key):
    return Requirement(key, False)


class Requirements(dict):
    """A requirement per key; adding intersects."""

    def add(self, requirements):
        for requirement in requirements:
            held = self.get(requirement.key)
            self[requirement.key] = requirement if held is None else held.intersection(requirement)
        return self

    def merged_with(self, other):
        return Requirements(self).add(other.values())

    def get_or_exists(self, key):
        held = self.get(key)
        return exists(key) if held is None else held

    def conflicting_key(self, other):
        """The first shared key without intersection, unless both sides say that the label may be
        absent."""
        for key, theirs in other.items():
            ours = self.get(key)
            if ours is None or ours.has_intersection(theirs):
                continue
            if not (ours.may_be_absent and theirs.may_be_absent):
                return key
        return None

    def intersects(self, other):
        return self.conflicting_key(other) is None

    def incompatible_key(self, other, allow_undefined=NO_KEYS):
        """The first key that keeps `other` (incoming) from being compatible with this set (the
        holder), or None.

        A custom label must be defined by the holder: strict mode allows no undefined key, loose
        mode the well-known ones.
        """
        for key, theirs in other.items():
            if key not in self and key not in allow_undefined and not theirs.may_be_absent:
                return key
        return self.conflicting_key(other)

    def compatible(self, other, allow_undefined=NO_KEYS):
        return self.incompatible_key(other, allow_undefined) is None

    def render(self):
        return sorted(
            (entry for requirement in self.values() for entry in requirement.render()),
            key=lambda entry: (entry["key"], entry["operator"]),
        )

    def __str__(self):
        return ", ".join(str(self[key]) for key in sorted(self)) or "none"


def requirements_from_labels(labels):
    return Requirements().add(
        make_requirement(key, "In", [value]) for key, value in (labels or {}).items()
    )


def requirements_from_expressions(expressions):
    return Requirements().add(
        make_requirement(
            expression["key"],
            expression["operator"],
            expression.get("values"),
            expression.get("minValues"),
        )
        for expression in expressions or ()
    )
