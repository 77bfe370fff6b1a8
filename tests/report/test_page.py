"""The page is one file that a browser shows without an error, on a laptop and on a phone."""

import json

import numpy as np
import pytest
from browser import visit

from pyscale.errors import PyscaleError
from pyscale.report.figures import HOUR_NS, Curve, bars, distribution, lines, stacked, thinned
from pyscale.report.page import Page, Section, Table

TIMES = np.arange(0, 24 * HOUR_NS, HOUR_NS // 12, dtype=np.int64)


def page():
    curves = [
        Curve(name, TIMES, np.cos(TIMES / HOUR_NS) * scale + 10.0)
        for name, scale in (("ca </script>", 3.0), ("karpenter", 2.0))
    ]
    waits = [("ca", np.arange(1.0, 500.0)), ("none", np.empty(0))]
    figures = [
        (lines("Cost", "$/h", curves), "per hour"),
        (stacked("Nodes", "nodes", curves), "by type"),
        (distribution("Pending time", "s", waits), "of all pods"),
        (bars("Groups", "$", ["1", "2"], {"ca": [3.0, 2.0]}), "by number"),
    ]
    table = Table(["", "ca <b>", "karpenter"], [["cost", "$2", "$1"]], frozenset({(0, 2)}))
    return Page("A & B", "lead", [Section("Cost", ["Text."], [table], figures)], "foot")


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (390, True)])
def test_a_browser_shows_all_figures_without_a_console_error(tmp_path, width, dark):
    path = page().write(tmp_path / "report.html")
    messages, dom, picture = visit(path, tmp_path, width, dark=dark)
    assert messages == []
    assert 'data-ready="true"' in dom
    assert dom.count('class="main-svg"') >= 4
    assert picture.stat().st_size > 20_000


def test_the_page_needs_nothing_from_outside(tmp_path):
    text = page().write(tmp_path / "report.html").read_text()
    head = text[: text.index("<script>")]
    assert "http" not in head
    assert "<script src" not in text


def test_text_and_data_are_escaped(tmp_path):
    text = page().write(tmp_path / "report.html").read_text()
    assert "ca &lt;b&gt;" in text
    assert "A &amp; B" in text
    assert "ca </script>" not in text


def test_an_unwritable_folder_is_one_error_and_leaves_nothing(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(PyscaleError, match="cannot be written"):
        page().write(tmp_path / "file" / "report.html")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_thinning_keeps_ends_and_peaks():
    values = np.zeros(100_000)
    values[54_321] = 7.0
    curve = Curve("c", np.arange(100_000, dtype=np.int64), values)
    thin = thinned(curve, 100)
    assert len(thin.values) <= 202
    assert thin.values.max() == 7.0
    assert (thin.times_ns[0], thin.times_ns[-1]) == (0, 99_999)


def test_figures_are_plain_json():
    figure = lines("t", "u", [Curve("c", TIMES, TIMES / HOUR_NS)])
    assert json.loads(json.dumps(figure)) == figure
