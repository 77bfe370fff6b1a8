"""The queue of the pods of some lists: their sorted union, however far it is asked for."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pyscale.kernel._provision_queue import PodQueues


def queues_of(lengths, keys):
    queues = PodQueues()
    size, created, number = (np.array(column, np.int64) for column in zip(*keys, strict=True))
    offsets = np.cumsum([0, *lengths]).astype(np.int32)
    queues.set(offsets, size.astype(np.int32), created, number)
    return queues, offsets


def queue_by_sorting(lists, offsets, keys):
    """Every pod with its place among the pods of the lists."""
    pods = [pod for number in lists for pod in range(offsets[number], offsets[number + 1])]
    return sorted(((pod, place) for place, pod in enumerate(pods)), key=lambda each: keys[each[0]])


def keys_of(data, n):
    ids = data.draw(st.permutations(range(n)))
    return [(data.draw(st.integers(0, 2)), data.draw(st.integers(0, 3)), number) for number in ids]


@given(st.lists(st.integers(0, 12), min_size=1, max_size=6), st.data())
def test_the_queue_is_the_sorted_union_of_its_lists(lengths, data):
    n = sum(lengths)
    if not n:
        return
    keys = keys_of(data, n)
    queues, offsets = queues_of(lengths, keys)
    for _ in range(4):
        # What an earlier queue has taken or left is no matter.
        lists = data.draw(st.lists(st.sampled_from(range(len(lengths))), unique=True))
        wanted = data.draw(st.integers(0, n + 1))
        found = queues.first(np.array(lists, np.int32), wanted)
        assert found == queue_by_sorting(lists, offsets, keys)[:wanted]


@given(st.integers(505, 1200), st.integers(0, 2**32 - 1))
def test_long_lists_are_sorted_as_well(n, seed):
    rng = np.random.default_rng(seed)
    lengths = [n, 30]
    ids = rng.permutation(n + 30).tolist()
    keys = [(int(rng.integers(3)), int(rng.integers(n)), number) for number in ids]
    queues, offsets = queues_of(lengths, keys)
    expected = queue_by_sorting([1, 0], offsets, keys)
    assert queues.first(np.array([1, 0], np.int32), 10) == expected[:10]
    assert queues.first(np.array([1, 0], np.int32), n + 31) == expected


def test_lists_can_be_set_again():
    queues, _ = queues_of([2], [(0, 0, 1), (0, 0, 0)])
    assert queues.first(np.array([0], np.int32), 2) == [(1, 1), (0, 0)]
    queues.set(
        np.array([0, 1, 1], np.int32),
        np.array([5], np.int32),
        np.array([0], np.int64),
        np.array([7], np.int64),
    )
    assert queues.first(np.array([1, 0], np.int32), 2) == [(0, 0)]
    assert queues.first(np.array([], np.int32), 2) == []
