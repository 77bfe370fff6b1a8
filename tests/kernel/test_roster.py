"""The nodes of a run and their pods, brought up to date node by node."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyscale.kernel._roster import Roster

EPOCH, SECOND = 10**18, 10**9
BOOTING, READY, DRAINING = 0, 1, 2
WEB, DAEMON, BATCH = range(3)
MOVES, IS_DAEMON, IS_RESCHEDULABLE, LEAVES = 1, 2, 4, 8
ORDINARY = MOVES | IS_RESCHEDULABLE | LEAVES
COSTS = (1.0, 2.0, -0.5)


def roster():
    flags = np.array([ORDINARY, IS_DAEMON, ORDINARY], np.uint8)
    return Roster(EPOCH, flags, np.array(COSTS))


class Nodes:
    """What a view shows: id -> [version, kind, state, cordoned, {pod: (class, bound)}]."""

    def __init__(self):
        self.rows = {}

    def set(self, node, pods=(), kind=0, state=READY, cordoned=False):
        version = self.rows[node][0] + 1 if node in self.rows else 0
        self.rows[node] = [version, kind, state, cordoned, dict(pods)]

    def tell(self, roster, now=0):
        rows = [self.rows[node] for node in sorted(self.rows)]
        stale, changed = roster.follow(
            np.array(sorted(self.rows), np.int64),
            np.array([row[0] for row in rows], np.int64),
            np.array([row[1] for row in rows], np.int32),
            np.array([row[2] for row in rows], np.uint8),
            np.array([row[3] for row in rows], np.uint8),
            np.zeros(len(rows), np.int64),
            np.zeros(len(rows), np.int64),
        )
        held = [sorted(rows[i][4].items()) for i in stale]
        flat = [pod for pods in held for pod in pods]
        roster.read(
            stale,
            np.cumsum([0, *map(len, held)]),
            np.array([pod for pod, _ in flat], np.int64),
            np.array([class_id for _, (class_id, _) in flat], np.int32),
            np.array([bound for _, (_, bound) in flat], np.int64),
            now,
        )
        return stale, changed


def set_up(roster, daemons=0):
    """One resource, of which nodes of kind 0 list 10 and their daemons are to take some."""
    roster.begin(1)
    for class_id, amount in ((WEB, 3), (DAEMON, 2), (BATCH, 4)):
        roster.set_class(class_id, 10 + class_id, -1, np.array([amount]))
    for shape in (0, 1):
        one, yes = np.array([10]), np.ones(1, np.uint8)
        roster.set_shape(shape, 5, 6, 7, one, one, np.array([daemons]), yes, yes)


def test_only_nodes_that_changed_are_read():
    nodes, found = Nodes(), roster()
    nodes.set(3, {1: (WEB, 0)})
    nodes.set(8)
    assert nodes.tell(found) == ([0, 1], True)
    assert nodes.tell(found) == ([], False)
    nodes.set(8, {2: (WEB, SECOND)})
    assert nodes.tell(found) == ([1], True)
    del nodes.rows[3]
    assert nodes.tell(found) == ([], True)
    assert found.ids() == [8]
    assert found.stamps(0)[0] == 8


@pytest.mark.parametrize(
    ("before", "after", "event"),
    [
        ({}, {1: (WEB, 50 * SECOND)}, 50),
        ({1: (WEB, 50 * SECOND)}, {}, 90),
        ({}, {1: (DAEMON, 50 * SECOND)}, None),
        ({1: (WEB, 0)}, {1: (WEB, 0), 2: (BATCH, 70 * SECOND)}, 70),
        ({1: (WEB, 0)}, {2: (BATCH, 70 * SECOND)}, 90),
        ({1: (WEB, 0)}, {1: (WEB, 0), 2: (BATCH, 9 * SECOND)}, 0),
    ],
    ids=["came", "left", "daemon", "another", "exchanged", "within ten seconds"],
)
def test_the_last_event_is_when_a_pod_came_or_what_left_was_missed(before, after, event):
    nodes, found = Nodes(), roster()
    nodes.set(0, before)
    nodes.tell(found)
    nodes.set(0, after)
    nodes.tell(found, now=90 * SECOND)
    assert found.stamps(0)[4] == (None if event is None else EPOCH + event * SECOND)


def test_machines_that_boot_are_the_last_and_what_leaves_is_listed_by_node():
    nodes, found = Nodes(), roster()
    nodes.set(1, state=BOOTING)
    nodes.set(2, {11: (WEB, 0), 12: (DAEMON, 0)})
    nodes.set(3, {13: (BATCH, 0)}, state=DRAINING)
    nodes.tell(found)
    assert found.missing() == ([WEB, DAEMON, BATCH], {0: 2, 1: 0})
    set_up(found)
    assert found.missing() == ([], {})
    sets, room, hosts, taints, templates, _, usable, flags, domains, *_ = found.nodes()
    assert found.ids() == [2, 3, 1]
    assert found.n_initialized == 2
    assert room.ravel().tolist() == [5, 6, 10]
    assert usable.tolist() == [1, 0, 1]
    assert flags.tolist() == [3, 0, 10]
    assert domains.tolist() == [0, 1, -1]
    assert [sets[0], taints[0], templates[0]] == [5, 6, 7]
    assert hosts.tolist() == [0, 1, 2]
    classes, node_of_pod, _, created, ids, leavers_off, leavers, moving = found.bound()
    assert classes.tolist() == [10, 11, 12]
    assert node_of_pod.tolist() == [0, 0, 1]
    assert (created == EPOCH).all()
    assert ids.tolist() == [11, 12, 13]
    assert leavers_off.tolist() == [0, 1, 2, 2]
    assert leavers.tolist() == [0, 2]
    assert moving.tolist() == [2]


@given(
    st.lists(st.sampled_from((WEB, DAEMON, BATCH)), max_size=5),
    st.integers(0, 5),
)
def test_room_is_what_pods_and_the_daemons_to_come_leave(classes, daemons):
    nodes, found = Nodes(), roster()
    nodes.set(0, {pod: (class_id, 0) for pod, class_id in enumerate(classes)})
    nodes.tell(found)
    set_up(found, daemons)
    _, room, *_, usable, _, _, _, _ = found.nodes()
    running = 2 * classes.count(DAEMON)
    left = 10 - running - 3 * classes.count(WEB) - 4 * classes.count(BATCH)
    left -= max(0, daemons - running)
    assert room.tolist() == [[left]]
    assert usable.tolist() == [left >= 0]
