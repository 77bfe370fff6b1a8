"""Pending pods are grouped by class as going through them one by one groups them."""

from hypothesis import given
from hypothesis import strategies as st
from strategies_cluster_autoscaler import template

from pyscale.policies.cluster_autoscaler.classes import ClassTable
from pyscale.policies.cluster_autoscaler.equivalence import (
    MAX_REPRESENTATIVES,
    equivalence_groups,
)
from pyscale.policies.cluster_autoscaler.world import PodColumns


def one_by_one(pods, classes, merge_alone):
    """Groups as lists (pods, is alone), in the order of their first pods."""
    groups, known, before = [], {}, None
    for pod, pod_class in zip(pods, classes, strict=True):
        controller = pod_class.controller_uid
        if controller is None or pod_class.is_daemon_set:
            if merge_alone and before is pod_class:
                groups[-1][0].append(pod)
            else:
                groups.append(([pod], True))
            before = pod_class
            continue
        before = None
        representatives = known.setdefault(controller, {})
        group = representatives.get(pod_class.shape)
        if group is None:
            group = ([], False)
            groups.append(group)
            if len(representatives) < MAX_REPRESENTATIVES:
                representatives[pod_class.shape] = group
        group[0].append(pod)
    return groups


KINDS = [template(cpu, 1, owner="web", app=app) for app in "abc" for cpu in range(6)]
KINDS += [template(1, 1), template(2, 1), template(1, 1, owner="daemon")]
# Two classes of one shape: the node's own view of terminating pods does not make them different.
SAME = 2


@given(
    kinds=st.lists(st.integers(0, len(KINDS) * SAME - 1), max_size=60),
    merge_alone=st.booleans(),
)
def test_groups_are_those_of_going_through_the_pods(kinds, merge_alone):
    table, pods = ClassTable(), PodColumns()
    pods.table = table.classes
    for kind in kinds:
        number, twin = divmod(kind, SAME)
        pod_class = table.add(kind, KINDS[number], terminating=bool(twin))
        pods.add(f"p{len(pods.names)}", f"p{len(pods.names)}", pod_class, 0)
    ids = list(range(len(kinds)))

    found = equivalence_groups(pods.listed(ids), pods.table, merge_alone)

    expected = one_by_one(ids, pods.classes, merge_alone)
    assert [(list(group.pods), group.is_alone) for group in found] == expected
    assert [group.pod_class for group in found] == [pods.classes[held[0]] for held, _ in expected]
