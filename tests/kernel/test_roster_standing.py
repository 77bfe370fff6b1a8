"""What a roster tells about its nodes as candidates."""

import numpy as np
import pytest
from plain_kernel import add_plain_class, plain_kernel

from pyscale.kernel._candidacy import Candidacy
from pyscale.kernel._roster import Roster
from pyscale.policies.karpenter.standings import MANAGED, PATIENT

EPOCH, SECOND = 10**18, 10**9
BOOTING, READY, DRAINING, TERMINATING = range(4)
MOVES, IS_DAEMON, IS_RESCHEDULABLE, LEAVES = 1, 2, 4, 8
NOTHING = np.empty(0, np.uint8)
EMPTINESS, DRIFT, MULTI_NODE = range(3)
# Why a node is refused, as the kernel numbers it.
WITHOUT_NODE, MARKED, NOMINATED, BLOCKED, NOT_DRIFTED, NOT_RESTED = 2, 4, 5, 8, 10, 12


def roster(states, pods=(), cordoned=()):
    """Nodes 0, 1 and so on, created at 1 s and ready at 2 s, the pods of class 0 bound at 3 s."""
    found = Roster(EPOCH, np.array([MOVES | IS_RESCHEDULABLE | LEAVES], np.uint8), np.array([0.5]))
    n = len(states)
    stale = found.follow(
        np.arange(n),
        np.zeros(n, np.int64),
        np.zeros(n, np.int32),
        np.array(states, np.uint8),
        np.array([i in cordoned for i in range(n)], np.uint8),
        np.full(n, SECOND),
        np.full(n, 2 * SECOND),
    )
    held = [pods.count(i) for i in range(n)]
    found.read(
        stale,
        np.cumsum([0, *held]),
        np.arange(len(pods)),
        np.zeros(len(pods), np.int32),
        np.full(len(pods), 3 * SECOND),
        10 * SECOND,
    )
    found.begin(1)
    kernel, nobody = plain_kernel(), np.empty(0, np.int64)
    found.set_class(0, add_plain_class(kernel, 1), -1, np.array([1]))
    kernel.set_sizes(np.zeros(1, np.int32))
    one, yes = np.array([10]), np.ones(1, np.uint8)
    for shape in (0, 1):
        found.set_shape(shape, 0, 0, 0, one, one, np.array([0]), yes, yes)
    found.tell(kernel, np.empty(0, np.int32), nobody, nobody)
    return found


def stand(found, now=100, blocks=NOTHING, wait=0, flags=MANAGED | 0b11100000000000):
    candidacy = Candidacy(np.zeros(1, np.uint8), np.array([wait * SECOND]))
    for kind in found.strange_kinds():
        found.set_kind(kind, flags, 0, 2.5)
    return candidacy, found.stand(candidacy, EPOCH + now * SECOND, blocks)


def refusals(candidacy, method=EMPTINESS):
    return [candidacy.refusal(i, method) for i in range(len(candidacy))]


def test_the_state_of_a_node_rules_it_out():
    found = roster([READY, BOOTING, DRAINING, TERMINATING, READY], cordoned=[4])
    candidacy, _ = stand(found)
    # The one that boots is the last.
    assert refusals(candidacy) == [0, MARKED, MARKED, MARKED, WITHOUT_NODE]
    assert candidacy.counts() == [(3, 2)]


def test_a_nomination_ends():
    found = roster([READY])
    found.nominate(0, EPOCH + 50 * SECOND)
    assert [refusals(stand(found, now)[0]) for now in (49, 50)] == [[NOMINATED], [0]]


def test_pods_cost_and_keep_their_node():
    found = roster([READY, READY], pods=[0, 0])
    candidacy, _ = stand(found)
    assert [candidacy.worth(i)[:4] for i in range(2)] == [
        (2.5, 2.0, 1.0, True),
        (2.5, 1.0, 0.0, False),
    ]
    assert refusals(candidacy, MULTI_NODE)[0] == 0
    candidacy, _ = stand(found, blocks=np.ones(1, np.uint8))
    assert refusals(candidacy, MULTI_NODE)[0] == BLOCKED
    assert refusals(candidacy, DRIFT) == [BLOCKED, NOT_DRIFTED]
    found.forget_standing()
    candidacy, _ = stand(found, blocks=np.ones(1, np.uint8), flags=MANAGED | PATIENT)
    assert refusals(candidacy, DRIFT) == [NOT_DRIFTED] * 2


@pytest.mark.parametrize(("now", "rested"), [(11, []), (12, [1]), (13, [0, 1])])
def test_a_node_rests_from_its_last_pod_or_else_from_when_it_was_ready(now, rested):
    found = roster([READY, READY], pods=[0])
    candidacy, _ = stand(found, now, wait=10)
    assert candidacy.rested() == rested
    assert candidacy.next_change(0) == (
        2**62 if len(rested) == 2 else EPOCH + (13 if rested else 12) * SECOND
    )


def test_whether_a_node_drifts_is_asked_until_it_is_known():
    found = roster([READY, DRAINING, BOOTING])
    assert stand(found)[1] == [0, 2]
    found.set_sound(0, EPOCH + 100 * SECOND)
    assert stand(found)[1] == [2]
    assert stand(found, now=101)[1] == [0, 2]
    found.set_sound(0, EPOCH + 200 * SECOND)
    found.forget_standing()
    assert stand(found)[1] == [0, 2]
