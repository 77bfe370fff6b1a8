"""The report of runs with pod autoscaling follows the load to the nodes."""

from dataclasses import replace

import numpy as np
import pytest
from browser import visit
from reference.policies import Eager
from reference.scheduling import Plain

from pyscale import catalog as catalogs
from pyscale import simulate
from pyscale.model.pod_table import PodTable
from pyscale.model.pods import Container, OwnerReference, PodSpec, PodTemplate
from pyscale.report import comparison_page, write_comparison
from pyscale.report.load import load_sections
from pyscale.simulation import SimulationOptions
from pyscale.simulation.clock import HOUR, SECOND
from pyscale.traces.load import Loads, Workload
from pyscale.traces.trace import Trace

TYPES = ("c-4x-amd64-linux", "c-8x-amd64-linux")


@pytest.fixture(scope="module")
def results():
    owner = (OwnerReference("ReplicaSet", "web", controller=True),)
    template = PodTemplate(PodSpec((Container(requests={"cpu": 10**9}),)), owners=owner)
    workload = Workload(
        "shop/front", template, initial_replicas=2, max_replicas=20, cpu_us_per_request=10_000
    )
    steps = np.array([0, 1800, 3600]) * SECOND, np.array([80, 700, 100]) * 1000
    loads = Loads.from_series([workload], "requests_per_second", [steps])
    trace = Trace("shop", PodTable.build((), []), loads=loads)
    return [
        simulate(
            trace,
            Eager(types=(name,)),
            catalogs.kwok(),
            scheduler=Plain(),
            options=SimulationOptions(end_ns=2 * HOUR),
            pod_autoscaler="hpa",
        )
        for name in TYPES
    ]


def test_one_time_axis_carries_load_replicas_pending_pods_and_nodes(results):
    (section,) = load_sections(results, ["small", "large"])
    chain = section.figures[0][0]
    curves = {curve["name"]: curve for curve in chain["data"]}
    assert list(curves) == [
        "load", "wanted", "ready", "pending", "nodes", "workloads with unserved load"
    ]  # fmt: skip
    assert len({curve["yaxis"] for curve in chain["data"]}) == 5
    assert all("xaxis" not in curve for curve in chain["data"])
    assert max(curves["load"]["y"]) == 700
    assert max(curves["wanted"]["y"]) == max(curves["ready"]["y"]) == 10
    assert max(curves["pending"]["y"]) > 0
    assert section.tables[0].rows[0][0] == "shop/front"
    assert "of the load stayed unserved" in section.text[0]


def test_the_bars_split_the_wait_and_sum_to_it(results):
    figure = load_sections(results, ["small", "large"])[0].figures[-1][0]
    sums = np.sum([bar["y"] for bar in figure["data"]], axis=0)
    for total, result in zip(sums, results, strict=True):
        load = result.load
        ended = load.shortage_pod >= 0
        lengths = (load.shortage_end_ns - load.shortage_begin_ns)[ended]
        assert total == pytest.approx(lengths.mean() / SECOND, rel=1e-4)


def test_results_without_load_have_no_section(results):

    bare = [replace(result, load=None) for result in results]
    assert load_sections(bare, ["a", "b"]) == []
    headings = [section.heading for section in comparison_page(results).sections]
    assert "Load and who serves it" in headings


def test_a_browser_shows_the_section_without_an_error(results, tmp_path):
    path = write_comparison(results, tmp_path / "report.html")
    messages, dom, picture = visit(path, tmp_path, 1280, 5200, True)
    assert messages == []
    assert dom.count('class="main-svg"') >= 12
    assert picture.stat().st_size > 40_000
