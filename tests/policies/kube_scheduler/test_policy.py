"""kube-scheduler in a simulation: its rules hold while pods come and go."""

from dataclasses import replace

import numpy as np
import pytest
from reference.policies import Fixed

from pyscale import catalog as catalogs
from pyscale.errors import UnsupportedError
from pyscale.model.groups import NodeGroup
from pyscale.model.pod_table import PodTable
from pyscale.model.pods import Container, PodSpec, PodTemplate
from pyscale.model.requirements import LabelSelector
from pyscale.model.topology import PodAffinityTerm, TopologySpreadConstraint
from pyscale.model.volumes import Volume
from pyscale.policies.base import Scheduler
from pyscale.policies.kube_scheduler import KubeScheduler
from pyscale.simulation import simulate

KWOK = catalogs.kwok()
SECOND = 10**9
GROUP = NodeGroup("blue", ("c-2x-amd64-linux",), ("test-zone-a", "test-zone-b"), desired_size=4)
WEB = PodTemplate(PodSpec((Container(requests={"cpu": 10**8}),)), labels={"app": "web"})


def run(template, *rows):
    """Rows of (count, arrival s, duration s)."""
    count, arrival, duration = np.array(rows, np.int64).T
    classes = np.zeros(len(rows), np.int32)
    pods = PodTable.build([template], classes, count, arrival * SECOND, duration * SECOND)
    return simulate(pods, Fixed((GROUP,)), KWOK)


def test_it_is_a_scheduler_and_the_default_one():
    assert isinstance(KubeScheduler(), Scheduler)
    assert run(WEB, (1, 0, 5)).metadata["scheduler"] == "kube-scheduler"


def test_pods_go_to_the_emptiest_node():
    result = run(WEB, (8, 0, 100), (4, 50, 100))
    assert np.bincount(result.pods.node).tolist() == [3, 3, 3, 3]


def test_a_pod_that_repels_its_like_waits_until_one_leaves():
    term = PodAffinityTerm("kubernetes.io/hostname", LabelSelector({"app": "web"}))
    template = replace(WEB, spec=replace(WEB.spec, required_pod_anti_affinity=(term,)))
    result = run(template, (4, 0, 100), (1, 10, 50))
    assert result.pods.bound_ns.tolist() == [0, 0, 0, 0, 100 * SECOND]


def test_a_spread_over_zones_is_kept():
    constraint = TopologySpreadConstraint(
        1, "topology.kubernetes.io/zone", "DoNotSchedule", LabelSelector({"app": "web"})
    )
    template = replace(WEB, spec=replace(WEB.spec, topology_spread_constraints=(constraint,)))
    result = run(template, *((1, time, 100 + time) for time in range(12)))
    zones = [result.kinds[kind].zone for kind in result.nodes.kind[result.pods.node]]
    for count in range(2, 13, 2):
        assert zones[:count].count("test-zone-a") == count // 2


def test_scheduling_gates_are_refused_by_name():
    template = replace(WEB, spec=replace(WEB.spec, scheduling_gates=("wait",)))
    with pytest.raises(UnsupportedError, match="pod class 0: scheduling gates is not supported"):
        run(template, (1, 0, 5))


@pytest.mark.parametrize("kind", ["persistentVolumeClaim", "ephemeral"])
def test_claims_that_nobody_can_look_up_are_refused_by_name(kind):
    volume = Volume("data", kind, {"claimName": "data"})
    template = replace(WEB, spec=replace(WEB.spec, volumes=(volume,)))
    with pytest.raises(UnsupportedError, match="pod class 0: volume claims in a simulation is not"):
        run(template, (1, 0, 5))
