"""The nodes of a run and their pods, brought up to date node by node."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from plain_kernel import add_plain_class, plain_kernel

from pyscale.kernel._candidacy import Candidacy
from pyscale.kernel._provision_prices import ClaimPrices
from pyscale.kernel._roster import Roster
from pyscale.kernel._screening import Screen
from pyscale.policies.karpenter.standings import INITIALIZED

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
        stale = roster.follow(
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
        return stale


class Told:
    """A roster, and a kernel of one resource that it tells.

    Nodes of kind 0 list 10 of it, and their daemons are to take some.
    """

    def __init__(self, amounts=(3, 2, 4), ports=(-1,) * 8, daemons=0):
        n = len(amounts)
        flags = np.array([ORDINARY, IS_DAEMON, *[ORDINARY] * (n - 2)], np.uint8)
        self.roster = Roster(EPOCH, flags, np.array([*COSTS, *[1.0] * n][:n]))
        self.roster.begin(1)
        self.amounts, self.ports = amounts, ports
        self.kernel = plain_kernel()
        one, yes = np.array([10]), np.ones(1, np.uint8)
        for shape in (0, 1):
            self.roster.set_shape(shape, 5, 6, -1, one, one, np.array([daemons]), yes, yes)
        self.known = []

    def meet(self, classes):
        """Let the kernel have some classes of the run, in this order."""
        for class_id in classes:
            amount, ports = self.amounts[class_id], self.ports[class_id]
            number = add_plain_class(self.kernel, amount, ports)
            self.roster.set_class(class_id, number, ports, np.array([amount]))
            self.known.append(class_id)
        sizes = sorted({-self.amounts[class_id] for class_id in self.known})
        ranks = [sizes.index(-self.amounts[class_id]) for class_id in self.known]
        self.kernel.set_sizes(np.array(ranks, np.int32))

    def tell(self, pending=()):
        """Tell the kernel of the nodes, and of pending pods of these classes."""
        n = len(pending)
        self.n_nodes = len(self.roster)
        ids = np.arange(1000, 1000 + n)
        self.roster.tell(self.kernel, np.array(pending, np.int32), np.zeros(n, np.int64), ids)

    def solve(self, excluded=()):
        """Where pods go, which bound ones take part, and the classes of all."""
        found = self.kernel.solve(
            np.array(excluded, np.int32),
            self._under(()),
            np.empty(0, np.int64),
            False,
            False,
        )
        classes = [self.known[number] for number in found.classes.tolist()]
        return found.place.tolist(), found.moved.tolist(), classes

    def is_unplaced(self, excluded, under=()):
        """Say whether a round without some nodes leaves a pod without a place that will work."""
        unplaced, *_ = self.kernel.what_ifs(
            np.array([0, len(excluded)], np.int32),
            np.array(excluded, np.int32),
            self._under(under),
            np.empty(0, np.int64),
            False,
        )
        return bool(unplaced[0])

    def refuses(self, excluded, under=()):
        """Say whether a scan rules out to do without some nodes."""
        n, now = self.n_nodes, 100 * SECOND
        candidacy = Candidacy(np.zeros(1, np.uint8), np.array([SECOND]))
        active = np.where(self._under(under), now, 0)
        candidacy.set(
            np.full(n, INITIALIZED, np.uint16),
            np.zeros(n, np.int32),
            np.ones((n, 3)),
            np.stack([active, active], 1),
            now,
        )
        nobody, prices = np.empty(0, np.int64), ClaimPrices(None, 1)
        screen = Screen(self.kernel, candidacy, nobody, False, False, prices)
        return screen.together(np.array(excluded, np.int32), len(excluded))[0]

    def _under(self, nodes):
        under = np.zeros(self.n_nodes, np.uint8)
        under[list(nodes)] = 1
        return under


def test_only_nodes_that_changed_are_read():
    nodes, found = Nodes(), roster()
    nodes.set(3, {1: (WEB, 0)})
    nodes.set(8)
    assert nodes.tell(found) == [0, 1]
    assert nodes.tell(found) == []
    nodes.set(8, {2: (WEB, SECOND)})
    assert nodes.tell(found) == [1]
    del nodes.rows[3]
    assert nodes.tell(found) == []
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
    nodes, told = Nodes(), Told()
    nodes.set(1, state=BOOTING)
    nodes.set(2, {11: (WEB, 0), 12: (DAEMON, 0)})
    nodes.set(3, {13: (BATCH, 0)}, state=DRAINING)
    nodes.set(4, {14: (BATCH, 0), 15: (BATCH, 0)})
    nodes.tell(told.roster)
    told.meet((WEB, DAEMON, BATCH))
    told.tell([WEB])
    assert told.roster.ids() == [2, 3, 4, 1]
    assert [told.roster.id_of(number) for number in range(4)] == [2, 3, 4, 1]
    assert told.roster.n_initialized == 3
    # Five are left on the first, two on the third, and no pod goes where others have to leave.
    assert told.solve() == ([3, 0], [2], [WEB, BATCH])
    assert told.solve([0]) == ([3, 3, 3], [0, 2], [WEB, WEB, BATCH])
    assert told.solve([1]) == told.solve()
    assert told.solve([2]) == ([-1, 3, 3, 0], [3, 4, 2], [WEB, BATCH, BATCH, BATCH])
    assert told.is_unplaced([0])


def test_a_node_number_that_does_not_exist_has_no_id():
    with pytest.raises(IndexError, match="number must be from 0 to -1, found 0"):
        roster().id_of(0)


def test_what_nothing_is_known_of_is_named():
    nodes, told = Nodes(), Told()
    nodes.set(1, {11: (WEB, 0)}, kind=1)
    nodes.set(2, {12: (DAEMON, 0)})
    nodes.tell(told.roster)
    none, batch = np.empty(0, np.int32), np.array([BATCH], np.int32)
    assert told.roster.missing(none) == ([WEB, DAEMON], {2: 0})
    assert told.roster.missing(batch) == ([WEB, DAEMON, BATCH], {2: 0})
    told.meet((WEB, DAEMON))
    assert told.roster.missing(batch) == ([BATCH], {2: 0})


@given(st.lists(st.sampled_from((WEB, DAEMON, BATCH)), max_size=5), st.integers(0, 5))
def test_room_is_what_pods_and_the_daemons_to_come_leave(classes, daemons):
    running = 2 * classes.count(DAEMON)
    left = 10 - running - 3 * classes.count(WEB) - 4 * classes.count(BATCH)
    left -= max(0, daemons - running)
    nodes = Nodes()
    nodes.set(0, {pod: (class_id, 0) for pod, class_id in enumerate(classes)})
    told = Told((3, 2, 4, max(0, left), left + 1), daemons=daemons)
    nodes.tell(told.roster)
    told.meet(range(5))
    told.tell([3])
    assert told.solve()[0] == [0 if left >= 0 else -1]
    told.tell([4])
    assert told.solve()[0] == [-1]


@st.composite
def changes(draw):
    """A change of some nodes, the pods that wait then, nodes to do without and to leave alone."""
    states = st.tuples(st.sampled_from((BOOTING, READY, READY, READY, DRAINING)), st.booleans())
    some = st.dictionaries(
        st.integers(0, 4),
        st.none() | st.tuples(st.lists(st.integers(0, 4), max_size=4), states),
        max_size=3,
    )
    few = st.lists(st.integers(0, 4), max_size=4)
    return draw(some), draw(few), draw(few), draw(few)


@given(st.lists(changes(), min_size=1, max_size=6))
def test_what_was_handed_on_decides_like_what_is_made_anew(story):
    amounts, ports = (3, 2, 4, 1, 5), (-1, -1, -1, 0, 1)
    nodes, told, n_pods = Nodes(), Told(amounts, ports), 0
    for change, pending, without, spared in story:
        for node, row in change.items():
            if row is None:
                nodes.rows.pop(node, None)
                continue
            classes, (state, cordoned) = row
            # Later pods do not have later times.
            pods = {n_pods + i: (it, -n_pods % 7 * SECOND) for i, it in enumerate(classes)}
            n_pods += len(classes)
            nodes.set(node, pods, state=state, cordoned=cordoned)
        nodes.tell(told.roster)
        missing, _ = told.roster.missing(np.array(pending, np.int32))
        told.meet(missing)
        anew = Told(amounts, ports)
        nodes.tell(anew.roster)
        anew.meet(told.known)
        assert told.tell(pending) == anew.tell(pending)
        excluded = [number for number in without if number < told.n_nodes]
        under = [number for number in spared if number < told.n_nodes]
        assert told.solve(excluded) == anew.solve(excluded)
        assert told.solve() == anew.solve()
        for group in filter(None, (excluded, *([number] for number in range(told.n_nodes)))):
            # Bounds on what homes have room for rule out nothing that would find a place.
            assert told.refuses(group, under) == anew.is_unplaced(group, under)
