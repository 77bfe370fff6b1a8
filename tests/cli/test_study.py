"""``pyscale study node-groups``: a table, a report and what went into it."""

import json

import pytest
from command import pyscale, refusal

TRACE = """\
arrival_s,duration_s,cpu,memory
0,600,1,1Gi
60,600,1,8Gi
120,600,8,16Gi
"""


@pytest.fixture
def trace(tmp_path):
    path = tmp_path / "pods.csv"
    path.write_text(TRACE)
    return path


def test_it_prints_a_table_and_writes_report_and_results(trace, tmp_path):
    pytest.importorskip("plotly")
    folder = tmp_path / "out"
    done = pyscale("study", "node-groups", trace, "--catalog", "kwok", "--jobs", "1", "-o", folder)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[-1] == str(folder / "report.html")
    results = json.loads((folder / "results.json").read_text())
    names = [run["name"] for run in results["runs"]]
    assert names[-1] == "1 NodePool"
    assert [line.split("  ")[0] for line in lines[1 : 1 + len(names)]] == names
    assert "What more and more node groups cost" in (folder / "report.html").read_text()


def test_a_comparison_has_the_study_as_a_section(trace, tmp_path):
    pytest.importorskip("plotly")
    arguments = ("--catalog", "kwok", "--jobs", "1", "--group-study", "-o", tmp_path / "out")
    done = pyscale("compare", trace, *arguments)
    assert done.returncode == 0, done.stderr
    assert "1 NodePool" in done.stdout
    assert "What more and more node groups cost" in (tmp_path / "out/report.html").read_text()
    results = json.loads((tmp_path / "out/results.json").read_text())
    assert results["node_groups"]["study"] == "node-groups"


def test_a_mixed_group_in_a_comparison_is_told(trace, tmp_path):
    pytest.importorskip("plotly")
    groups = tmp_path / "groups.yaml"
    groups.write_text(
        "nodeGroups:\n- name: mixed\n  zones: [test-zone-a]\n"
        "  instanceTypes: [m-64x-amd64-linux, m-16x-amd64-linux]\n"
    )
    arguments = ("--policies", "ca", "--catalog", "kwok", "--node-groups", groups)
    done = pyscale("compare", trace, *arguments, "-o", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    text = (tmp_path / "out/report.html").read_text()
    assert "machines of mixed groups were not of the first type" in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--counts", "1,two"), "--counts: expected numbers such as 1,2,4, found '1,two'"),
        (("--counts", "0"), "counts: expected numbers of groups >= 1, found 0"),
        (("--expander", "best"), "option expander: expected one of"),
    ],
)
def test_wrong_arguments_are_one_line(trace, tmp_path, arguments, message):
    done = pyscale(
        "study", "node-groups", trace, "--catalog", "kwok", *arguments, "-o", tmp_path / "out"
    )
    assert message in refusal(done)
