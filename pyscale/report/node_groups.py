"""The report of the node-group study: cost, waiting and waste against the number of groups."""

from __future__ import annotations

from collections.abc import Sequence

from ..simulation.result import Result
from ..study.mixed_groups import MixedGroupUse, mixed_group_lines
from ..study.node_groups import NodeGroupRun, NodeGroupStudy
from .figures import Figure, by_count
from .page import Page, Section, Table
from .world import world_options

_GROUPS = "node groups maintained"
_SECOND = 1_000_000_000
# Columns in which less is better, by their heading.
_LESS_IS_BETTER = ("per vCPU-hour", "pending p50", "pending p99")


def node_group_section(study: NodeGroupStudy) -> Section:
    """Return the study as one section, for a page of its own or that of a comparison."""
    return Section(
        "What more and more node groups cost",
        [*_summary(study), *study.notes()],
        [_table(study)],
        _figures(study),
    )


def node_group_page(study: NodeGroupStudy) -> Page:
    """Return the study's own page.

    Raises
    ------
    ValueError
        If no run was finished.
    """
    if not study.runs:
        raise ValueError("expected at least one finished run, found none")
    first = study.runs[0].result
    about = first.metadata
    return Page(
        title="How many node groups?",
        lead=(
            f"{about['trace']}: {first.metrics.pods:,} pods, machines of {about['catalog']}, "
            f"pods bound by {about['scheduler']}, seed {about['seed']}"
        ),
        sections=[
            node_group_section(study),
            Section(
                "The groups",
                ["Made from what the pods need, and merged down to the number asked for."],
                [_groups(study.group_runs)] if study.group_runs else (),
            ),
            Section("How this was made", _method(study, first)),
        ],
        foot=f"pyscale {about['version']}, trace {about['trace_hash'][:12]}",
    )


def mixed_group_section(uses: Sequence[MixedGroupUse]) -> Section | None:
    """Return what it meant that machines were not those of their group's template, if it happened.

    For the page of a comparison, whose runs are given their groups.
    """
    lines = mixed_group_lines(uses)
    if not lines:
        return None
    why = (
        "Cluster Autoscaler takes the first machine type of a group for all that it will launch; "
        "the cloud launches the cheapest one that it has. Pods that were counted on a larger "
        "machine wait for another round, and a larger one than needed stays half empty."
    )
    return Section("Machines that were not what their group promised", [why, *lines])


def _summary(study: NodeGroupStudy) -> list[str]:
    runs = [run for run in study.group_runs if run.result.is_complete]
    pool = study.pool_run
    if not runs:
        return []
    fewest, most = runs[0], runs[-1]
    cheapest = min(runs, key=_cost_nano)
    parts = [f"{_says(fewest)} cost ${_cost(fewest):,.2f}"]
    if most is not fewest:
        parts[0] += f", {_says(most)} ${_cost(most):,.2f}{_more(_cost(most), _cost(fewest))}"
    if cheapest not in (fewest, most):
        parts[0] += f"; the cheapest are {_says(cheapest)} at ${_cost(cheapest):,.2f}"
    parts[0] += "."
    if pool is not None and pool.result.is_complete:
        than = _more(_cost(pool), _cost(cheapest), f" than {_says(cheapest)}")
        parts.append(f"One NodePool costs ${_cost(pool):,.2f}{than}.")
    never = {
        f"{run.result.metrics.unschedulable_pods:,} under {_says(run)}": run
        for run in (*runs, *([pool] if pool else ()))
        if run.result.metrics.unschedulable_pods
    }
    if never:
        parts.append(
            f"Pods that never got a node: {', '.join(never)}. They cost nothing, so look at the "
            "cost per vCPU-hour that was used before the cost."
        )
    else:
        parts.append("Every pod got a node.")
    return [" ".join(parts)]


def _says(run: NodeGroupRun) -> str:
    return "one NodePool" if run.is_pool else run.name


def _cost_nano(run: NodeGroupRun) -> int:
    return run.result.metrics.cost_nano


def _cost(run: NodeGroupRun) -> float:
    return run.result.metrics.cost_usd


def _more(cost: float, base: float, than: str = "") -> str:
    if base <= 0:
        return ""
    share = cost / base - 1
    return f", {abs(share):.1%} {'less' if share < 0 else 'more'}{than}"


def _table(study: NodeGroupStudy) -> Table:
    head = study.head()
    columns: dict[str, list[float]] = {
        "per vCPU-hour": [run.result.metrics.cost_per_vcpu_hour for run in study],
        "pending p50": [run.result.metrics.pending_p50_ns for run in study],
        "pending p99": [run.result.metrics.pending_p99_ns for run in study],
    }
    columns |= {
        f"{name} wasted": [run.waste(name) for run in study] for name in study.wasted_resources
    }
    # Half a run is cheap: only whole ones are held against each other.
    whole = [row for row, run in enumerate(study) if run.result.is_complete]
    best: set[tuple[int, int]] = set()
    for label, values in columns.items():
        least = min((values[row] for row in whole), default=0.0)
        if any(values[row] != least for row in whole):
            best |= {(row, head.index(label)) for row in whole if values[row] == least}
    return Table(head, study.rows(), frozenset(best))


def _figures(study: NodeGroupStudy) -> list[tuple[Figure, str]]:
    whole = [run for run in study if run.result.is_complete]
    if not whole:
        return []
    # They are in the order of the study: groups first, the NodePool last.
    runs = [run for run in whole if not run.is_pool]
    labels = [str(len(run.groups)) for run in runs]

    def figure(title: str, unit: str, values: dict[str, list[float]], caption: str) -> None:
        lines = {name: column[: len(runs)] for name, column in values.items()}
        levels = {
            f"{name}, NodePool" if len(values) > 1 else "one NodePool": column[-1]
            for name, column in values.items()
            if whole[-1].is_pool
        }
        found.append((by_count(title, _GROUPS, unit, labels, lines, levels), caption))

    all_metrics = [run.result.metrics for run in whole]
    found: list[tuple[Figure, str]] = []
    figure(
        "Cost",
        "$",
        {"node groups": [m.cost_usd for m in all_metrics]},
        "All bills of a run; the line is one NodePool.",
    )
    figure(
        "Cost per useful vCPU-hour",
        "$",
        {"node groups": [m.cost_per_vcpu_hour for m in all_metrics]},
        "Over the cores that pods asked for while they ran: fair also where pods never ran.",
    )
    figure(
        "Pending time",
        "seconds",
        {
            "p50": [m.pending_p50_ns / _SECOND for m in all_metrics],
            "p99": [m.pending_p99_ns / _SECOND for m in all_metrics],
        },
        "From creation to a node; a pod that never got one waited to the end.",
    )
    figure(
        "Waste",
        "%",
        {name: [100 * run.waste(name) for run in whole] for name in study.wasted_resources},
        "Share of what was bought that no running pod asked for.",
    )
    figure(
        "Machines",
        "machines",
        {
            "launched": [float(m.nodes_launched) for m in all_metrics],
            "at peak": [float(m.nodes_at_peak) for m in all_metrics],
        },
        "Bought in the whole run, and most at a time.",
    )
    if any(m.unschedulable_pods for m in all_metrics):
        figure(
            "Unschedulable pods",
            "pods",
            {"node groups": [float(m.unschedulable_pods) for m in all_metrics]},
            "Pods that never got a node.",
        )
    return found


def _groups(runs: Sequence[NodeGroupRun]) -> Table:
    rows = []
    for run in runs:
        for number, group in enumerate(run.groups):
            rows.append(
                [
                    run.name if number == 0 else "",
                    group.name,
                    ", ".join(group.instance_types),
                    ", ".join(group.zones),
                    group.capacity_type,
                    f"{_launched(run, number):,}",
                ]
            )
    return Table(["", "group", "machines", "zones", "purchase option", "launched"], rows)


def _launched(run: NodeGroupRun, group: int) -> int:
    kinds = [kind.group == group for kind in run.result.kinds]
    return sum(kinds[kind] for kind in run.result.nodes.kind.tolist())


def _method(study: NodeGroupStudy, first: Result) -> list[str]:
    return [
        f"A careful operator would keep {study.most:,} groups for these pods. Fewer are made by "
        "merging, always those that cost least more together. Every run serves the same pods on "
        "the same terms: scheduler, boot time, bills and seed.",
        "The NodePool may buy from the same machines, zones and purchase options as the groups.",
        world_options(first.metadata["options"]),
    ]
