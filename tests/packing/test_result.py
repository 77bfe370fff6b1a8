from __future__ import annotations

import json
import pickle
import sys

import numpy as np
import pytest

import pyscale as ps
from pyscale.errors import MissingDependencyError

REQUESTS = [[8, 5], [5, 9], [2, 2], [30, 1]]
COUNTS = [3, 2, 10, 4]


def example(rule: str = "first_fit_decreasing") -> ps.Packing:
    return ps.pack(REQUESTS, COUNTS, [20, 20], rule)


def test_it_is_plain_data_on_request() -> None:
    plain = json.loads(json.dumps(example().to_dict()))
    assert plain["n_nodes"] == 3
    assert plain["records"][0] == {"class": 0, "first_node": 0, "n_nodes": 1, "copies": 2}
    assert plain["unplaced"] == [
        {"class": 3, "pods": 4, "reason": "requests[3, 0] = 30 exceeds the capacity 20"}
    ]


@pytest.mark.parametrize("rule", ["first_fit_decreasing", "fewest_pods_first"])
def test_it_survives_pickling_without_what_can_be_computed_again(rule: str) -> None:
    packing = example(rule)
    packing.room, packing.records, packing.node_of_pod, packing.class_of_pod  # noqa: B018
    again = pickle.loads(pickle.dumps(packing))
    assert again == packing
    assert "room" not in vars(again)


def test_it_cannot_be_changed() -> None:
    packing = example()
    for array in (packing.records, packing.node_of_pod, packing.room, packing.requests):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1


def test_it_does_not_change_with_the_arrays_it_came_from() -> None:
    requests = np.array([[5], [3]])
    packing = ps.pack(requests, None, [9])
    requests[:] = 0
    assert packing.room.tolist() == [[1]]


def test_it_shows_in_a_terminal_and_in_a_notebook() -> None:
    assert repr(example()) == (
        "<Packing rule: first_fit_decreasing, classes: 4, pods: 19, existing nodes: 0, "
        "new nodes: 3, pods without a place: 4>"
    )
    assert "<th>new nodes</th><td>3</td>" in example()._repr_html_()


def test_reasons_name_the_resource_or_the_limit() -> None:
    assert ps.pack([[1], [5]], [9, 1], [4], max_new_nodes=1).reason(0) == (
        "no node has room, and no more nodes may be opened"
    )
    mixed = ps.pack([[4, 4]], [1], [[9, 1], [1, 9]], "fewest_pods_first")
    assert mixed.reason(0) == "no node type has room for all resources at once"
    assert ps.pack([[1]], [1], [4]).reason(0) == ""


def test_records_are_exported_as_an_arrow_stream() -> None:
    pa = pytest.importorskip("pyarrow")
    table = pa.table(example())
    assert table.column_names == ["class", "first_node", "n_nodes", "copies"]
    assert table.to_pydict()["copies"] == example().records[:, 3].tolist()


def test_without_pyarrow_the_export_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingDependencyError, match=r"pip install pyscale\[io\]"):
        example().__arrow_c_stream__()


def test_results_that_differ_are_not_equal() -> None:
    assert example() == example()
    assert example() != example("best_fit")
    assert example() != "a packing"
