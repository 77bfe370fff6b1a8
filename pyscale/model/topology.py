"""Topology spread constraints and pod (anti-)affinity terms, as written in pods."""

from __future__ import annotations

from dataclasses import dataclass

from .requirements import LabelSelector


@dataclass(frozen=True, slots=True)
class TopologySpreadConstraint:
    """One entry of ``spec.topologySpreadConstraints``.

    ``when_unsatisfiable`` is DoNotSchedule or ScheduleAnyway; the two policies are Honor or Ignore,
    None where the manifest says nothing (Honor and Ignore are then the defaults).
    """

    max_skew: int
    topology_key: str
    when_unsatisfiable: str
    label_selector: LabelSelector | None = None
    min_domains: int | None = None
    node_affinity_policy: str | None = None
    node_taints_policy: str | None = None
    match_label_keys: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PodAffinityTerm:
    """One required term of pod affinity or anti-affinity.

    ``namespace_selector`` None means "not given"; an empty one matches all namespaces.
    """

    topology_key: str
    label_selector: LabelSelector | None = None
    namespaces: tuple[str, ...] = ()
    namespace_selector: LabelSelector | None = None
    match_label_keys: tuple[str, ...] = ()
    mismatch_label_keys: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class WeightedPodAffinityTerm:
    """A preferred term of pod affinity or anti-affinity with its weight, 1 to 100."""

    weight: int
    term: PodAffinityTerm
