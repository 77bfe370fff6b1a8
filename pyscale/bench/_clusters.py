"""Clusters for the scheduler's benchmarks, made by seedless arithmetic."""

from __future__ import annotations

from dataclasses import replace

from pyscale.model.nodes import HOSTNAME_LABEL, REGION_LABEL, ZONE_LABEL, ContainerImage, Node
from pyscale.model.pods import Container, PodSpec, PodTemplate
from pyscale.model.requirements import (
    LabelSelector,
    NodeSelectorTerm,
    PreferredNodeSelectorTerm,
    Requirement,
)
from pyscale.model.resources import CPU, EPHEMERAL_STORAGE, MEMORY, NANO, PODS
from pyscale.model.taints import NO_SCHEDULE, Taint, Toleration
from pyscale.model.topology import (
    PodAffinityTerm,
    TopologySpreadConstraint,
    WeightedPodAffinityTerm,
)
from pyscale.model.workloads import Service
from pyscale.policies.kube_scheduler.objects import ClusterObjects
from pyscale.policies.kube_scheduler.profile import Profile
from pyscale.policies.kube_scheduler.snapshot import Snapshot

GIBIBYTE = 2**30 * NANO
IMAGE = "registry/app:v1"


def mixed_cluster(
    n_nodes: int, n_applications: int, profile: Profile | None = None
) -> tuple[Snapshot, list[int]]:
    """Return a cluster and its pod classes.

    Half of the applications have a constraint beside their requests: spread over zones, node
    affinity, pod anti-affinity, pod affinity or tolerations; every third has a Service, so that
    the default spreading applies.
    """
    services = tuple(
        Service(f"app{i}", selector={"app": f"app{i}"}) for i in range(0, n_applications, 3)
    )
    snapshot = Snapshot(profile, ClusterObjects(services=services))
    for i in range(n_nodes):
        snapshot.add_node(_node(i))
    return snapshot, [snapshot.pod_class(_application(i)) for i in range(n_applications)]


def _node(i: int) -> Node:
    cores = (16, 32, 64, 32)[i % 4]
    return Node(
        f"n{i}",
        labels={
            HOSTNAME_LABEL: f"n{i}",
            ZONE_LABEL: f"z-{'abc'[i % 3]}",
            REGION_LABEL: "r-1",
            "disk": ("ssd", "hdd")[i % 2],
            "rack": f"r{i // 40}",
        },
        taints=(Taint("dedicated", NO_SCHEDULE, "a"),) if i % 10 == 0 else (),
        allocatable={
            CPU: cores * NANO,
            MEMORY: cores * 4 * GIBIBYTE,
            EPHEMERAL_STORAGE: 100 * GIBIBYTE,
            PODS: 110 * NANO,
        },
        images=(ContainerImage((IMAGE,), 300 * 2**20),) if i % 3 == 0 else (),
    )


def _application(i: int) -> PodTemplate:
    labels = {"app": f"app{i}"}
    own = LabelSelector(labels)
    container = Container(
        image=IMAGE if i % 4 == 0 else "none/x:1",
        requests={CPU: (50 + 50 * (i % 8)) * NANO // 1000, MEMORY: (1 + i % 4) * GIBIBYTE // 4},
    )
    spec = PodSpec(containers=(container,))
    return PodTemplate(_constrained(spec, own, i // 2 % 6) if i % 2 else spec, labels=labels)


def _constrained(spec: PodSpec, own: LabelSelector, kind: int) -> PodSpec:
    """Return a spec with one of six constraints."""
    if kind == 0:
        zones = TopologySpreadConstraint(5, ZONE_LABEL, "DoNotSchedule", own)
        hosts = TopologySpreadConstraint(1, HOSTNAME_LABEL, "ScheduleAnyway", own)
        return replace(spec, topology_spread_constraints=(zones, hosts))
    if kind == 1:
        ssd = NodeSelectorTerm((Requirement("disk", "In", ("ssd",)),))
        zone_a = NodeSelectorTerm((Requirement(ZONE_LABEL, "In", ("z-a",)),))
        return replace(
            spec,
            required_node_affinity=(ssd,),
            preferred_node_affinity=(PreferredNodeSelectorTerm(10, zone_a),),
        )
    if kind == 2:
        apart = WeightedPodAffinityTerm(50, PodAffinityTerm(HOSTNAME_LABEL, own))
        return replace(spec, preferred_pod_anti_affinity=(apart,))
    if kind == 3:
        near = PodAffinityTerm("rack", LabelSelector({"app": "app0"}))
        return replace(spec, preferred_pod_affinity=(WeightedPodAffinityTerm(20, near),))
    if kind == 4:
        return replace(spec, tolerations=(Toleration("dedicated", "Exists"),))
    return replace(spec, required_pod_anti_affinity=(PodAffinityTerm(HOSTNAME_LABEL, own),))
