"""kube-scheduler in a simulation: its rules hold while pods come and go."""

from dataclasses import dataclass, replace

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
from pyscale.model.volumes import PersistentVolume, PersistentVolumeClaim, StorageClass, Volume
from pyscale.model.workloads import Namespace
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


def test_pods_with_scheduling_gates_are_counted_and_never_bound():
    template = replace(WEB, spec=replace(WEB.spec, scheduling_gates=("wait",)))
    result = run(template, (3, 0, 5))
    assert result.pods.bound_ns.tolist() == [-1, -1, -1]
    assert (result.metrics.gated_pods, result.metrics.unschedulable_pods) == (3, 0)
    assert result.metrics.pending_max_ns == 0
    assert ("gated pods", "3") in result.lines()


def test_preemptions_are_counted_apart_from_evictions():
    less = replace(WEB, spec=replace(WEB.spec, containers=(Container(requests={"cpu": 10**9}),)))
    more = replace(less, spec=replace(less.spec, priority=5))
    pods = PodTable.build(
        [less, more],
        np.array([0, 1], np.int32),
        np.array([8, 3]),
        np.array([0, 10]) * SECOND,
        np.array([100, 100]) * SECOND,
    )
    result = simulate(pods, Fixed((GROUP,)), KWOK)
    metrics = result.metrics
    assert (metrics.evictions, metrics.preemptions, metrics.lost_pods) == (0, 3, 3)
    assert ("preemptions", "3") in result.lines()


def test_a_pod_that_wants_company_is_bound_when_it_comes():
    term = PodAffinityTerm("topology.kubernetes.io/zone", LabelSelector({"app": "db"}))
    guest = replace(WEB, spec=replace(WEB.spec, required_pod_affinity=(term,)))
    host = replace(WEB, labels={"app": "db"})
    pods = PodTable.build(
        [guest, host],
        np.array([0, 1], np.int32),
        np.array([2, 1]),
        np.array([0, 5]) * SECOND,
        np.array([100, 100]) * SECOND,
    )
    result = simulate(pods, Fixed((GROUP,)), KWOK)
    assert result.pods.bound_ns.tolist() == [5 * SECOND] * 3
    zones = {result.kinds[kind].zone for kind in result.nodes.kind[result.pods.node]}
    assert len(zones) == 1


@dataclass
class Told:
    """A trace with other objects."""

    pods: PodTable
    objects: dict
    name: str = "told"

    def digest(self):
        return self.pods.digest()


def run_with(template, **objects):
    count, times = np.array([6]), np.zeros(1, np.int64)
    pods = PodTable.build([template], np.zeros(1, np.int32), count, times, times + 9 * SECOND)
    return simulate(Told(pods, objects), Fixed((GROUP,)), KWOK)


def claiming(**claim):
    volume = Volume("data", "persistentVolumeClaim", {"claimName": "data"})
    template = replace(WEB, spec=replace(WEB.spec, volumes=(volume,)))
    return template, (PersistentVolumeClaim("data", **claim),)


def test_a_pod_stays_in_the_zone_of_its_volume():
    template, claims = claiming(volume_name="disk")
    disk = PersistentVolume("disk", labels={"topology.kubernetes.io/zone": "test-zone-b"})
    result = run_with(template, PersistentVolumeClaim=claims, PersistentVolume=(disk,))
    zones = {result.kinds[kind].zone for kind in result.nodes.kind[result.pods.node]}
    assert (zones, result.metrics.unschedulable_pods) == ({"test-zone-b"}, 0)


def test_a_choice_among_written_volumes_is_refused_by_name():
    template, claims = claiming(storage_class_name="local")
    local = StorageClass("local", "kubernetes.io/no-provisioner", "WaitForFirstConsumer")
    match = "pod class 0: data: volume claims that choose among volumes in a simulation is not"
    with pytest.raises(UnsupportedError, match=match):
        run_with(template, PersistentVolumeClaim=claims, StorageClass=(local,))


def test_namespaces_of_a_trace_are_read_by_namespace_selectors():
    term = PodAffinityTerm(
        "kubernetes.io/hostname",
        LabelSelector({"app": "web"}),
        namespace_selector=LabelSelector({"team": "a"}),
    )
    template = replace(WEB, spec=replace(WEB.spec, required_pod_anti_affinity=(term,)))
    apart = run_with(template, Namespace=(Namespace("default", {"team": "a"}),))
    assert apart.metrics.unschedulable_pods == 0
    assert np.unique(apart.pods.bound_ns).tolist() == [0, 9 * SECOND]
    together = run_with(template)
    assert np.unique(together.pods.bound_ns).tolist() == [0]


@pytest.mark.parametrize("kind", ["persistentVolumeClaim", "ephemeral"])
def test_claims_that_nobody_can_look_up_are_refused_by_name(kind):
    volume = Volume("data", kind, {"claimName": "data"})
    template = replace(WEB, spec=replace(WEB.spec, volumes=(volume,)))
    with pytest.raises(UnsupportedError, match="pod class 0: volume claims in a simulation is not"):
        run(template, (1, 0, 5))
