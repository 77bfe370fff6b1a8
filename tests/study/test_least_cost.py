"""What the pods of a run must have cost at least."""

from math import inf

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference.policies import Fixed
from reference.scheduling import Plain

import pyscale as ps
from pyscale.model.groups import NodeGroup, NodePool
from pyscale.model.nodes import Node
from pyscale.model.pod_table import PodTable
from pyscale.model.pods import Container, PodSpec, PodTemplate
from pyscale.model.requirements import Requirement
from pyscale.model.resources import CPU, MEMORY, NANO
from pyscale.policies.karpenter import Karpenter
from pyscale.simulation import SimulationOptions
from pyscale.simulation.clock import HOUR
from pyscale.study import LeastCost, least_costs
from pyscale.study.buyable import buyable

KWOK = ps.catalog.kwok()
SMALL = "c-4x-amd64-linux"
ZONES = ("test-zone-a",)
POD = PodTemplate(PodSpec((Container(requests={CPU: NANO}),)))


def one_pod(**options):
    """A pod of one core for an hour, on a machine that is there for two."""
    world = SimulationOptions(end_ns=2 * HOUR, **options)
    groups = (NodeGroup("small", (SMALL,), ZONES, desired_size=1),)
    pods = PodTable.build((POD,), [0], 1, [0], [HOUR])
    return ps.simulate(pods, Fixed(groups), KWOK, scheduler=Plain(), options=world)


def test_a_pod_costs_at_least_its_share_of_the_machine_that_holds_most_of_it():
    result = one_pod()
    (found,) = least_costs([result], KWOK)
    offering = KWOK.offering(SMALL, ZONES[0], "on-demand")
    fits = KWOK.by_name[SMALL].allocatable(offering)
    # It asks for nothing but a core and its place among the pods of a node.
    shares = [1000 / (fits[CPU] // 10**6), 1 / (fits["pods"] // NANO)]
    assert found.least_nano == pytest.approx(max(shares) * offering.price_nano, abs=1)
    assert found.cost_nano == 2 * offering.price_nano
    assert found.above == found.cost_nano / found.least_nano - 1
    assert found.machines == 1
    assert found.to_dict()["least_nano"] == found.least_nano


def test_machines_that_cost_nothing_take_off_what_they_are_worth():
    amounts = {CPU: 64 * NANO, MEMORY: 2**40 * NANO, "pods": 500 * NANO}
    (found,) = least_costs(
        [one_pod(nodes=(Node("own", capacity=amounts, allocatable=amounts),))], KWOK
    )
    assert found.least_nano == 0
    assert found.above == inf


def test_a_run_that_cost_nothing_is_not_above_the_least():
    assert LeastCost("idle", 0, 0, {}, 1).above == 0


def test_runs_of_several_traces_have_no_bound_in_common():
    other = ps.simulate(
        PodTable.build((POD,), [0], 1, [0], [2 * HOUR]), Fixed(()), KWOK, scheduler=Plain()
    )
    with pytest.raises(ValueError, match="expected runs over one trace, found several"):
        least_costs([one_pod(), other], KWOK)
    with pytest.raises(ValueError, match="expected at least one run, found none"):
        least_costs([], KWOK)


SIZES = ((1, 1), (1, 8), (3, 2), (2, 12))


@settings(max_examples=8)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 4), st.integers(0, 40)), min_size=1))
def test_no_policy_costs_less_than_the_bound(drawn):
    templates = [
        PodTemplate(PodSpec((Container(requests={CPU: cpu * NANO, MEMORY: gib * 2**30 * NANO}),)))
        for cpu, gib in SIZES
    ]
    drawn = sorted(drawn, key=lambda each: each[2])
    pods = PodTable(
        templates,
        np.array([kind for kind, _, _ in drawn], np.int32),
        np.array([copies for _, copies, _ in drawn], np.int64),
        np.array([minute for _, _, minute in drawn], np.int64) * (HOUR // 60),
        np.full(len(drawn), HOUR, np.int64),
    )
    group = NodeGroup("fixed", (SMALL,), ZONES, desired_size=2)
    policies = {"karpenter": Karpenter([NodePool("default")]), "fixed": Fixed((group,))}
    options = SimulationOptions(end_ns=3 * HOUR)
    comparison = ps.compare(pods, policies, catalog=KWOK, options=options)
    for result, found in zip(comparison, comparison.least, strict=True):
        assert found.name == result.name
        assert 0 <= found.least_nano <= found.cost_nano == result.metrics.cost_nano


def test_spot_machines_have_the_lowest_price_of_the_run():
    catalog = ps.catalog.ec2("us-east-1", seed=1)
    name, zone = "m6i.large", "us-east-1a"
    group = NodeGroup("spot", (name,), (zone,), desired_size=1, capacity_type="spot")
    pods = PodTable.build((POD,), [0], 1, [0], [HOUR])
    options = SimulationOptions(end_ns=5 * HOUR)
    result = ps.simulate(pods, Fixed((group,)), catalog, scheduler=Plain(), options=options)
    ((_, price),) = buyable([result], catalog)
    start = catalog.priced_at_ns
    prices = [catalog.spot_prices.price(name, zone, start + i * HOUR) for i in range(6)]
    assert price == min(prices) < max(prices)


def test_a_pool_may_buy_what_its_requirements_allow_and_nobody_in_charge_everything():
    pods = PodTable.build((POD,), [0], 1, [0], [HOUR])
    options = SimulationOptions(end_ns=HOUR)
    only = Requirement("node.kubernetes.io/instance-type", "In", (SMALL,))
    pool = NodePool("narrow", requirements=(only,))
    narrow = ps.simulate(pods, Karpenter([pool]), KWOK, options=options)
    prices = {offering.price_nano for offering in KWOK.by_name[SMALL].offerings}
    assert {price for _, price in buyable([narrow], KWOK)} == prices
    free = ps.simulate(pods, Fixed(()), KWOK, scheduler=Plain(), options=options)
    everything = {o.price_nano for kind in KWOK.instance_types for o in kind.offerings}
    assert {price for _, price in buyable([free, narrow], KWOK)} == everything


def test_a_comparison_shows_the_bound_in_its_table_its_data_and_its_report(tmp_path):
    pods = PodTable.build((POD,), [0], 1, [0], [HOUR])
    options = SimulationOptions(end_ns=2 * HOUR)
    comparison = ps.compare(pods, [Karpenter([NodePool("default")])], catalog=KWOK, options=options)
    labels = [label for label, _ in comparison.rows()]
    assert labels[:3] == ["cost", "at least, whoever decides", "above it, at most"]
    (plain,) = comparison.to_dict()["least_costs"]
    assert plain["least_nano"] == comparison.least[0].least_nano
    page = comparison.report(tmp_path / "report.html").read_text(encoding="utf-8")
    assert "How far from the cheapest" in page
    assert f"${comparison.least[0].least_nano / 1e9:,.2f}" in page
