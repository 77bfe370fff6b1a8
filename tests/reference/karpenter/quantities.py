"""Exact resource arithmetic.

A quantity is an integer number of billionths of its unit, so every comparison is an exact integer
comparison.
A resource list maps a resource name to a quantity.
"""

import math
from fractions import Fraction
from functools import cache

BILLION = 10**9
SUFFIXES = {
    "": Fraction(1),
    "n": Fraction(1, 10**9),
    "u": Fraction(1, 10**6),
    "m": Fraction(1, 1000),
    "k": Fraction(10**3),
    "M": Fraction(10**6),
    "G": Fraction(10**9),
    "T": Fraction(10**12),
    "P": Fraction(10**15),
    "E": Fraction(10**18),
    "Ki": Fraction(2**10),
    "Mi": Fraction(2**20),
    "Gi": Fraction(2**30),
    "Ti": Fraction(2**40),
    "Pi": Fraction(2**50),
    "Ei": Fraction(2**60),
}


@cache
def parse_quantity(text):
    """A Kubernetes quantity ("1500m", "2Gi", 3) in billionths."""
    text = str(text)
    end = len(text)
    while end and not (text[end - 1].isdigit() or text[end - 1] == "."):
        end -= 1
    return math.ceil(Fraction(text[:end]) * SUFFIXES[text[end:]] * BILLION)


def format_quantity(resource, quantity):
    """A short text for traces; not the canonical Kubernetes form."""
    if resource in ("memory", "ephemeral-storage"):
        return f"{quantity / BILLION / 2**20:g}Mi"
    return f"{quantity / BILLION:g}"


def format_resources(resources):
    return ", ".join(
        f"{name} {format_quantity(name, quantity)}" for name, quantity in sorted(resources.items())
    )


def parse_resources(texts):
    return {name: parse_quantity(text) for name, text in (texts or {}).items()}


def add_resources(left, right):
    total = dict(left)
    for name, quantity in right.items():
        total[name] = total.get(name, 0) + quantity
    return total


def subtract_resources(left, right):
    """Only the keys of `left` survive."""
    return {name: quantity - right.get(name, 0) for name, quantity in left.items()}


def max_resources(left, right):
    return {name: max(left.get(name, 0), right.get(name, 0)) for name in {**left, **right}}


def misfit(need, total):
    """The first resource that keeps `need` from fitting into `total`, or None.

    Any negative quantity of the total, even of an unrelated resource, refuses.
    """
    for name, quantity in total.items():
        if quantity < 0:
            return name
    for name, quantity in need.items():
        if quantity > total.get(name, 0):
            return name
    return None


def fits(need, total):
    return misfit(need, total) is None
