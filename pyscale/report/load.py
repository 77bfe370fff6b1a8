"""The part of a report that follows the load: replicas, pending pods, nodes, unserved load."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..simulation.clock import format_ns
from ..simulation.load_outcome import LoadOutcome
from ..simulation.result import Result
from ..simulation.series import Steps
from .figures import HOUR_NS, PALETTE, Curve, Figure, bars, thinned
from .page import Section, Table

_MILLI = 1000
_SECOND = 1_000_000_000
_MOST_WORKLOADS = 5
_GAP = 0.05
_PARTS = {
    "decided": "until the autoscaler acts",
    "scheduled": "until it is bound, boot left out",
    "booted": "boot of its node",
    "started": "until it is ready",
}


def load_sections(results: Sequence[Result], names: Sequence[str]) -> list[Section]:
    """Return the sections about load: none if no result has any.

    Parameters
    ----------
    results : sequence of Result
    names : sequence of str
        What the results are called on the page.
    """
    pairs = [
        (result, result.load, name)
        for result, name in zip(results, names, strict=True)
        if result.load is not None
    ]
    if not pairs:
        return []
    figures = [
        (
            chain(result, load, f"From load to nodes, {name}"),
            "Load, the replicas that the autoscalers asked for and those that were ready, pods "
            "without a node, machines, and workloads with unserved load.",
        )
        for result, load, name in pairs
    ]
    figures.append(
        (
            waits([(result, load, name) for result, load, name in pairs]),
            "Mean length of the shortages that a new pod ended, by what it waited for.",
        )
    )
    return [
        Section("Load and who serves it", _text(pairs), [_worst(pairs)], figures),
    ]


def chain(result: Result, load: LoadOutcome, title: str) -> Figure:
    """Return load, replicas, pending pods and nodes as rows over one time axis."""
    end = result.end_ns
    total = load.load(end)
    rows: list[tuple[str, list[Curve]]] = [
        (load.metric.replace("_", " "), [_curve("load", total, end, 1 / _MILLI)]),
        (
            "replicas",
            [
                _curve("wanted", load.wanted(end), end),
                _curve("ready", load.ready(result.pods, end), end),
            ],
        ),
        ("pending pods", [_curve("pending", result.series.pending_pods(), end)]),
        ("nodes", [_curve("nodes", result.series.nodes(), end)]),
        ("short", [_curve("workloads with unserved load", load.short(end), end)]),
    ]
    height = (1 - _GAP * (len(rows) - 1)) / len(rows)
    data = []
    layout: Figure = {
        "title": {"text": title, "x": 0, "xanchor": "left", "font": {"size": 15}},
        "legend": {"orientation": "h", "y": -0.08},
        "margin": {"l": 64, "r": 12, "t": 40, "b": 40},
        "hovermode": "x unified",
        "autosize": True,
        "height": 760,
        "xaxis": {
            "title": {"text": "hours"},
            "zeroline": False,
            "anchor": "y" if len(rows) == 1 else f"y{len(rows)}",
        },
    }
    n_curves = 0
    for index, (unit, curves) in enumerate(rows):
        number = "" if index == 0 else str(index + 1)
        top = 1 - index * (height + _GAP)
        layout[f"yaxis{number}"] = {
            "title": {"text": unit, "font": {"size": 11}},
            "rangemode": "tozero",
            "zeroline": False,
            "domain": [round(max(top - height, 0.0), 4), round(top, 4)],
        }
        for curve in map(thinned, curves):
            data.append(
                {
                    "type": "scatter",
                    "mode": "lines",
                    "name": curve.label,
                    "x": [round(float(time), 5) for time in curve.times_ns / HOUR_NS],
                    "y": [float(f"{value:.6g}") for value in curve.values],
                    "yaxis": f"y{number}",
                    "line": {
                        "shape": "hv",
                        "width": 1.5,
                        "color": PALETTE[n_curves % len(PALETTE)],
                    },
                    "hovertemplate": f"%{{y:,.6~g}} {curve.label}<extra></extra>",
                }
            )
            n_curves += 1
    return {"data": data, "layout": layout}


def waits(pairs: Sequence[tuple[Result, LoadOutcome, str]]) -> Figure:
    """Return the mean time from unserved to served load, split into what it was spent on."""
    series: dict[str, Sequence[float]] = {}
    for part, label in _PARTS.items():
        means = []
        for result, load, _ in pairs:
            lengths = load.waits(result.pods, result.nodes)[part]
            means.append(float(lengths.mean()) / _SECOND if len(lengths) else 0.0)
        series[label] = means
    figure = bars("From unserved to served", "s", [name for *_, name in pairs], series)
    figure["layout"]["barmode"] = "stack"
    return figure


def _text(pairs: Sequence[tuple[Result, LoadOutcome, str]]) -> list[str]:
    lines = []
    for result, _, name in pairs:
        figures = result.metrics.load
        if figures is None:
            continue
        lines.append(
            f"Under {name} {figures.unserved_share:.3%} of the load stayed unserved, and in "
            f"{figures.short_share:.2%} of the time some workload had unserved load; half of the "
            f"shortages that new pods ended took at most {format_ns(figures.to_served_p50_ns)}, "
            f"95 % at most {format_ns(figures.to_served_p95_ns)}."
        )
    return lines


def _worst(pairs: Sequence[tuple[Result, LoadOutcome, str]]) -> Table:
    """Return the workloads with most unserved load under any policy."""
    first = pairs[0][1]
    most = np.zeros(len(first.workloads))
    for _, load, _ in pairs:
        for index, unserved in enumerate(load.unserved):
            most[index] = max(most[index], float(unserved))
    order = np.argsort(-most, kind="stable")[:_MOST_WORKLOADS].tolist()
    rows = []
    for index in order:
        row = [first.workloads[index]]
        for _, load, _ in pairs:
            whole = load.served[index] + load.unserved[index]
            share = load.unserved[index] / whole if whole else 0.0
            row.append(f"{share:.2%}, {format_ns(int(load.short_ns[index]))}")
        rows.append(row)
    return Table(["unserved load, time", *(name for *_, name in pairs)], rows)


def _curve(name: str, step: Steps, end_ns: int, factor: float = 1.0) -> Curve:
    times = np.append(step.times_ns, max(end_ns, int(step.times_ns[-1])))
    values = np.append(step.values, step.values[-1]).astype(np.float64)
    return Curve(name, times.astype(np.int64), values * factor)
