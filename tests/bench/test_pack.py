from __future__ import annotations

import numpy as np
from reference import packing as slow

import pyscale as ps
from pyscale import bench
from pyscale.bench import pack
from pyscale.bench._instances import draws, web_mix


def test_the_rows_give_the_answers_that_are_recorded() -> None:
    quick = [row.name for row in bench.rows_of("pack") if "1e5" not in row.name]
    for row in bench.run(quick, repeats=1):
        assert row.answer_equal, row


def test_instances_are_made_of_the_published_generator() -> None:
    """The first words of SplitMix64 for the seed 1234567, as in its reference implementation."""
    assert draws(1234567, 3).tolist() == [
        6457827717110365317,
        3203168211198807973,
        9817491932198370423,
    ]


def test_checksums_agree_with_counting_pod_by_pod() -> None:
    instance = web_mix(20, 4, 400)
    packing = ps.pack(instance.requests, instance.counts, instance.capacity, "first_fit")
    pods = np.repeat(np.arange(20), instance.counts)
    rooms: list[list[int]] = []
    nodes = slow.pack(
        instance.requests[pods].tolist(), rooms, slow.first, instance.capacity.tolist()
    )
    expected = sum((c + 1) * (n + 1) for c, n in zip(pods.tolist(), nodes, strict=True))
    assert pack.packing_answer(packing) == (len(rooms), 0, expected)
    placed = ps.place_sequence(instance.requests, pods, capacity=instance.capacity)
    assert pack.sequence_answer(placed) == (len(rooms), 0, expected)
