"""Why a pod goes where it goes: every filter's verdict and every score, per node."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from pyscale.model.nodes import Node
from pyscale.model.pods import Pod

from .objects import ClusterObjects
from .profile import FILTER_PLUGINS, SCORE_PLUGINS, Profile
from .scheduler import Cycle, PodInfo, Scheduler
from .verdicts import Refusal

_FINISHED = ("Succeeded", "Failed")


@dataclass(frozen=True, slots=True)
class Score:
    """One plugin's score of one node; ``normalised`` is ``raw`` for plugins that don't normalise.

    ``weighted`` is what the total gets.
    """

    raw: int
    normalised: int
    weighted: int


@dataclass(frozen=True)
class NodeExplanation:
    """One node's part in a decision.

    Attributes
    ----------
    node : str
    verdict : Refusal or None
        The first filter that refuses, as the scheduler records it; None if the node is feasible.
    refusals : mapping of str to Refusal
        What every filter that refuses says when it is run by itself.
    scores : mapping of str to Score
        Per score plugin; empty if the node was not scored.
    total : int or None
    looked_at : bool
        False for nodes beyond the window that sampling ends.
    chosen : bool
    """

    node: str
    verdict: Refusal | None = None
    refusals: Mapping[str, Refusal] = field(default_factory=dict)
    scores: Mapping[str, Score] = field(default_factory=dict)
    total: int | None = None
    looked_at: bool = True
    chosen: bool = False


@dataclass(frozen=True)
class Explanation:
    """A scheduling decision with its reasons.

    Attributes
    ----------
    pod : str
        ``namespace/name``.
    node : str or None
        The chosen node.
    message : str or None
        The text of the FailedScheduling event, if there is no such node.
    bound_to : str
        The node on which the pod is already; the decision is then what it would be now, without it.
    pre_filter : Refusal or None
        Why the pod is refused whatever the nodes are.
    skipped : tuple of str
        Score plugins that had nothing to say.
    nodes : tuple of NodeExplanation
        In the order of the scheduler's list.
    """

    pod: str
    node: str | None
    message: str | None
    bound_to: str
    pre_filter: Refusal | None
    skipped: tuple[str, ...]
    nodes: tuple[NodeExplanation, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return asdict(self)

    def __str__(self) -> str:
        return "\n".join(_text(self))


def scheduler_of(
    nodes: Iterable[Node],
    pods: Iterable[Pod],
    objects: ClusterObjects | None = None,
    profile: Profile | None = None,
) -> Scheduler:
    """Return a scheduler over the cluster that a dump describes.

    Pods that are finished do not count; pods on nodes that the dump lacks do not either.
    """
    scheduler = Scheduler(profile, objects)
    for node in nodes:
        scheduler.add_node(node)
    for pod in pods:
        if pod.phase in _FINISHED:
            continue
        if pod.node_name in scheduler.pods_on:
            scheduler.place(pod, pod.node_name)
        elif not pod.node_name and pod.nominated_node_name in scheduler.pods_on:
            scheduler.nominate(pod, pod.nominated_node_name)
    return scheduler


def explain(scheduler: Scheduler, pod: Pod) -> Explanation:
    """Say what the scheduler would decide on a pod now, and why.

    A pod that is on a node is taken off for the question and put back.

    Raises
    ------
    SchedulingError
        If a preferred node affinity term cannot be parsed and two or more nodes are feasible.
    """
    bound_to = scheduler.node_of.get(pod.key, "")
    start = scheduler.snapshot.state.next_start
    if bound_to:
        scheduler.delete(pod.key)
    try:
        return _explain(scheduler, pod, bound_to)
    finally:
        scheduler.snapshot.state.next_start = start
        if bound_to:
            scheduler.place(pod, bound_to)


def _explain(scheduler: Scheduler, pod: Pod, bound_to: str) -> Explanation:
    snapshot = scheduler.snapshot
    cycle = scheduler.schedule(pod)
    window: list[int] = []
    scores: dict[int, dict[str, Score]] = {}
    totals: dict[int, int] = {}
    skipped: tuple[str, ...] = ()
    if cycle.node >= 0:
        window, window_totals = snapshot.state.last_window()
        if len(window) > 1:
            totals = dict(zip(window, window_totals, strict=True))
            scores, skipped = _scores(scheduler, cycle, window)
    listing = snapshot.state.listing()
    refused = {} if cycle.pre_filter else scheduler.refusals(cycle.info, listing)
    feasible = set(window)
    return Explanation(
        pod=pod.key,
        node=None if cycle.node < 0 else snapshot.nodes[cycle.node].name,
        message=cycle.message,
        bound_to=bound_to,
        pre_filter=cycle.pre_filter,
        skipped=skipped,
        nodes=tuple(
            NodeExplanation(
                node=snapshot.nodes[node].name,
                verdict=refused.get(node),
                refusals=_alone(scheduler, cycle.info, node),
                scores=scores.get(node, {}),
                total=totals.get(node),
                looked_at=cycle.node < 0 or node in feasible or node in refused,
                chosen=node == cycle.node,
            )
            for node in listing
        ),
    )


def _scores(
    scheduler: Scheduler, cycle: Cycle, window: list[int]
) -> tuple[dict[int, dict[str, Score]], tuple[str, ...]]:
    found: dict[int, dict[str, Score]] = {node: {} for node in window}
    skipped = []
    columns = scheduler.snapshot.state.last_scores(cycle.info.class_id)
    for plugin, column in zip(SCORE_PLUGINS, columns, strict=True):
        weight = scheduler.profile.score_weights.get(plugin)
        if weight is None:
            continue
        if column is None:
            skipped.append(plugin)
            continue
        raw, normalised = column
        for i, node in enumerate(window):
            value = raw[i] if normalised is None else normalised[i]
            found[node][plugin] = Score(raw[i], value, weight * value)
    for i, rule in enumerate(scheduler.profile.rules):
        if not rule.is_filter:
            answers = scheduler.snapshot.state.last_rule_scores(cycle.info.class_id, i)
            for node, answer in zip(window, answers, strict=True):
                found[node][rule.name] = Score(answer, answer, rule.weight * answer)
    return found, tuple(skipped)


def _alone(scheduler: Scheduler, info: PodInfo, node: int) -> dict[str, Refusal]:
    snapshot = scheduler.snapshot
    verdicts, shortfall = snapshot.state.plugin_verdicts(info.class_id, node)
    found = {}
    for plugin, verdict in zip(FILTER_PLUGINS, verdicts, strict=True):
        refusal = snapshot.refusal(verdict, shortfall)
        if refusal is not None and plugin in scheduler.profile.filters:
            found[plugin] = refusal
    return found


def _text(explanation: Explanation) -> Iterable[str]:
    if explanation.node is not None:
        yield f"pod {explanation.pod}: {explanation.node}"
    else:
        yield f"pod {explanation.pod}: {explanation.message}"
    if explanation.bound_to:
        yield f"(it is on {explanation.bound_to}; this is the decision without it)"
    scored = [node.scores for node in explanation.nodes if node.scores]
    plugins = list(scored[0]) if scored else []
    rows = [["node", "total", *(_short(plugin) for plugin in plugins), "verdict"]]
    rows += [_row(node, plugins) for node in explanation.nodes]
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]) - 1)]
    for row in rows:
        cells = [row[0].ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(row[1:-1], widths[1:], strict=True)]
        yield "  ".join([*cells, row[-1]]).rstrip()
    if plugins:
        yield "scores: raw > normalised > weighted"
    if explanation.skipped:
        yield f"nothing to say: {', '.join(explanation.skipped)}"


def _row(node: NodeExplanation, plugins: list[str]) -> list[str]:
    cells = [node.node, "" if node.total is None else str(node.total)]
    for plugin in plugins:
        score = node.scores.get(plugin)
        if score is None:
            cells.append("")
        elif score.raw == score.normalised:
            cells.append(f"{score.raw} > {score.weighted}")
        else:
            cells.append(f"{score.raw} > {score.normalised} > {score.weighted}")
    if node.chosen:
        verdict = "chosen"
    elif node.verdict is not None:
        others = [plugin for plugin in node.refusals if plugin != node.verdict.plugin]
        verdict = str(node.verdict) + (f" (also {', '.join(others)})" if others else "")
    else:
        verdict = "" if node.looked_at else "not looked at"
    return [*cells, verdict]


def _short(plugin: str) -> str:
    return plugin.removeprefix("NodeResources")
