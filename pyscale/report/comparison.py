"""The report of a comparison: the same load under several policies, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..simulation.result import Result, metric_lines
from ..study.least_cost import LeastCost, least_cost_rows
from .figures import Curve, Figure, bars, distribution, lines, stacked
from .least_cost import least_cost_section
from .load import load_sections
from .page import Page, Section, Table
from .world import world_options

_MOST_TYPES = 7
_SECOND = 1_000_000_000
_OTHER = "other types"
_NOT_BOUGHT = "there from the start"


def comparison_page(
    results: Sequence[Result],
    sections: Sequence[Section] = (),
    least: Sequence[LeastCost] = (),
) -> Page:
    """Return the page of a comparison.

    Parameters
    ----------
    results : sequence of Result
        Of one trace, catalogue and seed, under different policies.
    sections : sequence of Section
        Further sections, put before the last one.
    least : sequence of LeastCost
        What the pods of each result must have cost at least, if somebody asked.
    """
    first = results[0]
    names = _names(results)
    about = first.metadata
    lead = (
        f"{about['trace']}: {first.metrics.pods:,} pods, machines of {about['catalog']}, "
        f"pods bound by {about['scheduler']}, seed {about['seed']}"
    )
    return Page(
        title=" or ".join(names),
        lead=lead,
        sections=[
            Section("What it comes to", _summary(results, names), [_table(results, names, least)]),
            *([least_cost_section(least, names)] if least else []),
            Section("Cost", figures=_cost(results, names)),
            Section("Pods that wait", figures=_waiting(results, names)),
            Section("Machines", figures=_machines(results, names)),
            *load_sections(results, names),
            *sections,
            Section("How this was made", _method(first)),
        ],
        foot=f"pyscale {about['version']}, trace {about['trace_hash'][:12]}",
    )


def _names(results: Sequence[Result]) -> list[str]:
    """Return the policies' names; equal ones get a number."""
    names: list[str] = []
    for result in results:
        n_before = sum(name.split(" #")[0] == result.name for name in names)
        names.append(result.name if n_before == 0 else f"{result.name} #{n_before + 1}")
    return names


def _summary(results: Sequence[Result], names: Sequence[str]) -> list[str]:
    costs = [result.metrics.cost_usd for result in results]
    cheapest = min(range(len(costs)), key=costs.__getitem__)
    parts = [f"{names[cheapest]} serves this load at ${costs[cheapest]:,.2f}."]
    for index, name in enumerate(names):
        if index != cheapest and costs[cheapest] > 0:
            more = costs[index] / costs[cheapest] - 1
            parts.append(f"{name} costs ${costs[index]:,.2f}, {more:.1%} more.")
    unbound = [
        f"{result.metrics.unschedulable_pods:,} under {name}"
        for result, name in zip(results, names, strict=True)
        if result.metrics.unschedulable_pods
    ]
    if unbound:
        parts.append(f"Pods that never got a node: {', '.join(unbound)}.")
    stopped = [n for r, n in zip(results, names, strict=True) if not r.is_complete]
    if stopped:
        parts.append(f"Interrupted before the end: {', '.join(stopped)}.")
    return [" ".join(parts)]


def _table(results: Sequence[Result], names: Sequence[str], least: Sequence[LeastCost]) -> Table:
    columns = [dict(metric_lines(result.metrics)) for result in results]
    labels = list(dict.fromkeys(label for column in columns for label in column))
    for label, texts in reversed(least_cost_rows(least)):
        labels.insert(1, label)
        for column, text in zip(columns, texts, strict=True):
            column[label] = text
    best = set()
    # Figures for which less is better, by the name that stands in the table.
    keys: dict[str, list[float]] = {
        "cost": [r.metrics.cost_nano for r in results],
        "cost per useful vCPU-hour": [r.metrics.cost_per_vcpu_hour for r in results],
        "node-hours": [r.metrics.node_hours for r in results],
        "pending time p99": [r.metrics.pending_p99_ns for r in results],
    }
    unserved = [r.metrics.load.unserved_share for r in results if r.metrics.load is not None]
    if len(unserved) == len(results):
        keys["load unserved"] = unserved
    for label, values in keys.items():
        if len(set(values)) > 1:
            best.add((labels.index(label), 1 + values.index(min(values))))
    rows = [[label, *(column.get(label, "-") for column in columns)] for label in labels]
    return Table(["", *names], rows, frozenset(best))


def _cost(results: Sequence[Result], names: Sequence[str]) -> list[tuple[Figure, str]]:
    rate, total = [], []
    for result, name in zip(results, names, strict=True):
        rate.append(_curve(name, result.series.cost_rate_usd(), result))
        total.append(_curve(name, result.series.cost_usd(), result))
    return [
        (lines("Cost per hour", "$/h", rate), "What all machines cost at each moment."),
        (lines("Cost so far", "$", total), "The same, summed up."),
    ]


def _waiting(results: Sequence[Result], names: Sequence[str]) -> list[tuple[Figure, str]]:
    pending = [
        _curve(name, result.series.pending_pods(), result)
        for result, name in zip(results, names, strict=True)
    ]
    waits = [
        (name, result.pods.waiting_ns(result.end_ns) / _SECOND)
        for result, name in zip(results, names, strict=True)
    ]
    return [
        (lines("Pending pods", "pods", pending), "Created and not yet bound to a node."),
        (
            distribution("Pending time", "seconds", waits),
            "Share of pods that waited at most so long; one never bound waited to the end.",
        ),
    ]


def _machines(results: Sequence[Result], names: Sequence[str]) -> list[tuple[Figure, str]]:
    figures = []
    for result, name in zip(results, names, strict=True):
        figures.append(
            (
                stacked(f"Nodes by type, {name}", "nodes", _by_type(result)),
                f"The {_MOST_TYPES} types with the most node-hours, and the rest together.",
            )
        )
    for resource in ("cpu", "memory"):
        curves = [
            _curve(name, result.series.utilisation(resource), result, 100.0)
            for result, name in zip(results, names, strict=True)
        ]
        figures.append(
            (
                lines(f"Requested {resource}, of what is bought", "%", curves),
                "Requests of running pods over the allocatable of all machines that cost.",
            )
        )
    groups = [float(result.metrics.node_groups) for result in results]
    pools = [float(result.metrics.node_pools) for result in results]
    figures.append(
        (
            bars("What somebody maintains", "", names, {"node groups": groups, "NodePools": pools}),
            "A node group holds machines that are alike; a NodePool is a set of requirements.",
        )
    )
    return figures


def _by_type(result: Result) -> list[Curve]:
    steps = result.series.nodes_by_type()
    starts = [step.times_ns for step in steps.values()] or [np.zeros(1, np.int64)]
    times = np.unique(np.concatenate(starts))
    values = {name: step.at(times).astype(np.float64) for name, step in steps.items()}
    order = list(values)
    curves = [Curve(name or _NOT_BOUGHT, times, values[name]) for name in order[:_MOST_TYPES]]
    rest = order[_MOST_TYPES:]
    if rest:
        total = np.sum([values[name] for name in rest], axis=0)
        curves.append(Curve(f"{len(rest)} {_OTHER}", times, total))
    return [_capped(curve) for curve in curves]


def _capped(curve: Curve, n_points: int = 1000) -> Curve:
    """Sample a curve at regular times, so that all curves of a stack share them."""
    if len(curve.times_ns) <= n_points:
        return curve
    times = np.linspace(curve.times_ns[0], curve.times_ns[-1], n_points).astype(np.int64)
    index = np.searchsorted(curve.times_ns, times, side="right") - 1
    return Curve(curve.label, times, curve.values[index])


def _curve(name: str, step: Any, result: Result, factor: float = 1.0) -> Curve:
    """Return a step series as a curve that reaches the end of the run."""
    times = np.append(step.times_ns, max(result.end_ns, int(step.times_ns[-1])))
    values = np.append(step.values, step.values[-1]).astype(np.float64)
    return Curve(name, times.astype(np.int64), values * factor)


def _method(result: Result) -> list[str]:
    return [
        "Each policy decides on the same pods in virtual time, as its upstream would; pods are "
        "bound by the same scheduler, and machines boot and are billed alike.",
        world_options(result.metadata["options"]),
        "The figures are requests, not usage: a pod uses what it asks for from its binding to its "
        "end.",
    ]


def write_comparison(
    results: Sequence[Result],
    path: str | Path,
    sections: Sequence[Section] = (),
    least: Sequence[LeastCost] = (),
) -> Path:
    """Write the report of a comparison as one self-contained HTML file; see Page.write."""
    return comparison_page(results, sections, least).write(path)
