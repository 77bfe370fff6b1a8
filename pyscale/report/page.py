"""The self-contained HTML page: text, tables and figures in one file, light and dark."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path

from .._files import write_whole
from ..errors import MissingDependencyError
from .figures import Figure

_STYLE = """
:root { --back:#fff; --text:#1d2733; --soft:#5b6673; --line:#dde3ea; --card:#f7f9fb; --accent:#0072b2; color-scheme: light dark; }
@media (prefers-color-scheme: dark) {
  :root { --back:#12171d; --text:#e6ebf1; --soft:#9aa7b4; --line:#2b3540; --card:#1a2129; --accent:#56b4e9; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1rem clamp(.75rem, 3vw, 2.5rem) 3rem; max-width: 1200px; background: var(--back); color: var(--text); font: 16px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.6rem; margin: .5rem 0 0; } h2 { font-size: 1.2rem; margin: 2rem 0 .5rem; }
p { margin: .4rem 0 .8rem; max-width: 75ch; } .soft { color: var(--soft); font-size: .9rem; }
.scroll { overflow-x: auto; border: 1px solid var(--line); border-radius: 8px; background: var(--card); }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; font-size: .92rem; }
th, td { padding: .4rem .8rem; text-align: right; white-space: nowrap; border-bottom: 1px solid var(--line); }
th:first-child, td:first-child { text-align: left; position: sticky; left: 0; background: var(--card); }
tr:last-child td { border-bottom: 0; } thead th { color: var(--soft); font-weight: 600; } td.best { font-weight: 700; color: var(--accent); }
.grid { display: grid; gap: 1rem; margin-top: 1rem; grid-template-columns: repeat(auto-fit, minmax(min(100%, 480px), 1fr)); }
figure { margin: 0; min-width: 0; border: 1px solid var(--line); border-radius: 8px; background: var(--card); padding: .5rem; }
[data-figure] { width: 100%; overflow: hidden; }
figcaption { color: var(--soft); font-size: .85rem; padding: .2rem .4rem; }
@media (max-width: 600px) { body { font-size: 15px; } th, td { padding: .35rem .5rem; } }
"""

_SCRIPT = """
const read = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
function colours(holder) {
  const all = {paper_bgcolor: 'rgba(0,0,0,0)', plot_bgcolor: 'rgba(0,0,0,0)', font: {color: read('--text'), family: 'system-ui, sans-serif'},
    'hoverlabel.bgcolor': read('--back'), 'hoverlabel.font.color': read('--text')};
  for (const key of Object.keys(holder.layout)) if (/^[xy]axis/.test(key)) all[key + '.gridcolor'] = read('--line');
  return all;
}
const holders = [...document.querySelectorAll('[data-figure]')];
for (const holder of holders) {
  const figure = JSON.parse(document.getElementById(holder.dataset.figure).textContent);
  Plotly.newPlot(holder, figure.data, figure.layout, {displayModeBar: false})
    .then(() => { Plotly.relayout(holder, colours(holder)); new ResizeObserver(() => Plotly.Plots.resize(holder)).observe(holder.parentElement); });
}
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => holders.forEach(holder => Plotly.relayout(holder, colours(holder))));
document.documentElement.dataset.ready = 'true';
"""


@dataclass(frozen=True, slots=True)
class Table:
    """A table of text; ``best`` names cells (row, column) to set off."""

    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    best: frozenset[tuple[int, int]] = frozenset()

    def html(self) -> str:
        """Return the table as HTML."""
        head = "".join(f"<th>{escape(cell)}</th>" for cell in self.head)
        body = []
        for r, row in enumerate(self.rows):
            cells = "".join(
                f'<td class="best">{escape(cell)}</td>'
                if (r, c) in self.best
                else f"<td>{escape(cell)}</td>"
                for c, cell in enumerate(row)
            )
            body.append(f"<tr>{cells}</tr>")
        return (
            f'<div class="scroll"><table><thead><tr>{head}</tr></thead>'
            f"<tbody>{''.join(body)}</tbody></table></div>"
        )


@dataclass(frozen=True, slots=True)
class Section:
    """A heading with text, tables and figures; a figure goes with its caption."""

    heading: str
    text: Sequence[str] = ()
    tables: Sequence[Table] = ()
    figures: Sequence[tuple[Figure, str]] = ()


@dataclass(frozen=True, slots=True)
class Page:
    """A page: title, a line below it, sections, and a line at the foot."""

    title: str
    lead: str
    sections: Sequence[Section] = field(default_factory=tuple)
    foot: str = ""

    def html(self) -> str:
        """Return the whole page, with the plotting library inside.

        Raises
        ------
        MissingDependencyError
            If plotly is not installed.
        """
        try:
            from plotly.offline import get_plotlyjs
        except ModuleNotFoundError:
            raise MissingDependencyError("plotly", "report") from None
        parts = [f"<h1>{escape(self.title)}</h1><p class='soft'>{escape(self.lead)}</p>"]
        data: list[str] = []
        for section in self.sections:
            parts.append(f"<h2>{escape(section.heading)}</h2>")
            parts += [f"<p>{escape(paragraph)}</p>" for paragraph in section.text]
            parts += [table.html() for table in section.tables]
            if section.figures:
                parts.append('<div class="grid">')
                for figure, caption in section.figures:
                    name = f"figure-{len(data)}"
                    # "</" inside a script element would end it, so it is written as an escape.
                    text = json.dumps(figure, separators=(",", ":")).replace("</", "<\\/")
                    data.append(f'<script type="application/json" id="{name}">{text}</script>')
                    parts.append(
                        f'<figure><div data-figure="{name}"></div>'
                        f"<figcaption>{escape(caption)}</figcaption></figure>"
                    )
                parts.append("</div>")
        return (
            '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            '<link rel="icon" href="data:,">'
            f"<title>{escape(self.title)}</title><style>{_STYLE}</style></head>\n<body>"
            f"{''.join(parts)}<p class='soft'>{escape(self.foot)}</p>\n{''.join(data)}\n"
            f"<script>{get_plotlyjs()}</script>\n<script>{_SCRIPT}</script></body></html>\n"
        )

    def write(self, path: str | Path) -> Path:
        """Write the page to ``path``, whole or not at all, and return the path.

        Raises
        ------
        PyscaleError
            If the file cannot be written.
        """
        return write_whole(path, self.html().encode())
