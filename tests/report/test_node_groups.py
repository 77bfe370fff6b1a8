"""The report of the node-group study shows every run, every wait and every trap."""

from dataclasses import replace

import pytest
from browser import visit
from reference.policies import Eager, Fixed
from reference.scheduling import Plain

from pyscale import catalog as catalogs
from pyscale.model.pod_table import PodTable
from pyscale.model.pods import Container, PodSpec, PodTemplate
from pyscale.report import (
    Page,
    comparison_page,
    mixed_group_section,
    node_group_page,
    node_group_section,
)
from pyscale.simulation import SimulationOptions
from pyscale.simulation.clock import MINUTE
from pyscale.study import MixedGroupUse, study_node_groups

MIXED = MixedGroupUse("2 groups", 1, 5, 3, 3, 4 * 10**9, 6 * 10**9, -12.0, 3.5)


def held(groups):
    return Fixed(tuple(replace(group, desired_size=1) for group in groups))


def eager(pools):
    return Eager(types=("c-8x-amd64-linux",))


@pytest.fixture(scope="module")
def study():
    shapes = [(1, 1), (1, 8), (8, 16), (100_000, 1)]
    templates = tuple(
        PodTemplate(
            PodSpec((Container(requests={"cpu": cores * 10**9, "memory": gib * 2**30 * 10**9}),))
        )
        for cores, gib in shapes
    )
    arrivals = [minute * MINUTE for minute in range(10) for _ in shapes]
    pods = PodTable.build(
        templates, list(range(4)) * 10, 1, arrivals, [10 * MINUTE] * len(arrivals)
    )
    return study_node_groups(
        pods,
        catalog=catalogs.kwok(),
        group_policy=held,
        pool_policy=eager,
        scheduler=Plain(),
        options=SimulationOptions(end_ns=20 * MINUTE),
    )


def test_the_table_has_a_row_per_run_and_marks_the_least_waste(study):
    (table,) = node_group_section(study).tables
    assert [row[0] for row in table.rows] == list(study.planned)
    column = table.head.index("cpu wasted")
    least = min(run.waste("cpu") for run in study)
    marked = {row for row, cell in table.best if cell == column}
    assert marked == {row for row, run in enumerate(study) if run.waste("cpu") == least}


def test_every_figure_has_a_point_per_number_of_groups_and_the_pool_as_a_level(study):
    for figure, _ in node_group_section(study).figures:
        counts = [str(len(run.groups)) for run in study.group_runs]
        assert all(curve["x"] == counts for curve in figure["data"])
        assert "NodePool" in figure["data"][-1]["name"]
        assert len(set(figure["data"][-1]["y"])) == 1
    cost = node_group_section(study).figures[0][0]["data"]
    usd = [run.result.metrics.cost_usd for run in study]
    assert [*cost[0]["y"], cost[1]["y"][0]] == pytest.approx(usd, rel=1e-5)


def test_pods_that_wait_for_ever_are_never_hidden(study):
    text = " ".join(node_group_section(study).text)
    assert "10 pods of 1 kind can be held by no machine of the catalogue" in text
    assert "Pods that never got a node: " in text


def test_a_study_without_its_pool_is_shown_without_the_level(study):
    half = replace(study, runs=study.group_runs)
    section = node_group_section(half)
    assert "Interrupted before these runs: 1 NodePool." in section.text
    assert all("NodePool" not in curve["name"] for f, _ in section.figures for curve in f["data"])


def test_an_interrupted_run_is_in_the_table_but_not_in_the_curves(study):
    first, *others = study.runs
    half = replace(first, result=replace(first.result, is_complete=False))
    section = node_group_section(replace(study, runs=(half, *others)))
    assert section.tables[0].rows[0][0] == f"{first.name} (interrupted)"
    assert all(row != 0 for row, _ in section.tables[0].best)
    counts = [str(len(run.groups)) for run in study.group_runs[1:]]
    assert all(curve["x"] == counts for figure, _ in section.figures for curve in figure["data"])


def test_the_pool_alone_is_shown_too(study):
    figures = node_group_section(replace(study, runs=(study.pool_run,))).figures
    assert figures[0][0]["data"][-1]["x"] == ["none"]
    with pytest.raises(ValueError, match="expected at least one finished run, found none"):
        node_group_page(replace(study, runs=()))


def test_a_mixed_group_that_cost_something_is_told(study):
    first = replace(study.runs[0], mixed=MIXED)
    text = " ".join(node_group_section(replace(study, runs=(first, *study.runs[1:]))).text)
    assert "2 groups: 3 of 5 machines of mixed groups were not of the first type" in text
    assert "$2.00 less than first types for the same time" in text
    assert "12.0 fewer vCPU-hours and 3.5 more GiB-hours" in text
    assert mixed_group_section([MIXED]).text[1:] == [
        line for line in node_group_section(replace(study, runs=(first,))).text if "mixed" in line
    ]
    assert mixed_group_section([replace(MIXED, other=0)]) is None


def test_a_comparison_takes_it_as_a_section(study):
    results = [run.result for run in study.runs[:2]]
    page = comparison_page(results, [node_group_section(study)])
    assert "What more and more node groups cost" in [section.heading for section in page.sections]
    assert isinstance(page, Page)


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (390, True)])
def test_a_browser_shows_the_report_without_an_error(study, tmp_path, width, dark):
    path = study.report(tmp_path / "report.html")
    messages, dom, picture = visit(path, tmp_path, width, 3200, dark)
    assert messages == []
    assert dom.count('class="main-svg"') >= 5
    assert picture.stat().st_size > 40_000
