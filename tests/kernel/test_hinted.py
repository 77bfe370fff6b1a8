"""Pods are placed, and nodes emptied, as the simulator that looks at every pod does it."""

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from reference.cluster_autoscaler_hints import Hinted
from strategies_cluster_autoscaler import (
    all_pods,
    node_of,
    nodes,
    owned_pods,
    plain_owned_pods,
    template,
)

from pyscale.kernel._hinted import BLOCKED, NO_PLACE, REMOVABLE
from pyscale.kernel._hints import Hints
from pyscale.policies.cluster_autoscaler.classes import ClassTable
from pyscale.policies.cluster_autoscaler.kernel_placement import KernelPlacement
from pyscale.policies.cluster_autoscaler.world import PodList

OUTCOMES = st.sampled_from([1, 2, 2, 2, 2, 3, 4])


def no_question(pod, index):
    raise AssertionError("every class has an outcome")


class Pair:
    """The same cluster twice: for the kernel, and for the twin."""

    def __init__(self, cluster, templates):
        self.table = ClassTable()
        self.classes = [self.table.add(i, each) for i, each in enumerate(templates)]
        self.placement, self.twin = KernelPlacement(), Hinted(KernelPlacement())
        for pod_class in self.classes:
            self.placement.class_id(pod_class)
        self.hints, self.n_pods = Hints(), 0
        for number, (node, kinds) in enumerate(cluster):
            pods = self.pods(kinds)
            name = f"n{number}"
            self.placement.add_nodes([node], [name], [self.columns(pods)], self.classes)
            self.twin.add_node(node, name, pods)

    def pods(self, kinds, keys=None):
        """New pods; those of the same key share a hint."""
        found = []
        for place, kind in enumerate(kinds):
            pod_class = self.classes[kind % len(self.classes)]
            key = self.n_pods if keys is None else keys[place % len(keys)]
            found.append((self.n_pods, key, pod_class))
            self.n_pods += 1
        return found

    @staticmethod
    def columns(pods):
        return PodList(
            np.array([pod for pod, _, _ in pods], np.int64),
            np.array([key for _, key, _ in pods], np.int64),
            np.array([pod_class.index for _, _, pod_class in pods], np.int32),
        )

    def contents(self):
        """What either thinks is on the nodes."""
        ours = {n: list(self.placement.content(n)) for n in self.twin.names}
        return ours, {n: [pod for pod, _, _ in self.twin.pods[n]] for n in self.twin.names}


clusters = st.lists(
    st.tuples(nodes, st.lists(st.integers(0, 5), max_size=4)), min_size=1, max_size=5
)


@given(
    cluster=clusters,
    templates=st.lists(owned_pods | all_pods, min_size=1, max_size=5),
    calls=st.lists(st.lists(st.integers(0, 9), max_size=8), min_size=1, max_size=3),
    keys=st.lists(st.integers(1000, 1004), min_size=1, max_size=4),
    last_match=st.integers(0, 6),
)
def test_pods_go_where_hints_and_the_rotating_scan_send_them(
    cluster, templates, calls, keys, last_match
):
    pair = Pair(cluster, templates)
    placement, twin = pair.placement, pair.twin
    placement.last_match = twin.placement.last_match = last_match
    for kinds in calls:
        placement.fork()
        before = {node: list(pods) for node, pods in twin.pods.items()}
        twin.placement.fork()
        pods = pair.pods(kinds, keys)

        nodes = placement.place_hinted(pair.columns(pods), pair.hints)

        everywhere = np.ones(len(placement.open_nodes), np.bool_)
        expected = twin.place(pods, everywhere, twin.placement.open_nodes)
        assert nodes.tolist() == [expected.get(pod, -1) for pod, _, _ in pods]
        assert placement.last_match == twin.placement.last_match
        ours, theirs = pair.contents()
        assert ours == {n: theirs[n] for n in ours}
        pair.hints.drop_old()
        twin.drop_old()
        placement.revert()
        twin.placement.revert()
        twin.pods = before
        assert pair.contents()[0] == pair.contents()[1]


def assert_removals_agree(pair, usable, outcomes, told_after, rounds=2):
    """Try to remove every node, and compare what comes of it."""
    placement, twin = pair.placement, pair.twin
    accepting = usable & placement.open_nodes
    codes = np.array(outcomes, np.int8)
    found = []
    for _ in range(rounds):
        placement.fork()
        twin.placement.fork()
        before = {node: list(pods) for node, pods in twin.pods.items()}, dict(twin.names)
        masks = [mask.copy() for mask in (usable, accepting)]
        for mask in (usable, accepting):
            masks.append(twin.placement.mask())
            masks[-1][: len(twin.pods)] = mask[: len(twin.pods)]
        removal = placement.begin_removals(pair.hints, masks[0], masks[1], codes, no_question)
        for number, node in enumerate(list(twin.names)):
            status = removal.remove(node)
            found.append(status)
            expected = twin.remove(node, masks[2], masks[3], outcomes)
            if status == REMOVABLE:
                pods, _, to = removal.moves(removal.first)
                placed = dict(zip(pods.tolist(), to.tolist(), strict=True))
                assert expected == ("moved", placed, removal.waits)
                assert removal.moves()[0][removal.first : removal.last].tolist() == pods.tolist()
            elif status == BLOCKED:
                assert expected == ("blocked", removal.blocking)
            else:
                assert expected == ("stays",)
            assert placement.last_match == twin.placement.last_match
            for mine, other in zip(masks[:2], masks[2:], strict=True):
                assert np.flatnonzero(mine).tolist() == np.flatnonzero(other).tolist()
            if number >= told_after:
                removal.publish()
                ours, theirs = pair.contents()
                assert ours == theirs
        placement.revert()
        twin.placement.revert()
        twin.pods, twin.names = before
        pair.hints.drop_old()
        twin.drop_old()
        assert pair.contents()[0] == pair.contents()[1]
    return found


@given(
    cluster=clusters,
    templates=st.lists(owned_pods | all_pods, min_size=1, max_size=5)
    | st.lists(plain_owned_pods, min_size=1, max_size=5),
    outcomes=st.lists(OUTCOMES, min_size=5, max_size=5),
    unusable=st.sets(st.integers(0, 4), max_size=2),
    told_after=st.integers(0, 5),
)
def test_a_node_goes_if_all_its_pods_find_a_place(
    cluster, templates, outcomes, unusable, told_after
):
    pair = Pair(cluster, templates)
    usable = pair.placement.mask()
    usable[[node for node in pair.twin.names if node not in unusable]] = True
    assert_removals_agree(pair, usable, outcomes, told_after)


@pytest.mark.parametrize("told_after", [40, 149])
@pytest.mark.parametrize("seed", range(3))
def test_many_nodes_go_or_stay_as_there_is_room_for_what_they_held(seed, told_after):
    draw = random.Random(seed)
    templates = [template(1 + i, draw.randint(1, 4)) for i in range(5)]
    cluster = [
        (node_of(draw.randint(3, 12), 20, 9), draw.choices(range(5), k=draw.randint(0, 3)))
        for _ in range(150)
    ]
    pair = Pair(cluster, templates)
    usable = pair.placement.mask()
    usable[list(pair.twin.names)] = True

    found = assert_removals_agree(pair, usable, [2] * 5, told_after)

    assert {REMOVABLE, NO_PLACE} <= set(found)


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

    handles = together.add_nodes(given_nodes, names, lists, classes)

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

    (node,) = placement.add_nodes([node_of(100, 100, 50)], ["n"], [columns(before)], classes)
    placement.set_pods(node, columns(after))

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


def test_unknown_classes_and_short_masks_are_refused():
    placement = KernelPlacement()
    node = placement.add_node(node_of(4, 4, 4), "n")
    pods = PodList(np.array([0]), np.array([0]), np.array([7], np.int32))

    with pytest.raises(ValueError, match="class 7 is not known"):
        placement.place_hinted(pods, Hints())
    short = np.zeros(0, np.bool_)
    with pytest.raises(ValueError, match="a mask must have 1 entries, found 0"):
        placement.begin_removals(Hints(), short, short, np.zeros(8, np.int8), no_question)
    assert placement.is_there(node)
