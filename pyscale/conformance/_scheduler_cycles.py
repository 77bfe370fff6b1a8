"""Recordings of single decisions: filters, scores, preemption."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pyscale.policies.kube_scheduler.preemption import Preemption, preempt, ranking
from pyscale.policies.kube_scheduler.profile import FILTER_PLUGINS, SCORE_PLUGINS
from pyscale.policies.kube_scheduler.scheduler import Cycle, PodInfo, SchedulingError
from pyscale.policies.kube_scheduler.verdicts import UNSCHEDULABLE, Refusal

from ._scheduler_cases import CaseInput

_NORMALISED = ("TaintToleration", "NodeAffinity", "PodTopologySpread", "InterPodAffinity")
_PRE_FILTERS = (
    "InterPodAffinity",
    "NodeAffinity",
    "NodePorts",
    "NodeResourcesFit",
    "NodeVolumeLimits",
    "PodTopologySpread",
    "VolumeBinding",
    "VolumeRestrictions",
    "VolumeZone",
)
# Upstream looks at this many potential nodes at least, from a random offset on.
_MANY_NODES = 100


def code(status: str) -> str:
    """Return the recordings' short form of a status."""
    return "U" if status == UNSCHEDULABLE else "UU"


# --- filters ---


def filter_rows(case: CaseInput, accepted: list[Any]) -> dict[str, Any]:
    """Return the recorded tables of kind ``filter``."""
    return {"pods": [_filter_row(case, reference) for reference in case.pods]}


def _filter_row(case: CaseInput, reference: Mapping[str, Any]) -> dict[str, Any]:
    scheduler = case.scheduler
    snapshot = scheduler.snapshot
    snapshot.state.next_start = 0
    pod = case.pod(reference)
    info = scheduler.info(pod)
    row: dict[str, Any] = {"pod": pod.name}
    if snapshot.state.n_active == 0:
        row["message"] = scheduler.schedule(pod).message
        return row
    listing = snapshot.state.listing()
    pre_filter = _pre_filter_row(case, info)
    row["preFilter"] = pre_filter
    pods = snapshot.classes[info.class_id]
    failure = pods.pre_filter
    if failure is None:
        skipped = sorted(name for name, result in pre_filter.items() if result == ["Skip"])
        row["skippedFilters"] = skipped
        if pods.names is not None:
            row["preFilterNodes"] = sorted(pods.names)
        row["filter"] = _table(case, info, listing, skipped)
        row["verdict"] = {
            snapshot.nodes[node].name: [refusal.plugin, code(refusal.status), *refusal.reasons]
            for node, refusal in scheduler.refusals(info, listing).items()
        }
    else:
        row["preFilterStatus"] = [code(failure.status), *failure.reasons, failure.plugin]
    try:
        cycle = scheduler.schedule(pod)
    except SchedulingError as error:
        row["message"] = str(error)
        return row
    if cycle.message is not None:
        row["message"] = cycle.message
        if plugins := _unschedulable_plugins(cycle):
            row["unschedulablePlugins"] = plugins
    return row


def _table(
    case: CaseInput, info: PodInfo, listing: list[int], skipped: list[str]
) -> dict[str, Any]:
    """Return what each plugin says by itself, per node that some plugin refuses."""
    snapshot = case.scheduler.snapshot
    table: dict[str, Any] = {}
    for node in listing:
        verdicts, shortfall = snapshot.state.plugin_verdicts(
            info.class_id, node, info.priority, info.number
        )
        found = {}
        for plugin, verdict in zip(FILTER_PLUGINS, verdicts, strict=True):
            refusal = snapshot.refusal(verdict, shortfall)
            if refusal is not None and plugin not in skipped:
                found[plugin] = [code(refusal.status), *refusal.reasons]
        if found:
            table[snapshot.nodes[node].name] = found
    return table


def _pre_filter_row(case: CaseInput, info: PodInfo) -> dict[str, Any]:
    """Return what PreFilter of each plugin says: ok, Skip, a set of nodes, a refusal."""
    snapshot = case.scheduler.snapshot
    pods = snapshot.classes[info.class_id]
    spec = pods.template.spec
    asks_affinity = (
        spec.required_node_affinity is not None
        or bool(spec.node_selector)
        or case.scheduler.profile.added_affinity is not None
    )
    skipped = set(pods.volumes.skipped)
    if not asks_affinity:
        skipped.add("NodeAffinity")
    if not pods.ports:
        skipped.add("NodePorts")
    if not pods.topology.n_spread_filters:
        skipped.add("PodTopologySpread")
    affinity_skipped, restrictions_skipped = snapshot.state.skips(info.class_id)
    if affinity_skipped:
        skipped.add("InterPodAffinity")
    if restrictions_skipped:
        skipped.add("VolumeRestrictions")
    refusals: dict[str, Refusal] = dict(pods.volumes.refusals)
    if pods.pre_filter is not None:
        refusals.setdefault(pods.pre_filter.plugin, pods.pre_filter)
    row: dict[str, Any] = {}
    for plugin in _PRE_FILTERS:
        if plugin in refusals:
            row[plugin] = [code(refusals[plugin].status), *refusals[plugin].reasons]
        elif plugin in skipped:
            row[plugin] = ["Skip"]
        elif plugin == "NodeAffinity" and pods.names is not None:
            row[plugin] = ["nodes", *sorted(pods.names)]
        else:
            row[plugin] = "ok"
    return row


def _unschedulable_plugins(cycle: Cycle) -> list[str]:
    if cycle.n_nodes == 0:
        return []
    if cycle.pre_filter is not None:
        return [cycle.pre_filter.plugin]
    plugins = {refusal.plugin for refusal in cycle.refusals.values()}
    if cycle.n_outside >= 0:
        plugins.add("NodeAffinity")
    return sorted(plugins)


# --- scores ---


def score_rows(case: CaseInput, accepted: list[Any]) -> dict[str, Any]:
    """Return the recorded tables of kind ``score``."""
    recorded = accepted[0]["pods"]
    return {
        "pods": [
            _score_row(case, reference, recorded[i] if i < len(recorded) else {})
            for i, reference in enumerate(case.pods)
        ]
    }


def _score_row(
    case: CaseInput, reference: Mapping[str, Any], recorded: Mapping[str, Any]
) -> dict[str, Any]:
    scheduler = case.scheduler
    snapshot = scheduler.snapshot
    snapshot.state.next_start = 0
    pod = case.pod(reference)
    _scan_in_recorded_order(case, scheduler.info(pod), recorded.get("feasible", []))
    row: dict[str, Any] = {"pod": pod.name}
    try:
        cycle = scheduler.schedule(pod)
    except SchedulingError as error:
        row["message"] = f"error: {error}"
        return row
    if cycle.message is not None:
        row["message"] = cycle.message
        return row
    feasible, totals = snapshot.state.last_window()
    row["feasible"] = [snapshot.nodes[node].name for node in feasible]
    row["chosen"] = snapshot.nodes[cycle.node].name
    row["top"] = sorted(snapshot.nodes[node].name for node in snapshot.state.last_best())
    if len(feasible) > 1:
        row["total"] = totals
        row["plugins"] = {}
        scores = snapshot.state.last_scores(cycle.info.class_id)
        for plugin, score in zip(SCORE_PLUGINS, scores, strict=True):
            weight = scheduler.profile.score_weights.get(plugin)
            if weight is None:
                continue
            if score is None:
                row["plugins"][plugin] = "skip"
                continue
            row["plugins"][plugin] = {"raw": score[0], "weight": weight}
            if plugin in _NORMALISED:
                row["plugins"][plugin]["norm"] = score[1]
    return row


def _scan_in_recorded_order(case: CaseInput, info: PodInfo, feasible: list[str]) -> None:
    """Several nodes named by PreFilter are scanned in the order of a hash map upstream."""
    names = case.scheduler.snapshot.classes[info.class_id].names
    if names is not None and len(names) > 1 and set(feasible) <= names:
        case.scheduler.snapshot.scan_names(
            info.class_id, [*feasible, *sorted(names.difference(feasible))]
        )


# --- preemption ---


def preemption_rows(case: CaseInput, accepted: list[Any]) -> dict[str, Any]:
    """Return the recorded tables of kind ``preemption``."""
    recorded = accepted[0]["pods"]
    return {
        "pods": [
            _preemption_row(case, reference, recorded[i] if i < len(recorded) else {})
            for i, reference in enumerate(case.pods)
        ]
    }


def _preemption_row(
    case: CaseInput, reference: Mapping[str, Any], recorded: Mapping[str, Any]
) -> dict[str, Any]:
    scheduler = case.scheduler
    snapshot = scheduler.snapshot
    snapshot.state.next_start = 0
    pod = case.pod(reference)
    cycle = scheduler.schedule(pod)
    row: dict[str, Any] = {"pod": pod.name}
    if cycle.node >= 0:
        row["node"] = snapshot.nodes[cycle.node].name
        return row
    row["message"] = cycle.message
    found = preempt(scheduler, cycle)
    many = found.n_potential > _MANY_NODES
    if found.message is not None:
        row["preemption"] = {"message": found.message, "status": "U"}
    elif many:
        row["preemption"] = _chosen_by_chance(case, found, recorded.get("preemption", {}))
    else:
        row["preemption"] = {
            "status": "Success",
            "candidates": {
                snapshot.nodes[node].name: _victims(found, node) for node in found.candidates
            },
            "nominated": sorted(snapshot.nodes[node].name for node in found.best),
        }
    if found.not_helpful and not (many and found.message is None):
        row["notHelpful"] = {
            snapshot.nodes[node].name: [code(refusal.status), *refusal.reasons]
            for node, refusal in found.not_helpful.items()
        }
    return row


def _victims(found: Preemption, node: int) -> dict[str, Any]:
    victims = found.candidates[node]
    return {
        "victims": [info.key for info in victims.pods],
        "pdbViolations": victims.budget_violations,
    }


def ties_by_chance(found: Preemption, node: int) -> range:
    """Return how many equals a node can have when chance, among more than 100 nodes, leads to it.

    Upstream stops once it has enough candidates, one of them without a violated budget: a node can
    be chosen if it is best among some set of that size, and so many of its equals are in the set as
    those that are worse leave room for.  Empty if the node cannot be chosen.
    """
    if found.n_potential <= _MANY_NODES or node not in found.candidates:
        return range(0)
    ranks = [ranking(victims) for victims in found.candidates.values()]
    rank = ranking(found.candidates[node])
    equal, worse = ranks.count(rank), sum(each > rank for each in ranks)
    enough = min(max(found.n_potential // 10, _MANY_NODES), len(ranks))
    return range(max(1, enough - worse), min(equal, enough) + 1)


def _chosen_by_chance(
    case: CaseInput, found: Preemption, recorded: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the recorded node if chance can lead there, else the best of all."""
    snapshot = case.scheduler.snapshot
    wanted = snapshot.node_id(recorded.get("nominated", ""))
    chosen = found.best[0]
    if wanted is not None and ties_by_chance(found, wanted):
        chosen = wanted
    return {
        "status": "Success",
        "potentialNodes": found.n_potential,
        "bestOfAll": sorted(snapshot.nodes[node].name for node in found.best),
        "nominated": snapshot.nodes[chosen].name,
        "chosen": _victims(found, chosen),
    }
