"""Draw a node-group study for the documentation: ``results.json`` in, one SVG out.

pyscale study node-groups web-and-batch -o out
python tools/draw_node_group_study.py out/results.json docs/_static/node-group-study.svg
"""

import json
import sys
from pathlib import Path

WIDTH, HEIGHT, LEFT, TOP, BOTTOM = 300, 260, 52, 40, 64
GROUPS, POOL = "#0072b2", "#e69f00"
PANELS = (
    ("Cost, $", lambda m: m["cost_usd"]),
    ("Memory wasted, %", lambda m: 100 * (1 - m["resources"]["memory"]["allocation"])),
    ("Pending time p99, s", lambda m: m["pending_p99_ns"] / 1e9),
)


def main(source: str, target: str) -> None:
    """Read the study and write the picture."""
    runs = json.loads(Path(source).read_text())["runs"]
    counts = [len(run["groups"]) for run in runs if run["groups"]]
    parts = []
    for number, (title, figure) in enumerate(PANELS):
        values = [figure(run["metrics"]) for run in runs if run["groups"]]
        level = figure(next(run for run in runs if not run["groups"])["metrics"])
        parts.append(f'<g transform="translate({number * WIDTH} 0)">')
        parts += panel(title, counts, values, level)
        parts.append("</g>")
    width = WIDTH * len(PANELS)
    legend = (
        f'<circle cx="{LEFT}" cy="{HEIGHT - 14}" r="4" fill="{GROUPS}"/>'
        f'<text x="{LEFT + 10}" y="{HEIGHT - 10}">Cluster Autoscaler over node groups</text>'
        f'<path d="M{LEFT + 250} {HEIGHT - 14}h30" stroke="{POOL}" stroke-width="2" '
        f'stroke-dasharray="6 4"/>'
        f'<text x="{LEFT + 288}" y="{HEIGHT - 10}">Karpenter with one NodePool</text>'
    )
    Path(target).write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {HEIGHT}" '
        'font-family="system-ui, sans-serif" font-size="12" fill="#1d2733">\n'
        f'<rect width="{width}" height="{HEIGHT}" fill="#fff"/>\n'
        + "\n".join([*parts, legend])
        + "\n</svg>\n"
    )


def panel(title: str, counts: list[int], values: list[float], level: float) -> list[str]:
    """Return one plot: a point per number of groups, and the NodePool's level."""
    step = tick_step(max(*values, level))
    top = step * -(-max(*values, level) // step)

    def y(value: float) -> float:
        return round(HEIGHT - BOTTOM - value / top * (HEIGHT - BOTTOM - TOP), 1)

    def x(place: int) -> float:
        width = WIDTH - LEFT - 40
        return round(LEFT + 16 + place * width / max(1, len(counts) - 1), 1)

    parts = [f'<text x="{LEFT}" y="22" font-size="14">{title}</text>']
    for tick in range(round(top / step) + 1):
        at = y(tick * step)
        parts.append(f'<path d="M{LEFT} {at}H{WIDTH - 10}" stroke="#dde3ea"/>')
        label = f"{tick * step:,.10g}"
        parts.append(f'<text x="{LEFT - 6}" y="{at + 4}" text-anchor="end">{label}</text>')
    for place, count in enumerate(counts):
        parts.append(
            f'<text x="{x(place)}" y="{HEIGHT - BOTTOM + 17}" text-anchor="middle">{count}</text>'
        )
    line = "L".join(f"{x(place)} {y(value)}" for place, value in enumerate(values))
    parts.append(
        f'<path d="M{x(0)} {y(level)}H{x(len(counts) - 1)}" stroke="{POOL}" stroke-width="2" '
        'stroke-dasharray="6 4"/>'
    )
    parts.append(f'<path d="M{line}" fill="none" stroke="{GROUPS}" stroke-width="2"/>')
    parts += [
        f'<circle cx="{x(place)}" cy="{y(value)}" r="4" fill="{GROUPS}"/>'
        for place, value in enumerate(values)
    ]
    return parts


def tick_step(most: float) -> float:
    """Return a round step that makes three to six ticks."""
    step = 1.0
    while most / step > 60:
        step *= 10
    return next(step * some for some in (1, 2, 5, 10, 20) if most / (step * some) <= 5)


if __name__ == "__main__":
    main(*sys.argv[1:])
