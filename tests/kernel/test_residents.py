"""Nodes hold the pods they were given, together or one by one."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from reference.cluster_autoscaler_hints import Pair
from strategies_cluster_autoscaler import all_pods, node_of, nodes, owned_pods, template

from pyscale.policies.cluster_autoscaler.classes import ClassTable
from pyscale.policies.cluster_autoscaler.kernel_placement import KernelPlacement
from pyscale.policies.cluster_autoscaler.world import PodsByNode


@given(
    given_nodes=st.lists(nodes, min_size=1, max_size=3),
    templates=st.lists(owned_pods | all_pods, min_size=1, max_size=3),
    runs=st.lists(
        st.lists(st.tuples(st.integers(0, 2), st.integers(1, 4)), max_size=3),
        min_size=3,
        max_size=3,
    ),
)
def test_nodes_loaded_together_hold_what_they_would_hold_loaded_pod_by_pod(
    given_nodes, templates, runs
):
    table = ClassTable()
    classes = [table.add(i, each) for i, each in enumerate(templates)]
    held = [
        [classes[kind % len(classes)] for kind, count in row for _ in range(count)]
        for row in runs[: len(given_nodes)]
    ]
    names = [f"n{i}" for i in range(len(given_nodes))]
    lists = [Pair.columns([(i, i, each) for i, each in enumerate(row)]) for row in held]
    together, single = KernelPlacement(), KernelPlacement()
    for pod_class in classes:
        single.class_id(pod_class)

    handles = together.add_nodes(given_nodes, names, PodsByNode.of(lists), classes)

    alone_handles = []
    for node, name, pods, handle in zip(given_nodes, names, held, handles, strict=True):
        alone = single.add_node(node, name)
        alone_handles.append(alone)
        for pod_class in pods:
            single.place(pod_class, alone)
        assert together.state.usage(handle)[:4] == single.state.usage(alone)[:4]
        counts = {}
        for pod_class in pods:
            class_id = together.class_id(pod_class)
            counts[class_id] = counts.get(class_id, 0) + 1
        assert together.state.pods_on(handle) == counts
        assert len(together.state.ports_in_use(handle)) == len(single.state.ports_in_use(alone))
        assert list(together.content(handle)) == list(range(len(pods)))
    for pod_class in classes:
        for handle, alone in zip(handles, alone_handles, strict=True):
            assert together.refusal(pod_class, handle) == single.refusal(pod_class, alone)


@given(
    before=st.lists(st.integers(0, 12), max_size=8, unique=True),
    after=st.lists(st.integers(0, 12), max_size=8, unique=True),
)
def test_a_node_that_gets_other_pods_counts_them(before, after):
    table, placement = ClassTable(), KernelPlacement()
    classes = [table.add(i, template(i + 1, i)) for i in range(3)]
    for pod_class in classes:
        placement.class_id(pod_class)

    def columns(pods):
        return Pair.columns([(pod, pod, classes[pod % 3]) for pod in pods])

    (node,) = placement.add_nodes(
        [node_of(100, 100, 50)], ["n"], PodsByNode.of([columns(before)]), classes
    )
    placement.set_pods(np.array([node], np.int32), PodsByNode.of([columns(after)]), classes)

    assert list(placement.content(node)) == after
    counts = placement.state.pods_on(node)
    assert sum(counts.values()) == len(after)
    assert placement.state.usage(node)[3][0] == sum(pod % 3 + 1 for pod in after)
    room = np.array([[50, 20]])
    share, is_cpu, _ = placement.residents.measure(
        np.array([node], np.int32), room, np.zeros(1, np.uint8), False
    )
    cpu, memory = sum(pod % 3 + 1 for pod in after) / 50, sum(pod % 3 for pod in after) / 20
    assert share[0] == max(cpu, memory)
    assert is_cpu[0] == (cpu > memory)


def test_starts_must_be_those_of_the_nodes_pods():
    table, placement = ClassTable(), KernelPlacement()
    pod_class = table.add(0, template(1, 1))
    held = PodsByNode.of([Pair.columns([(1, 1, pod_class)]), Pair.columns([(2, 2, pod_class)])])
    given_nodes = [node_of(100, 100, 50)] * 2
    handles = np.array(placement.add_nodes(given_nodes, ["n", "m"], held, [pod_class]), np.int32)

    with pytest.raises(ValueError, match="one entry more than nodes"):
        placement.set_pods(handles[:1], held, [pod_class])
    wrong = PodsByNode(np.array([0, 3, 2]), held.pods)
    with pytest.raises(ValueError, match="must not fall, found 3 before 2"):
        placement.set_pods(handles, wrong, [pod_class])
