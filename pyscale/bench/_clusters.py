"""Clusters for the scheduler's benchmarks, made by seedless arithmetic."""

from __future__ import annotations

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
    fields: dict[str, object] = {}
    if i % 2:
        fields = (
            {
                "topology_spread_constraints": (
                    TopologySpreadConstraint(5, ZONE_LABEL, "DoNotSchedule", own),
                    TopologySpreadConstraint(1, HOSTNAME_LABEL, "ScheduleAnyway", own),
                )
            },
            {
                "required_node_affinity": (
                    NodeSelectorTerm((Requirement("disk", "In", ("ssd",)),)),
                ),
                "preferred_node_affinity": (
                    PreferredNodeSelectorTerm(
                        10, NodeSelectorTerm((Requirement(ZONE_LABEL, "In", ("z-a",)),))
                    ),
                ),
            },
            {
                "preferred_pod_anti_affinity": (
                    WeightedPodAffinityTerm(50, PodAffinityTerm(HOSTNAME_LABEL, own)),
                )
            },
            {
                "preferred_pod_affinity": (
                    WeightedPodAffinityTerm(
                        20, PodAffinityTerm("rack", LabelSelector({"app": "app0"}))
                    ),
                )
            },
            {"tolerations": (Toleration("dedicated", "Exists"),)},
            {"required_pod_anti_affinity": (PodAffinityTerm(HOSTNAME_LABEL, own),)},
        )[i // 2 % 6]
    container = Container(
        image=IMAGE if i % 4 == 0 else "none/x:1",
        requests={CPU: (50 + 50 * (i % 8)) * NANO // 1000, MEMORY: (1 + i % 4) * GIBIBYTE // 4},
    )
    return PodTemplate(PodSpec(containers=(container,), **fields), labels=labels)  # type: ignore[arg-type]
