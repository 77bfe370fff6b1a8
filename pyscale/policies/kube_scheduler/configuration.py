"""Profiles from a ``kubescheduler.config.k8s.io/v1`` KubeSchedulerConfiguration.

Follows ``S/apis/config/v1/default_plugins.go`` (merging with the defaults), ``S/framework/runtime/
framework.go`` (``expandMultiPointPlugins``) and ``S/apis/config/validation``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pyscale.errors import InvalidObjectError, UnsupportedError
from pyscale.model.requirements import (
    NodeSelectorTerm,
    PreferredNodeSelectorTerm,
    Requirement,
)
from pyscale.model.topology import TopologySpreadConstraint

from .profile import (
    DEFAULT_SCORE_WEIGHTS,
    FILTER_PLUGINS,
    MAX_WEIGHT,
    SCORE_PLUGINS,
    STRATEGIES,
    SYSTEM_SPREAD_CONSTRAINTS,
    Profile,
    ScoringStrategy,
)
from .queue import SECOND, QueueOptions

_MULTI_POINT = (
    "SchedulingGates",
    "PrioritySort",
    "NodeUnschedulable",
    "NodeName",
    "TaintToleration",
    "NodeAffinity",
    "NodePorts",
    "NodeResourcesFit",
    "VolumeRestrictions",
    "NodeVolumeLimits",
    "VolumeBinding",
    "VolumeZone",
    "PodTopologySpread",
    "InterPodAffinity",
    "DynamicResources",
    "DefaultPreemption",
    "NodeResourcesBalancedAllocation",
    "ImageLocality",
    "DefaultBinder",
    "NodeDeclaredFeatures",
)
_OUT_OF_TREE_GATED = ("GangScheduling", "TopologyPlacementGenerator", "PodGroupPodsCount")
_PREEMPTION = ("DefaultPreemption",)
_POINTS = (
    "preEnqueue", "queueSort", "preFilter", "filter", "postFilter", "preScore", "score",
    "reserve", "permit", "preBind", "bind", "postBind", "multiPoint",
)  # fmt: skip


def profile_from_configuration(
    configuration: Mapping[str, Any] | None,
    scheduler_name: str | None = None,
    *,
    validate: bool = True,
    version: str = "1.36",
) -> Profile:
    """Read one profile of a KubeSchedulerConfiguration.

    Parameters
    ----------
    configuration : mapping or None
        The object as JSON or YAML gives it; None and ``{}`` stand for the default profile.
    scheduler_name : str, optional
        Which profile; the first by default.
    validate : bool
        Whether arguments outside the ranges that the scheduler accepts are refused.
    version : str
        Behaviour of kube-scheduler 1.34, 1.35 or 1.36 where they differ.

    Raises
    ------
    InvalidObjectError
        An unknown plugin, a weight out of range and the like, with the field's path.
    UnsupportedError
        Something upstream allows and this package does not have.
    """
    return _Reader(configuration or {}, scheduler_name, validate, version).profile()


def queue_from_configuration(configuration: Mapping[str, Any] | None) -> QueueOptions:
    """Read the backoff of a KubeSchedulerConfiguration.

    Raises
    ------
    InvalidObjectError
        ``podInitialBackoffSeconds`` is not positive, or more than ``podMaxBackoffSeconds``.
    """
    given = configuration or {}
    seconds: dict[str, int] = {}
    for name, default, least in (
        ("podInitialBackoffSeconds", 1, 1),
        ("podMaxBackoffSeconds", 10, None),
    ):
        value = given.get(name)
        value = default if value is None else value
        least = seconds["podInitialBackoffSeconds"] if least is None else least
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            raise InvalidObjectError(
                f"$.{name}", f"expected an integer of at least {least}, found {value!r}"
            )
        seconds[name] = value
    return QueueOptions(
        seconds["podInitialBackoffSeconds"] * SECOND, seconds["podMaxBackoffSeconds"] * SECOND
    )


class _Reader:
    def __init__(
        self,
        configuration: Mapping[str, Any],
        scheduler_name: str | None,
        validate: bool,
        version: str,
    ) -> None:
        self.configuration = configuration
        self.validate = validate
        self.version = version
        profiles = configuration.get("profiles") or [{}]
        index = 0
        if scheduler_name is not None:
            names = [p.get("schedulerName", "default-scheduler") for p in profiles]
            if scheduler_name not in names:
                raise InvalidObjectError("$.profiles", f"there is no profile {scheduler_name!r}")
            index = names.index(scheduler_name)
        self.given: Mapping[str, Any] = profiles[index]
        self.path = f"$.profiles[{index}]"
        if configuration.get("extenders"):
            raise UnsupportedError("scheduler extenders", "$.extenders")

    def fail(self, path: str, problem: str) -> None:
        raise InvalidObjectError(path, problem)

    def in_range(self, path: str, value: Any, low: int, high: int) -> int:
        if not isinstance(value, int) or isinstance(value, bool):
            self.fail(path, f"expected an integer, found {value!r}")
        if self.validate and not low <= value <= high:
            self.fail(path, f"expected {low} to {high}, found {value}")
        return int(value)

    def profile(self) -> Profile:
        plugins = self.given.get("plugins") or {}
        for point in plugins:
            if point not in _POINTS:
                self.fail(f"{self.path}.plugins.{point}", "unknown extension point")
            for kind in ("enabled", "disabled"):
                for i, entry in enumerate((plugins[point] or {}).get(kind) or []):
                    self.known(f"{self.path}.plugins.{point}.{kind}[{i}].name", entry, kind)
        multi_point = self.merged_multi_point(plugins.get("multiPoint") or {})
        filters = self.expand("filter", plugins, multi_point, FILTER_PLUGINS)
        order = [FILTER_PLUGINS.index(name) for name in filters]
        if order != sorted(order):
            raise UnsupportedError("another order of the filters", f"{self.path}.plugins.filter")
        scores = self.expand("score", plugins, multi_point, SCORE_PLUGINS)
        pre_scores = self.expand("preScore", plugins, multi_point, SCORE_PLUGINS)
        for name in scores:
            if name not in pre_scores and name != "ImageLocality":
                raise UnsupportedError(
                    f"score plugin {name} without its preScore", f"{self.path}.plugins.preScore"
                )
        percentage = self.given.get("percentageOfNodesToScore")
        if percentage is None:
            percentage = self.configuration.get("percentageOfNodesToScore") or 0
        return Profile(
            filters=frozenset(filters),
            score_weights=scores,
            percentage_of_nodes_to_score=self.in_range(
                f"{self.path}.percentageOfNodesToScore", percentage, 0, 100
            ),
            preemption=bool(self.expand("postFilter", plugins, multi_point, _PREEMPTION)),
            scheduler_name=self.given.get("schedulerName") or "default-scheduler",
            version=self.version,
            **self.arguments(),
        )

    def known(self, path: str, entry: Mapping[str, Any], kind: str) -> None:
        name = entry.get("name")
        if kind == "disabled" and name == "*":
            return
        if name in _OUT_OF_TREE_GATED:
            raise UnsupportedError(f"plugin {name}", path)
        if name not in _MULTI_POINT:
            self.fail(path, f"unknown plugin {name!r}")
        if kind == "enabled":
            self.in_range(
                path.removesuffix(".name") + ".weight", entry.get("weight") or 0, 0, MAX_WEIGHT
            )

    @staticmethod
    def merged_multi_point(given: Mapping[str, Any]) -> dict[str, int]:
        """Merge with the defaults: entries replace theirs in place, others are appended."""
        disabled = {entry["name"] for entry in given.get("disabled") or []}
        enabled = {e["name"]: e.get("weight") or 0 for e in given.get("enabled") or []}
        merged: dict[str, int] = {}
        if "*" not in disabled:
            for name in _MULTI_POINT:
                if name in disabled:
                    continue
                merged[name] = enabled.pop(name, DEFAULT_SCORE_WEIGHTS.get(name, 0))
        merged.update(enabled)
        return merged

    @staticmethod
    def expand(
        point: str,
        plugins: Mapping[str, Any],
        multi_point: Mapping[str, int],
        implementing: tuple[str, ...],
    ) -> dict[str, int]:
        """Return the plugins of one extension point in order, with weights (0 reads as 1)."""
        given = plugins.get(point) or {}
        disabled = {entry["name"] for entry in given.get("disabled") or []}
        found = {
            entry["name"]: (entry.get("weight") or multi_point.get(entry["name"], 0)) or 1
            for entry in given.get("enabled") or []
            if entry["name"] in implementing
        }
        # A plugin of multiPoint that is listed at the point keeps its place among the specific.
        if "*" not in disabled:
            for name, weight in multi_point.items():
                if name in implementing and name not in disabled and name not in found:
                    found[name] = weight or 1
        return found

    # --- plugin arguments ---

    def arguments(self) -> dict[str, Any]:
        fields: dict[str, Any] = {}
        for i, entry in enumerate(self.given.get("pluginConfig") or []):
            path = f"{self.path}.pluginConfig[{i}]"
            name, args = entry.get("name"), entry.get("args") or {}
            if name not in _MULTI_POINT:
                self.fail(f"{path}.name", f"unknown plugin {name!r}")
            reader = getattr(self, f"args_{name}", None)
            if reader is not None:
                fields.update(reader(args, f"{path}.args"))
        return fields

    def args_NodeResourcesFit(self, args: Mapping[str, Any], path: str) -> dict[str, Any]:
        fields: dict[str, Any] = {
            "ignored_resources": frozenset(args.get("ignoredResources") or ()),
            "ignored_resource_groups": frozenset(args.get("ignoredResourceGroups") or ()),
        }
        given = args.get("scoringStrategy")
        if not given:
            return fields
        path += ".scoringStrategy"
        kind = given.get("type") or "LeastAllocated"
        if kind not in STRATEGIES:
            self.fail(f"{path}.type", f"expected one of {', '.join(STRATEGIES)}, found {kind!r}")
        resources = tuple(
            (
                entry["name"],
                self.in_range(f"{path}.resources[{i}].weight", entry.get("weight", 1) or 1, 1, 100),
            )
            for i, entry in enumerate(given.get("resources") or [])
        )
        shape: tuple[tuple[int, int], ...] = ()
        if kind == "RequestedToCapacityRatio":
            points = (given.get("requestedToCapacityRatio") or {}).get("shape") or []
            at = f"{path}.requestedToCapacityRatio.shape"
            if not points:
                self.fail(at, "expected at least one point")
            shape = tuple(
                (
                    self.in_range(f"{at}[{i}].utilization", p.get("utilization", 0), 0, 100),
                    self.in_range(f"{at}[{i}].score", p.get("score", 0), 0, 10),
                )
                for i, p in enumerate(points)
            )
            for i in range(1, len(shape)):
                if self.validate and shape[i][0] <= shape[i - 1][0]:
                    self.fail(f"{at}[{i}].utilization", "expected strictly increasing values")
        if not resources and given.get("resources") is None:
            resources = ScoringStrategy().resources
        fields["scoring_strategy"] = ScoringStrategy(kind, resources, shape)
        return fields

    def args_NodeResourcesBalancedAllocation(
        self, args: Mapping[str, Any], path: str
    ) -> dict[str, Any]:
        if args.get("resources") is None:
            return {}
        for i, entry in enumerate(args["resources"]):
            self.in_range(f"{path}.resources[{i}].weight", entry.get("weight", 1) or 1, 1, 1)
        return {"balanced_resources": tuple(entry["name"] for entry in args["resources"])}

    def args_InterPodAffinity(self, args: Mapping[str, Any], path: str) -> dict[str, Any]:
        weight = args.get("hardPodAffinityWeight")
        return {
            "hard_pod_affinity_weight": self.in_range(
                f"{path}.hardPodAffinityWeight", 1 if weight is None else weight, 0, 100
            ),
            "ignore_preferred_terms_of_existing_pods": bool(
                args.get("ignorePreferredTermsOfExistingPods", False)
            ),
        }

    def args_PodTopologySpread(self, args: Mapping[str, Any], path: str) -> dict[str, Any]:
        kind = args.get("defaultingType") or "System"
        if kind not in ("System", "List"):
            self.fail(f"{path}.defaultingType", f"expected System or List, found {kind!r}")
        if kind == "System":
            if args.get("defaultConstraints"):
                self.fail(f"{path}.defaultConstraints", "expected none with defaultingType System")
            return {
                "default_spread_constraints": SYSTEM_SPREAD_CONSTRAINTS,
                "default_spread_is_system": True,
            }
        constraints = []
        for i, entry in enumerate(args.get("defaultConstraints") or []):
            at = f"{path}.defaultConstraints[{i}]"
            if self.validate and entry.get("labelSelector") is not None:
                self.fail(f"{at}.labelSelector", "expected none: it is deduced from the pod")
            constraints.append(
                TopologySpreadConstraint(
                    self.in_range(f"{at}.maxSkew", entry.get("maxSkew", 0), 1, 2**31 - 1),
                    entry.get("topologyKey", ""),
                    entry.get("whenUnsatisfiable", ""),
                    min_domains=entry.get("minDomains"),
                    node_affinity_policy=entry.get("nodeAffinityPolicy"),
                    node_taints_policy=entry.get("nodeTaintsPolicy"),
                )
            )
        return {
            "default_spread_constraints": tuple(constraints),
            "default_spread_is_system": False,
        }

    def args_NodeAffinity(self, args: Mapping[str, Any], path: str) -> dict[str, Any]:
        added = args.get("addedAffinity") or {}
        required = added.get("requiredDuringSchedulingIgnoredDuringExecution")
        preferred = added.get("preferredDuringSchedulingIgnoredDuringExecution") or []
        fields: dict[str, Any] = {
            "added_preferences": tuple(
                PreferredNodeSelectorTerm(entry.get("weight", 0), _term(entry["preference"]))
                for entry in preferred
            )
        }
        if required is not None:
            fields["added_affinity"] = tuple(
                _term(term) for term in required.get("nodeSelectorTerms") or []
            )
        return fields

    def args_DefaultPreemption(self, args: Mapping[str, Any], path: str) -> dict[str, Any]:
        return {
            "min_candidate_nodes_percentage": self.in_range(
                f"{path}.minCandidateNodesPercentage",
                args.get("minCandidateNodesPercentage", 10),
                0,
                100,
            ),
            "min_candidate_nodes_absolute": self.in_range(
                f"{path}.minCandidateNodesAbsolute",
                args.get("minCandidateNodesAbsolute", 100),
                0,
                2**31 - 1,
            ),
        }


def _term(given: Mapping[str, Any]) -> NodeSelectorTerm:
    def requirements(name: str) -> tuple[Requirement, ...]:
        return tuple(
            Requirement(e.get("key", ""), e.get("operator", ""), tuple(e.get("values") or ()))
            for e in given.get(name) or []
        )

    return NodeSelectorTerm(requirements("matchExpressions"), requirements("matchFields"))
