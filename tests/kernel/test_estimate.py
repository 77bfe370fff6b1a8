"""The estimator counts what the estimator that looks at every pod finds."""

from hypothesis import given
from hypothesis import strategies as st
from reference.cluster_autoscaler_estimator import Estimator
from strategies_cluster_autoscaler import all_pods, node_of, nodes, plain_pods, template

from pyscale.policies.cluster_autoscaler.classes import ClassTable
from pyscale.policies.cluster_autoscaler.equivalence import PodGroup
from pyscale.policies.cluster_autoscaler.kernel_placement import KernelPlacement
from pyscale.policies.cluster_autoscaler.node_shapes import NodeShape


def check(node, base, pods, counts, last_match, limit, fast_path, alone=False):
    table, placement = ClassTable(), KernelPlacement()
    classes = [table.add(i, pod) for i, pod in enumerate(pods)]
    for i, other in enumerate(base):
        placement.add_node(other, f"base-{i}", own=classes[:1] if i % 2 else ())
    placement.last_match = last_match
    shape = NodeShape.of(node)
    groups = [PodGroup(c, list(range(n))) for c, n in zip(classes, counts, strict=False)]

    given = groups
    if alone:
        groups = [PodGroup(group.pod_class, [pod]) for group in groups for pod in group.pods]
        given = [PodGroup(group.pod_class, group.pods, True) for group in given]

    ours = placement.estimate(shape, given, limit, fast_path)
    end, placement.last_match = placement.last_match, last_match
    expected = Estimator(placement, shape, limit, fast_path).estimate(groups)

    assert ours.node_count == expected.node_count
    assert end == placement.last_match
    if alone:
        assert sum(ours.placed.values()) == sum(expected.placed.values())
        return
    assert ours.placed == expected.placed
    assert ours.arithmetic_nodes == expected.arithmetic_nodes
    assert ours.existing == expected.existing
    assert [held for n, held in ours.per_node for _ in range(n)] == [
        held for _, held in expected.per_node
    ]


cases = {
    "node": nodes,
    "base": st.lists(nodes, max_size=3),
    "counts": st.lists(st.integers(1, 25), min_size=6, max_size=6),
    "last_match": st.integers(0, 12),
    "limit": st.integers(-1, 6),
    "fast_path": st.booleans(),
}


@given(pods=st.lists(plain_pods, min_size=1, max_size=6), **cases)
def test_counting_equals_looking_at_every_pod(
    node, base, pods, counts, last_match, limit, fast_path
):
    check(node, base, pods, counts, last_match, limit, fast_path)


@given(pods=st.lists(plain_pods | all_pods, min_size=1, max_size=6), **cases)
def test_equal_pods_without_controller_are_groups_of_one(
    node, base, pods, counts, last_match, limit, fast_path
):
    check(node, base, pods, counts, last_match, limit, False, alone=True)


@given(pods=st.lists(all_pods, min_size=1, max_size=6), **cases)
def test_checked_estimates_equal_the_twin(node, base, pods, counts, last_match, limit, fast_path):
    check(node, base, pods, counts, last_match, limit, fast_path)


def test_the_scan_goes_on_after_an_estimate_that_opened_many_nodes():
    table, placement = ClassTable(), KernelPlacement()
    apart, plain = table.add(0, template(1, 1, apart=True)), table.add(1, template(1, 1))
    base = placement.add_node(node_of(4, 4, 4), "base")

    found = placement.estimate(
        NodeShape.of(node_of(4, 4, 4)), [PodGroup(apart, range(300))], 0, False
    )

    assert found.node_count == 300
    assert placement.scan(plain) == base
    assert placement.mask().shape[0] >= placement.state.n_nodes
