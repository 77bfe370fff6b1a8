"""Plots as plain plotly figures (dicts of data and layout), independent of what they show.

Colours are not set here: the page gives every figure its light or dark colours when it is shown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

HOUR_NS = 3600 * 10**9
MOST_POINTS = 1500
# Colour-blind safe (Okabe and Ito), readable on white and on near-black.
PALETTE = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#7f7f7f", "#b8a600")

Figure = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Curve:
    """A step function: ``values[i]`` holds from ``times_ns[i]`` to ``times_ns[i + 1]``."""

    label: str
    times_ns: NDArray[np.int64]
    values: NDArray[np.float64]


def thinned(curve: Curve, n_points: int = MOST_POINTS) -> Curve:
    """Return the curve with at most about ``2 * n_points`` points, keeping each slice's extremes.

    The first and the last value are always kept, so a peak is never lost to thinning.
    """
    n = len(curve.times_ns)
    if n <= 2 * n_points:
        return curve
    edges = np.linspace(0, n, n_points + 1).astype(np.int64)
    keep = {0, n - 1}
    for begin, end in pairwise(edges):
        part = curve.values[begin:end]
        if len(part):
            keep.add(int(begin) + int(np.argmin(part)))
            keep.add(int(begin) + int(np.argmax(part)))
    chosen = np.array(sorted(keep))
    return Curve(curve.label, curve.times_ns[chosen], curve.values[chosen])


def lines(title: str, unit: str, curves: Sequence[Curve]) -> Figure:
    """Return step curves over hours, one colour each."""
    data = []
    for index, curve in enumerate(map(thinned, curves)):
        data.append(
            {
                "type": "scatter",
                "mode": "lines",
                "name": curve.label,
                "x": _hours(curve.times_ns),
                "y": _rounded(curve.values),
                "line": {"shape": "hv", "width": 2, "color": PALETTE[index % len(PALETTE)]},
                "hovertemplate": f"%{{x:.2f}} h: %{{y:,.6~g}} {unit}<extra>{curve.label}</extra>",
            }
        )
    return {"data": data, "layout": _layout(title, "hours", unit)}


def stacked(title: str, unit: str, curves: Sequence[Curve]) -> Figure:
    """Return step curves stacked on one another; all must share their times."""
    data = []
    for index, curve in enumerate(curves):
        data.append(
            {
                "type": "scatter",
                "mode": "lines",
                "name": curve.label,
                "x": _hours(curve.times_ns),
                "y": _rounded(curve.values),
                "stackgroup": "all",
                "line": {"shape": "hv", "width": 0.5, "color": PALETTE[index % len(PALETTE)]},
                "hovertemplate": f"%{{y:,.6~g}} {unit}<extra>{curve.label}</extra>",
            }
        )
    return {"data": data, "layout": _layout(title, "hours", unit)}


def distribution(
    title: str, unit: str, samples: Sequence[tuple[str, NDArray[np.float64]]]
) -> Figure:
    """Return cumulative distributions: the share of samples at or below a value, log scale."""
    data = []
    shares = np.concatenate([np.linspace(0, 0.99, 100), [0.995, 0.999, 0.9999, 1.0]])
    for index, (label, values) in enumerate(samples):
        if not len(values):
            continue
        quantiles = np.quantile(values, shares, method="higher")
        data.append(
            {
                "type": "scatter",
                "mode": "lines",
                "name": label,
                "x": _rounded(np.maximum(quantiles, 1e-3)),
                "y": _rounded(100 * shares),
                "line": {"shape": "hv", "width": 2, "color": PALETTE[index % len(PALETTE)]},
                "hovertemplate": f"%{{y:.2f}} % within %{{x:,.4~g}} {unit}<extra>{label}</extra>",
            }
        )
    layout = _layout(title, unit, "% of pods")
    layout["xaxis"]["type"] = "log"
    layout["yaxis"]["range"] = [0, 101]
    layout["hovermode"] = "closest"
    return {"data": data, "layout": layout}


def bars(
    title: str, unit: str, labels: Sequence[str], series: dict[str, Sequence[float]]
) -> Figure:
    """Return grouped bars: one group per label, one bar per series."""
    data = [
        {
            "type": "bar",
            "name": name,
            "x": list(labels),
            "y": _rounded(np.asarray(values, np.float64)),
            "marker": {"color": PALETTE[index % len(PALETTE)]},
            "hovertemplate": f"%{{x}}: %{{y:,.4~g}} {unit}<extra>{name}</extra>",
        }
        for index, (name, values) in enumerate(series.items())
    ]
    return {"data": data, "layout": _layout(title, "", unit) | {"barmode": "group"}}


def by_count(
    title: str,
    x: str,
    unit: str,
    counts: Sequence[str],
    series: Mapping[str, Sequence[float]],
    levels: Mapping[str, float],
) -> Figure:
    """Return values against a number of things, and levels that do not depend on it.

    Counts stand at equal distances, as doublings do.  A level has the colour of the series of the
    same place, or the next one if there is one series only.
    """
    data: list[dict[str, Any]] = []
    for index, (name, values) in enumerate(series.items()):
        data.append(
            {
                "type": "scatter",
                "mode": "lines+markers",
                "name": name,
                "x": list(counts),
                "y": _rounded(np.asarray(values, np.float64)),
                "line": {"width": 2, "color": PALETTE[index % len(PALETTE)]},
                "marker": {"size": 8},
                "hovertemplate": f"%{{y:,.6~g}} {unit}<extra>{name}</extra>",
            }
        )
    for index, (name, value) in enumerate(levels.items()):
        place = index if len(series) > 1 else index + 1
        data.append(
            {
                "type": "scatter",
                "mode": "lines+markers",
                "name": name,
                "x": list(counts) or ["none"],
                "y": _rounded(np.full(max(1, len(counts)), value, np.float64)),
                "line": {"width": 2, "dash": "dash", "color": PALETTE[place % len(PALETTE)]},
                "marker": {"size": 6, "symbol": "diamond"},
                "hovertemplate": f"%{{y:,.6~g}} {unit}<extra>{name}</extra>",
            }
        )
    layout = _layout(title, x, unit)
    layout["xaxis"]["type"] = "category"
    return {"data": data, "layout": layout}


def _hours(times_ns: NDArray[np.int64]) -> list[float]:
    return [round(float(time), 5) for time in times_ns / HOUR_NS]


def _rounded(values: NDArray[np.float64]) -> list[float]:
    # Six digits are more than a screen shows, and they halve the page.
    return [float(f"{value:.6g}") for value in values]


def _layout(title: str, x: str, y: str) -> dict[str, Any]:
    return {
        "title": {"text": title, "x": 0, "xanchor": "left", "font": {"size": 15}},
        "xaxis": {"title": {"text": x}, "zeroline": False},
        "yaxis": {"title": {"text": y}, "rangemode": "tozero", "zeroline": False},
        # Below the title of the x axis, and growing downwards on a narrow screen.
        "legend": {"orientation": "h", "y": -0.25, "yanchor": "top"},
        "margin": {"l": 56, "r": 12, "t": 40, "b": 40},
        "hovermode": "x unified",
        "autosize": True,
        "height": 340,
    }
