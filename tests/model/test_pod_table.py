"""The pod table: immutable columns over a table of classes."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyscale.model.content import classes_of, content_digest, content_key
from pyscale.model.pod_table import NEVER, PodTable
from pyscale.model.pods import Container, Pod, PodSpec, PodTemplate
from pyscale.model.volumes import Volume


def template(cpu: int, **labels: str) -> PodTemplate:
    spec = PodSpec(containers=(Container(requests={"cpu": cpu, "memory": 10**9}),))
    return PodTemplate(spec=spec, labels=labels)


TEMPLATES = (template(1), template(2, app="web"))
rows = st.lists(
    st.tuples(
        st.integers(0, 1), st.integers(1, 50), st.integers(0, 10**15), st.integers(-1, 10**15)
    ),
    max_size=30,
)


def table_of(given_rows: list[tuple[int, int, int, int]], **columns: object) -> PodTable:
    columns_of = np.array(given_rows, dtype=np.int64).reshape(-1, 4).T
    return PodTable.build(TEMPLATES, *columns_of, **columns)


def test_one_number_holds_for_all_rows() -> None:
    table = PodTable.build(TEMPLATES, [0, 1, 1], count=2, names=["a", "b", "c"])
    assert (len(table), table.n_pods) == (3, 6)
    assert table.count.tolist() == [2, 2, 2]
    assert table.arrival_ns.tolist() == [0, 0, 0]
    assert table.duration_ns.tolist() == [NEVER] * 3
    assert repr(table) == "PodTable(n_rows=3, n_pods=6, n_classes=2)"


def test_a_table_may_be_empty() -> None:
    table = PodTable.build((), [])
    assert (len(table), table.n_pods) == (0, 0)
    assert len(table.sorted_by_arrival().window(0, 10)) == 0
    assert len(table.select([])) == 0


def test_columns_cannot_be_changed_and_do_not_follow_the_callers_array() -> None:
    arrival = np.array([5, 3])
    table = PodTable.build(TEMPLATES, [0, 1], arrival_ns=arrival)
    arrival[0] = 99
    assert table.arrival_ns.tolist() == [5, 3]
    with pytest.raises(ValueError, match="read-only"):
        table.arrival_ns[0] = 1


def test_a_read_only_column_is_not_copied() -> None:
    arrival = np.array([5, 3], dtype=np.int64)
    arrival.flags.writeable = False
    assert PodTable.build(TEMPLATES, [0, 1], arrival_ns=arrival).arrival_ns is arrival


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"class_id": [0, 2]}, r"class_id\[1\] must be from 0 to 1, found 2"),
        ({"class_id": [-1]}, r"class_id\[0\] must be from 0 to 1, found -1"),
        ({"class_id": [0, 0], "count": [1, 0]}, r"count\[1\] must be >= 1, found 0"),
        ({"class_id": [0], "arrival_ns": -5}, r"arrival_ns\[0\] must be >= 0, found -5"),
        ({"class_id": [0], "duration_ns": -2}, r"duration_ns\[0\] must be >= -1, found -2"),
        ({"class_id": [0], "start_ns": [-2]}, r"start_ns\[0\] must be >= -1, found -2"),
        ({"class_id": [0, 1], "count": [1]}, r"count must have shape \(2,\), found \(1,\)"),
        ({"class_id": [0], "names": ["a", "b"]}, "names must have 1 entries, found 2"),
        ({"class_id": [2**40]}, f"class_id must fit int32, found {2**40}"),
        (
            {"class_id": [0], "arrival_ns": np.array([2**63], dtype=np.uint64)},
            f"arrival_ns must fit int64, found {2**63}",
        ),
    ],
)
def test_a_wrong_value_is_refused_with_its_row(columns: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        PodTable.build(TEMPLATES, **columns)  # type: ignore[arg-type]


def test_fractions_are_refused() -> None:
    with pytest.raises(TypeError, match="arrival_ns must hold integers, found dtype float64"):
        PodTable.build(TEMPLATES, [0], arrival_ns=1.5)


@given(rows, st.integers(0, 10**15), st.integers(0, 10**15))
def test_a_window_holds_the_arrivals_inside(
    given_rows: list[tuple[int, int, int, int]], start: int, end: int
) -> None:
    names = [str(row) for row in range(len(given_rows))]
    table = table_of(given_rows, names=names).window(start, end)
    inside = [row for row, entry in enumerate(given_rows) if start <= entry[2] < end]
    assert list(table.names or ()) == [str(row) for row in inside]
    assert table.duration_ns.tolist() == [given_rows[row][3] for row in inside]


@given(rows)
def test_sorting_by_arrival_is_stable(given_rows: list[tuple[int, int, int, int]]) -> None:
    names = [str(row) for row in range(len(given_rows))]
    table = table_of(given_rows, names=names).sorted_by_arrival()
    expected = sorted(range(len(given_rows)), key=lambda row: given_rows[row][2])
    assert list(table.names or ()) == [str(row) for row in expected]


@given(rows, rows)
def test_digests_are_equal_exactly_when_the_rows_are(
    left: list[tuple[int, int, int, int]], right: list[tuple[int, int, int, int]]
) -> None:
    assert table_of(left).digest() == table_of(list(left)).digest()
    assert (table_of(left).digest() == table_of(right).digest()) == (left == right)


def test_every_column_counts_in_the_digest() -> None:
    base = PodTable.build(TEMPLATES, [0, 1])
    others = [
        PodTable.build(TEMPLATES[::-1], [0, 1]),
        PodTable.build(TEMPLATES, [0, 1], names=["a", "b"]),
        PodTable.build(TEMPLATES, [0, 1], names=["ab", ""]),
        PodTable.build(TEMPLATES, [0, 1], node_name=["a", "b"]),
        PodTable.build(TEMPLATES, [0, 1], start_ns=[1, 2]),
    ]
    assert len({table.digest() for table in [base, *others]}) == 1 + len(others)


def test_the_digest_does_not_depend_on_the_hash_seed() -> None:
    code = (
        "from pyscale.model.pods import *; from pyscale.model.pod_table import PodTable\n"
        "t = PodTemplate(labels={'a': '1', 'b': '2'}, annotations={'c': 'd'})\n"
        "print(PodTable.build((t,), [0]).digest())"
    )
    digests = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in "01"
    }
    assert len(digests) == 1


def test_unused_templates_are_dropped() -> None:
    table = PodTable.build((template(0), *TEMPLATES), [2, 1, 2]).select([0, 2]).used_templates()
    assert table.templates == (TEMPLATES[1],)
    assert table.class_id.tolist() == [0, 0]


def test_a_mask_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match=r"mask must have shape \(2,\), found \(1,\)"):
        PodTable.build(TEMPLATES, [0, 1]).select([True])


def test_pods_become_rows_and_equal_templates_one_class() -> None:
    pods = [
        Pod("a", template(1), creation_ns=7, start_ns=9, node_name="n"),
        Pod("b", template(1)),
        Pod("c", template(2)),
    ]
    table = PodTable.from_pods(pods)
    assert table.class_id.tolist() == [0, 0, 1]
    assert table.arrival_ns.tolist() == [7, 0, 0]
    assert table.names == ("default/a", "default/b", "default/c")
    assert table.node_name == ("n", "", "")
    assert table.start_ns is not None
    assert table.start_ns.tolist() == [9, -1, -1]


def test_the_order_of_a_mapping_makes_no_class() -> None:
    left = template(1, a="1", b="2")
    right = template(1, b="2", a="1")
    unique, class_id = classes_of([left, right, left, template(1, a="1")])
    assert unique[0] is left
    assert class_id.tolist() == [0, 0, 0, 1]
    assert content_digest(left) == content_digest(right)


def test_the_raw_manifest_makes_no_class_but_volumes_do() -> None:
    plain = PodTemplate(PodSpec())
    raw = PodTemplate(PodSpec(manifest={"dnsPolicy": "Default"}))
    mounted = PodTemplate(PodSpec(volumes=(Volume("v", "emptyDir", {"medium": True}),)))
    other = PodTemplate(PodSpec(volumes=(Volume("v", "emptyDir", {"medium": 1}),)))
    assert classes_of([plain, raw, mounted, other])[1].tolist() == [0, 0, 1, 2]


def test_only_plain_data_has_a_key() -> None:
    assert content_key({"a": {2, 1}, "b": (1.5, b"x")}) == content_key(
        {"b": [1.5, b"x"], "a": {1, 2}}
    )
    with pytest.raises(TypeError, match="expected plain data, found object"):
        content_key(object())


def test_columns_are_offered_as_arrow() -> None:
    pa = pytest.importorskip("pyarrow")
    table = PodTable.build(TEMPLATES, [0, 1], names=["a", "b"])
    arrow = pa.table(table)
    assert arrow.column_names == ["class_id", "count", "arrival_ns", "duration_ns", "names"]
    assert arrow.to_pydict()["names"] == ["a", "b"]
    assert arrow.schema.field("class_id").type == pa.int32()
