"""The same pods over more and more node groups, and over one NodePool."""

import json
import pickle
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from reference.policies import Eager, Fixed
from reference.scheduling import Plain

import pyscale as ps
from pyscale.model.pod_table import PodTable
from pyscale.model.pods import Container, OwnerReference, PodSpec, PodTemplate
from pyscale.policies.base import Policy
from pyscale.simulation import SimulationOptions
from pyscale.simulation.clock import MINUTE
from pyscale.study import study_node_groups

KWOK = ps.catalog.kwok()
GIB = 2**30 * 10**9


def pods_of(*shapes, kind="ReplicaSet"):
    """Return 20 pods of each (cores, GiB, node selector), one a minute."""
    owner = (OwnerReference(kind, "web", controller=True),)
    templates = tuple(
        PodTemplate(
            PodSpec(
                (Container(requests={"cpu": cores * 10**9, "memory": gib * GIB}),),
                node_selector=selector,
            ),
            owners=owner,
        )
        for cores, gib, selector in shapes
    )
    n = 20 * len(shapes)
    arrivals = [minute * MINUTE for minute in range(20) for _ in shapes]
    return PodTable.build(templates, list(range(len(shapes))) * 20, 1, arrivals, [10 * MINUTE] * n)


MIXED = pods_of((1, 1, {}), (1, 8, {}), (8, 16, {}), (1, 2, {"team": "red"}))


def held(groups):
    """Return a policy that keeps one machine in each group; cheap, and it can be pickled."""
    return Fixed(tuple(replace(group, desired_size=1) for group in groups))


def eager(pools):
    return Eager(types=("c-8x-amd64-linux",))


quick = partial(
    study_node_groups,
    catalog=KWOK,
    group_policy=held,
    pool_policy=eager,
    scheduler=Plain(),
    options=SimulationOptions(end_ns=30 * MINUTE),
)


@pytest.fixture(scope="module")
def study():
    return quick(MIXED)


def test_the_groups_double_up_to_what_the_pods_ask_for(study):
    assert [run.name for run in study] == [*study.planned]
    assert study.planned[-1] == "1 NodePool"
    counts = [len(run.groups) for run in study.group_runs]
    assert counts == sorted(set(counts))
    assert counts[0] == study.fewest
    assert counts[-1] == study.most
    assert all(run.result.metrics.node_groups == len(run.groups) for run in study.group_runs)
    assert study.pool_run is study["1 NodePool"]
    with pytest.raises(KeyError):
        study["3 NodePools"]


def test_numbers_that_come_to_the_same_groups_are_one_run():
    red_and_blue = pods_of((1, 2, {"team": "red"}), (1, 2, {"team": "blue"}))
    study = quick(red_and_blue, counts=[1, 2, 5])
    assert study.planned == ("2 groups", "1 NodePool")
    assert study["2 groups"].asked == (1, 2, 5)
    assert "2 groups are the fewest" in str(study)


def test_the_table_has_a_row_per_run_with_the_runs_own_figures(study):
    head, rows = study.head(), study.rows()
    assert len(rows) == len(study)
    for run, row in zip(study, rows, strict=True):
        cells = dict(zip(head, row, strict=True))
        metrics = run.result.metrics
        assert cells["cost"] == f"${metrics.cost_usd:,.2f}"
        assert cells["unschedulable"] == str(metrics.unschedulable_pods)
        use = metrics.resources["cpu"]
        assert cells["cpu wasted"] == f"{use.waste / use.bought:.1%}"
    assert str(study).splitlines()[0].split()[0] == "cost"
    assert "<th>1 NodePool</th>" in study._repr_html_()


def test_a_run_of_the_study_is_the_run_alone(study):
    run = study.group_runs[-1]
    alone = ps.simulate(
        MIXED,
        held(ps.catalog.node_groups_from_catalog(MIXED, KWOK)),
        KWOK,
        scheduler=Plain(),
        options=SimulationOptions(end_ns=30 * MINUTE),
    )
    assert run.result.metrics.cost_nano == alone.metrics.cost_nano
    assert np.array_equal(run.result.pods.bound_ns, alone.pods.bound_ns)


def test_processes_give_the_same_and_tell_of_every_run(study):
    told = []
    again = quick(MIXED, jobs=2, on_result=lambda result: told.append(result.name))
    assert again.digest() == study.digest()
    assert sorted(told) == sorted(study.planned)


def test_pods_that_no_group_can_serve_are_counted_and_wait_in_every_run():
    study = quick(pods_of((1, 1, {}), (100_000, 1, {})))
    assert (study.unserved_pods, study.unserved_classes) == (20, 1)
    assert all(run.result.metrics.unschedulable_pods >= 20 for run in study)
    assert "20 pods of 1 kind can be held by no machine of the catalogue" in str(study)
    assert study.to_dict()["unserved_pods"] == 20


def test_daemon_sets_need_no_group_but_room_on_every_node():
    alone = pods_of((1, 1, {}))
    daemon = PodTemplate(
        PodSpec((Container(requests={"cpu": 6 * 10**9, "memory": GIB}),)),
        owners=(OwnerReference("DaemonSet", "agent", controller=True),),
    )
    both = PodTable.build(
        (*alone.templates, daemon),
        [*alone.class_id.tolist(), 1],
        1,
        [*alone.arrival_ns.tolist(), 0],
        [*alone.duration_ns.tolist(), -1],
    )
    study = quick(both, counts=[1])
    assert dict(study.rules.reserve) == {"cpu": 6 * 10**9, "memory": GIB}
    (group,) = study["1 group"].groups
    (without,) = quick(alone, counts=[1])["1 group"].groups
    cores = [KWOK.by_name[g.instance_types[0]].capacity["cpu"] for g in (group, without)]
    assert cores[0] > cores[1]


def test_it_goes_through_pickle_json_and_arrow(study):
    pa = pytest.importorskip("pyarrow")
    assert pickle.loads(pickle.dumps(study)).digest() == study.digest()
    plain = json.loads(json.dumps(study.to_dict()))
    assert [run["name"] for run in plain["runs"]] == list(study.planned)
    assert len(plain["runs"][-2]["groups"]) == study.most
    table = pa.table(study)
    assert table["name"].to_pylist() == list(study.planned)
    assert table["cost_nano"].to_pylist() == [run.result.metrics.cost_nano for run in study]
    assert "cpu_waste" in table.column_names


def test_after_an_interruption_the_finished_runs_are_kept():
    class Stops(Policy):
        name = "stops"

        def decide(self, view):
            raise KeyboardInterrupt

    def stops_at_four(groups):
        return Stops() if len(groups) > 3 else held(groups)

    study = quick(MIXED, group_policy=stops_at_four)
    assert not study.is_complete
    assert study.runs[0].result.is_complete
    assert not study.runs[-1].result.is_complete
    assert study.pool_run is None
    assert "(interrupted)" in str(study)
    assert "Interrupted before these runs: 1 NodePool." in str(study)


def test_the_real_policies_serve_every_pod_over_any_number_of_groups():
    study = study_node_groups(MIXED, catalog=KWOK, counts=[1, 9])
    assert all(run.result.metrics.unschedulable_pods == 0 for run in study)
    assert study.pool_run.result.metrics.node_pools == 1
    assert study.pool_run.result.metrics.cost_nano > 0


def test_nonsense_is_refused():
    with pytest.raises(ValueError, match="counts: expected numbers of groups >= 1, found 0"):
        quick(MIXED, counts=[2, 0])
    with pytest.raises(ValueError, match="counts: expected at least one number of groups, found"):
        quick(MIXED, counts=[])
    with pytest.raises(ValueError, match="max_groups must be >= 1, found 0"):
        quick(MIXED, max_groups=0)
    with pytest.raises(ValueError, match="trace: no machine of the catalogue can hold any"):
        quick(pods_of((100_000, 1, {})))
    with pytest.raises(ValueError, match="trace: expected at least one pod, found none"):
        quick(MIXED.select([]))


def test_the_limit_ends_the_doubling():
    assert quick(MIXED, max_groups=2).group_runs[-1].asked[-1] == 2
