"""The report of a comparison shows every policy's figures and curves."""

from dataclasses import replace

import pytest
from browser import visit
from reference.policies import Eager
from reference.scheduling import Plain

from pyscale import catalog as catalogs
from pyscale.model.pod_table import PodTable
from pyscale.model.pods import Container, OwnerReference, PodSpec, PodTemplate
from pyscale.report import comparison_page, write_comparison
from pyscale.simulation import simulate
from pyscale.simulation.clock import MINUTE, SECOND

SMALL, LARGE = "c-2x-amd64-linux", "c-4x-amd64-linux"


@pytest.fixture(scope="module")
def results():
    owner = (OwnerReference("ReplicaSet", "web", controller=True),)
    spec = PodSpec((Container(requests={"cpu": 9 * 10**8, "memory": 10**18}),))
    arrivals = [minute * MINUTE for minute in range(30)]
    pods = PodTable.build(
        (PodTemplate(spec, owners=owner),), [0] * 30, 2, arrivals, [600 * SECOND] * 30
    )
    policies = [Eager(types=(SMALL,)), Eager(types=(LARGE,), capacity_types=("on-demand",))]
    return [simulate(pods, policy, catalogs.kwok(), scheduler=Plain()) for policy in policies]


def test_the_table_has_a_column_per_policy_and_marks_the_cheaper(results):
    page = comparison_page(results)
    (table,) = page.sections[0].tables
    assert table.head == ["", "eager", "eager #2"]
    cheaper = min((0, 1), key=lambda index: results[index].metrics.cost_nano)
    assert (0, 1 + cheaper) in table.best
    assert table.rows[0][1] == f"${results[0].metrics.cost_usd:,.2f}"


def test_the_summary_names_the_cheaper_and_the_interrupted(results):
    (text,) = comparison_page([replace(results[0], is_complete=False), results[1]]).sections[0].text
    assert "% more." in text
    assert "Interrupted before the end: eager." in text


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (390, True)])
def test_a_browser_shows_the_report_without_an_error(results, tmp_path, width, dark):
    path = write_comparison(results, tmp_path / "report.html")
    messages, dom, picture = visit(path, tmp_path, width, 3200, dark)
    assert messages == []
    assert dom.count('class="main-svg"') >= 9
    assert picture.stat().st_size > 40_000
