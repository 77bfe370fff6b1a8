"""Conditions on labels, as they are written in Kubernetes objects.

The objects here are the *written* form: nothing is checked on construction, because recordings of
real programs hold objects that an API server would refuse.  Policies compile them to bitsets.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Requirement:
    """``key operator values``: node selector expressions and NodePool requirements.

    ``operator`` is In, NotIn, Exists, DoesNotExist, Gt, Lt, Gte or Lte.  ``min_values`` is read by
    Karpenter only.
    """

    key: str
    operator: str
    values: tuple[str, ...] = ()
    min_values: int | None = None


@dataclass(frozen=True, slots=True)
class NodeSelectorTerm:
    """All expressions and all fields must match; a term with neither matches nothing."""

    match_expressions: tuple[Requirement, ...] = ()
    match_fields: tuple[Requirement, ...] = ()


@dataclass(frozen=True, slots=True)
class PreferredNodeSelectorTerm:
    """A node selector term with its weight, 1 to 100."""

    weight: int
    preference: NodeSelectorTerm


@dataclass(frozen=True, slots=True)
class LabelSelector:
    """A selector over pod or namespace labels; an empty one matches everything."""

    match_labels: Mapping[str, str] = field(default_factory=dict)
    match_expressions: tuple[Requirement, ...] = ()
