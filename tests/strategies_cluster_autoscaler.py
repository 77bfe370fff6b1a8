"""Nodes and pods for Cluster Autoscaler's kernels."""

from __future__ import annotations

from hypothesis import strategies as st

from pyscale.model.nodes import HOSTNAME_LABEL, Node
from pyscale.model.pods import Container, OwnerReference, PodSpec, PodTemplate
from pyscale.model.requirements import LabelSelector
from pyscale.model.taints import Taint, Toleration
from pyscale.model.topology import PodAffinityTerm, TopologySpreadConstraint

NANO = 10**9
TAINT = Taint("dedicated", "NoSchedule", "a")


def amounts(cpu, memory, pods):
    return {"cpu": cpu * NANO // 1000, "memory": memory * NANO, "pods": pods * NANO}


def node_of(cpu, memory, pods, tainted=False):
    return Node(
        "",
        labels={"zone": "z"},
        taints=(TAINT,) if tainted else (),
        capacity=amounts(cpu, memory, pods),
        allocatable=amounts(cpu, memory, pods),
    )


def template(
    cpu, memory, tolerates=False, spread=0, apart=False, app="a", priority=None, owner=None
):
    requests = {"cpu": cpu * NANO // 1000, "memory": memory * NANO}
    selector = LabelSelector({"app": app})
    kind = "DaemonSet" if owner == "daemon" else "ReplicaSet"
    return PodTemplate(
        PodSpec(
            (Container(requests=requests),),
            priority=priority,
            tolerations=(Toleration("dedicated", "Exists"),) if tolerates else (),
            topology_spread_constraints=(
                (TopologySpreadConstraint(spread, HOSTNAME_LABEL, "DoNotSchedule", selector),)
                if spread
                else ()
            ),
            required_pod_anti_affinity=(
                (PodAffinityTerm(HOSTNAME_LABEL, selector),) if apart else ()
            ),
        ),
        labels={"app": app},
        owners=(OwnerReference(kind, owner, owner, "apps/v1", controller=True),) if owner else (),
    )


nodes = st.builds(node_of, st.integers(1, 12), st.integers(1, 12), st.integers(1, 9), st.booleans())
plain_pods = st.builds(template, st.integers(0, 6), st.integers(0, 6), st.booleans())
all_pods = st.builds(
    template,
    st.integers(0, 6),
    st.integers(0, 6),
    st.booleans(),
    st.sampled_from([0, 0, 1, 2]),
    st.booleans(),
    st.sampled_from("ab"),
)
owned_pods = st.builds(
    template,
    st.integers(0, 6),
    st.integers(0, 6),
    st.booleans(),
    st.sampled_from([0, 0, 0, 1, 2]),
    st.sampled_from([False, False, False, True]),
    st.sampled_from("ab"),
    st.sampled_from([None, None, 0, 5]),
    st.sampled_from([None, "web", "web", "job", "daemon"]),
)
plain_owned_pods = st.builds(
    template,
    st.integers(0, 6),
    st.integers(0, 6),
    st.booleans(),
    app=st.sampled_from("ab"),
    priority=st.sampled_from([None, None, 0, 5]),
    owner=st.sampled_from([None, "web", "web", "job", "daemon"]),
)
clusters = st.lists(
    st.tuples(nodes, st.lists(st.integers(0, 5), max_size=4)), min_size=1, max_size=5
)
