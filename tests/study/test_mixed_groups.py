"""How often a launched machine was not what its group's template promised, and what that cost."""

import pytest
from reference.policies import Fixed
from reference.scheduling import Plain

import pyscale as ps
from pyscale.model.groups import NodeGroup
from pyscale.model.pod_table import PodTable
from pyscale.model.pods import Container, PodSpec, PodTemplate
from pyscale.simulation import SimulationOptions
from pyscale.simulation.clock import HOUR
from pyscale.study import mixed_group_use
from pyscale.study.mixed_groups import mixed_group_lines

KWOK = ps.catalog.kwok()
SMALL, LARGE = "c-4x-amd64-linux", "c-8x-amd64-linux"
ZONES = ("test-zone-a",)
POD = PodTemplate(PodSpec((Container(requests={"cpu": 10**9}),)))
PODS = PodTable.build((POD,), [0], 1, [0], [HOUR])


def use(*groups, catalog=KWOK, **options):
    world = SimulationOptions(end_ns=2 * HOUR, **options)
    result = ps.simulate(PODS, Fixed(groups), catalog, scheduler=Plain(), options=world)
    return result, mixed_group_use(result, groups, catalog)


def test_groups_of_one_type_have_no_trap():
    assert use(NodeGroup("small", (SMALL,), ZONES, desired_size=1))[1] is None


def test_a_group_that_launches_its_first_type_keeps_its_promise():
    _, found = use(NodeGroup("small", (SMALL, LARGE), ZONES, desired_size=3))
    assert (found.groups, found.launched, found.other) == (1, 3, 0)
    assert mixed_group_lines([found]) == []


def test_cheaper_machines_than_the_template_are_counted_with_their_size_and_bill():
    # The cloud launches the cheapest of the types, here the second one.
    plain = NodeGroup("plain", (LARGE,), ZONES, desired_size=1)
    mixed = NodeGroup("mixed", (LARGE, SMALL), ZONES, desired_size=2)
    result, found = use(plain, mixed)
    assert (found.groups, found.launched, found.other, found.priced) == (1, 2, 2, 2)
    small, large = (KWOK.offering(name, ZONES[0], "on-demand") for name in (SMALL, LARGE))
    assert found.cost_nano == 2 * 2 * small.price_nano
    assert found.template_cost_nano == 2 * 2 * large.price_nano
    node = {kind.instance_type: kind.node.allocatable for kind in result.kinds}
    fewer = (node[SMALL]["cpu"] - node[LARGE]["cpu"]) / 10**9
    assert found.vcpu_hours == pytest.approx(2 * 2 * fewer)
    assert found.gib_hours < 0
    (line,) = mixed_group_lines([found])
    assert line.startswith("fixed: 2 of 2 machines of mixed groups were not of the first type")
    assert f"{-found.vcpu_hours:,.1f} fewer vCPU-hours" in line


def test_larger_machines_than_the_template_cost_more():
    full = {(SMALL, ZONES[0], "on-demand"): 0}
    mixed = NodeGroup("mixed", (SMALL, LARGE), ZONES, desired_size=1)
    _, found = use(mixed, capacity=full)
    assert found.cost_nano > found.template_cost_nano
    assert found.vcpu_hours > 0
    assert "more than first types for the same time" in mixed_group_lines([found])[0]
