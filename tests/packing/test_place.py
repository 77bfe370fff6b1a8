from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import pyscale as ps
from pyscale import packing
from pyscale.packing import PACK_RULES, orders


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"requests": [1, 2]}, ValueError,
         r"requests must have shape \(n_classes, n_resources\), found \(2,\)"),
        ({"requests": [[1.5]]}, TypeError, "requests must be integers, found dtype float64"),
        ({"requests": [[True]]}, TypeError, "requests must be integers, found dtype bool"),
        ({"requests": [[1], [-5]], "counts": None}, ValueError,
         r"requests\[1, 0\] must be >= 0, found -5"),
        ({"requests": [[2**61 + 1]]}, ValueError,
         r"requests\[0, 0\] must be at most 2\*\*61, found 2305843009213693953"),
        ({"requests": [[2**70]]}, ValueError, r"requests\[0, 0\] must be at most 2\*\*61"),
        ({"requests": [["x"]]}, TypeError, "requests must be integers, found dtype <U1"),
        ({"requests": np.array([[None]])}, TypeError,
         r"requests\[0, 0\] must be an integer, found None"),
        ({"requests": np.empty((1, 0), int)}, ValueError,
         "requests must have 1 to 32 resources, found 0"),
        ({"counts": [1, 2]}, ValueError, r"counts must have shape \(1,\), found \(2,\)"),
        ({"counts": [-1]}, ValueError, r"counts\[0\] must be >= 0, found -1"),
        ({"requests": [[1], [1]], "counts": [2**61, 2**61]}, ValueError,
         "counts must sum to less than 2\\*\\*62, found 4611686018427387904"),
        ({"capacity": [1, 2]}, ValueError, r"capacity must have shape \(1,\), found \(2,\)"),
        ({"capacity": [-2]}, ValueError, r"capacity\[0\] must be >= 0, found -2"),
        ({"rule": "worst"}, ValueError, "rule must be one of first_fit, .*, found 'worst'"),
        ({"rule": "rotating"}, ValueError, "rule must be one of .*, found 'rotating'"),
        ({"order": "size"}, ValueError, "order must be one of lexicographic, .*, found 'size'"),
        ({"weights": [1, 1]}, ValueError, r"weights must have shape \(1,\), found \(2,\)"),
        ({"free": [[1, 2]]}, ValueError, r"free must have shape \(n_runs, 1\), found \(1, 2\)"),
        (
            {"free": [[1]], "free_counts": [0]},
            ValueError,
            r"free_counts\[0\] must be >= 1, found 0",
        ),
        ({"free_counts": [1]}, ValueError, "free_counts needs free, found None"),
        ({"max_new_nodes": -1}, ValueError, "max_new_nodes must be >= 0, found -1"),
        ({"max_new_nodes": 1.5}, TypeError, "max_new_nodes must be an integer or None, found 1.5"),
        ({"rule": "fewest_pods_first", "free": [[1]]}, ValueError,
         "free cannot be used with fewest_pods_first"),
        ({"rule": "fewest_pods_first", "capacity": np.empty((0, 1), int)}, ValueError,
         "capacity must have at least one node type, found none"),
        ({"rule": "fewest_pods_first", "counts": [2**31]}, ValueError,
         r"counts must sum to less than 2\*\*31 for fewest_pods_first, found 2147483648"),
    ],
)  # fmt: skip
def test_wrong_input_is_refused_in_one_line(
    arguments: dict[str, Any], error: type[Exception], message: str
) -> None:
    given: dict[str, Any] = {"requests": [[1]], "counts": [1], "capacity": [4], **arguments}
    with pytest.raises(error, match=message) as caught:
        ps.pack(**given)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("last_node", "error", "message"),
    [
        (2, ValueError, "last_node must be -1 to 1, found 2"),
        (True, TypeError, "last_node must be an integer, found True"),
    ],
)
def test_a_last_node_that_is_not_there_is_refused(
    last_node: int, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        ps.place([[1]], [1], [[1], [1]], "rotating", last_node=last_node)


@pytest.mark.parametrize(
    "rule", [rule for rule in PACK_RULES if not rule.startswith("fewest_pods_first")]
)
def test_each_rule_has_its_own_door(rule: str) -> None:
    door = getattr(packing, rule)
    requests, counts = [[3, 1], [5, 4], [1, 2]], [4, 3, 9]
    assert door(requests, counts, [9, 9]) == ps.pack(requests, counts, [9, 9], rule)
    free = [[4, 4], [9, 1]]
    assert door(requests, counts, free=free) == ps.place(requests, counts, free, rule)
    assert door.__name__ == rule
    with pytest.raises(ValueError, match="max_new_nodes needs capacity, found 3"):
        door(requests, counts, max_new_nodes=3)


def test_any_integer_type_and_layout_is_taken() -> None:
    expected = ps.pack([[3, 1], [2, 2]], [2, 2], [7, 7])
    for dtype in (np.uint8, np.int16, np.uint64, object):
        requests = np.asfortranarray(np.array([[3, 1], [2, 2]], dtype=dtype))
        assert ps.pack(requests, [2, 2], [7, 7]) == expected


def test_weights_decide_which_node_is_best() -> None:
    free = [[10, 2], [3, 9]]
    assert ps.place([[1, 1]], [1], free, "best_fit", weights=[1, 0]).node_of_pod.tolist() == [1]
    assert ps.place([[1, 1]], [1], free, "best_fit", weights=[0, 1]).node_of_pod.tolist() == [0]


def test_many_kinds_of_nodes_are_tried_and_equal_ones_share_a_result() -> None:
    requests, counts = [[8, 5], [5, 9], [2, 2]], [3, 2, 10]
    kinds = [[20, 20], [40, 40], [20, 20], [20, 20]]
    allowed = np.array([[1, 1, 1], [1, 1, 1], [1, 1, 1], [1, 0, 1]], dtype=bool)
    results = ps.pack_each(requests, counts, kinds, allowed=allowed)
    assert results[0] == ps.pack(requests, counts, [20, 20])
    assert results[1] == ps.pack(requests, counts, [40, 40])
    assert results[2] is results[0]
    assert results[3].unplaced.tolist() == [0, 2, 0]
    assert results[3].reason(1) == "the class is not allowed here"
    assert results[3].node_of_pod.tolist()[3:5] == [-1, -1]
    with pytest.raises(ValueError, match=r"allowed must be bool of shape \(4, 3\), found int64"):
        ps.pack_each(requests, counts, kinds, allowed=np.ones((4, 3), int))


def test_what_a_rule_with_eager_nodes_leaves_out_is_unplaced() -> None:
    (result,) = ps.pack_each(
        [[2], [3]], [2, 2], [[6]], "fewest_pods_first", allowed=np.array([[False, True]])
    )
    assert result.node_of_pod.tolist() == [-1, -1, 0, 0]
    assert result.records.tolist() == [[1, 0, 1, 2]]


def test_weights_beyond_61_bits_are_rounded_in_proportion() -> None:
    capacity = np.array([2**61 - 1, 2**61 - 3, 7], dtype=np.int64)
    weights = orders.integer_weights(orders.unit_weights(capacity, None))
    assert weights.tolist() == [7, 7, 2**61]
    with pytest.raises(ValueError, match=r"room must sum to less than 2\*\*61 over all resources"):
        orders.room_weights(orders.unit_weights(capacity, None), [2**61, 2**61, 7])
