"""One trace under several policies: equal runs, one table."""

import pickle

import pytest
from reference.policies import Eager, Fixed

import pyscale as ps
from pyscale.errors import InvalidObjectError
from pyscale.model.groups import NodeGroup
from pyscale.policies.decision import Decision

KWOK = ps.catalog.kwok()
SMALL = "c-8x-amd64-linux"
BLUE = NodeGroup("blue", (SMALL,), ("test-zone-a",), desired_size=3)
POLICIES = (Fixed((BLUE,)), Eager(types=(SMALL,)), Eager(types=(SMALL,), removes=False))


@pytest.fixture(scope="module")
def trace():
    return ps.load_example("bursty-batch").window(0, 600 * 10**9)


@pytest.fixture(scope="module")
def comparison(trace):
    return ps.compare(trace, POLICIES, catalog=KWOK, seed=3)


def test_each_policy_has_its_column_and_equal_names_a_number(comparison):
    assert comparison.names == ("fixed", "eager", "eager 2")
    head, first = str(comparison).splitlines()[:2]
    assert head.split() == ["fixed", "eager", "eager", "2"]
    assert first.startswith("cost ")
    assert "<th>eager 2</th>" in comparison._repr_html_()


def test_a_run_in_a_comparison_is_the_run_alone(comparison, trace):
    alone = ps.simulate(trace, POLICIES[0], KWOK, seed=3)
    assert comparison["fixed"].digest() == alone.digest()


def test_processes_give_the_same(comparison, trace):
    again = ps.compare(trace, POLICIES[:2], catalog=KWOK, seed=3, jobs=2)
    assert again.digest() == {name: comparison[name].digest() for name in ("fixed", "eager")}


def test_it_goes_through_pickle_json_and_arrow(comparison):
    pa = pytest.importorskip("pyarrow")
    assert pickle.loads(pickle.dumps(comparison)).digest() == comparison.digest()
    assert [r["name"] for r in comparison.to_dict()["results"]] == list(comparison.names)
    figures = pa.table(comparison)
    assert figures["policy"].to_pylist() == list(comparison.names)
    assert figures["cost_nano"].to_pylist() == [r.metrics.cost_nano for r in comparison]
    assert pa.table(comparison["fixed"]).num_rows == len(comparison["fixed"].pods)


def test_a_mapping_names_the_columns(trace):
    named = ps.compare(trace, {"three machines": POLICIES[0]}, catalog=KWOK)
    assert named.names == ("three machines",)
    with pytest.raises(KeyError):
        named["fixed"]


def test_after_an_interruption_runs_that_had_not_begun_are_left_out(trace):
    class Stops(Fixed):
        name = "stops"

        def decide(self, view):
            if view.now_ns:
                raise KeyboardInterrupt
            return Decision(wake_ns=10**9)

    half = ps.compare(trace, (POLICIES[0], Stops((BLUE,)), POLICIES[1]), catalog=KWOK)
    assert half.names == ("fixed", "stops")
    assert not half.is_complete
    assert half.least == ()
    assert half.rows()[0][0] == "cost"
    assert not any("at least" in label for label, _ in half.rows())


def test_nonsense_is_refused(trace):
    with pytest.raises(ValueError, match="jobs must be >= 1, found 0"):
        ps.compare(trace, POLICIES, catalog=KWOK, jobs=0)
    with pytest.raises(ValueError, match="policies: expected at least one, found none"):
        ps.compare(trace, (), catalog=KWOK)
    with pytest.raises(InvalidObjectError, match="policy 'karpentr': unknown policy: did you mean"):
        ps.compare(trace, "karpentr", catalog=KWOK)
    with pytest.raises(TypeError, match="expected a policy or its name, found 3"):
        ps.compare(trace, [3], catalog=KWOK)


def test_the_report_is_one_page_with_every_policy(comparison, tmp_path):
    pytest.importorskip("plotly")
    text = comparison.report(tmp_path / "report.html").read_text()
    assert all(name in text for name in ("fixed", "eager", "bursty-batch"))
