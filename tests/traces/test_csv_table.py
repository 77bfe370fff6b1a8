import bz2
import gzip
import lzma

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyscale.errors import TraceError
from pyscale.traces import csv_table
from pyscale.traces.columns import MISSING, Column
from pyscale.traces.csv_table import Layout, read_csv, stream_csv

LAYOUT = Layout((Column("a"), Column("x", "number", nullable=True), Column("s", "text")))


def write(tmp_path, text, name="t.csv"):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_columns_are_found_by_name_and_others_left_out(tmp_path):
    path = write(tmp_path, "s,,extra,x,a\nu,0,?,1.5,1\nv,1,!,,2\nu,2,,2e3,3\n")
    table = read_csv(path, LAYOUT)
    assert table.n_rows == 3
    assert table.integers("a").tolist() == [1, 2, 3]
    np.testing.assert_array_equal(table.numbers("x"), [1.5, np.nan, 2000.0])
    assert table.texts("s").tolist() == ["u", "v", "u"]


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_compressed_files_are_told_by_their_content(tmp_path, pack):
    path = write(tmp_path, pack(b"a,x,s\n1,2,z\n"), "t.dat")
    assert read_csv(path, LAYOUT).integers("a").tolist() == [1]


def test_an_integer_may_be_written_as_a_decimal(tmp_path):
    path = write(tmp_path, "a,x,s\n1.0, 2 ,z\n 3e2 ,1,z\n")
    assert read_csv(path, LAYOUT).integers("a").tolist() == [1, 300]


def test_an_empty_cell_of_a_nullable_integer_is_missing(tmp_path):
    layout = Layout((Column("a", nullable=True), Column("b")))
    assert read_csv(write(tmp_path, "a,b\n,1\n4,2\n"), layout).integers("a").tolist() == [
        MISSING,
        4,
    ]


def test_a_header_alone_is_a_table_without_rows(tmp_path):
    table = read_csv(write(tmp_path, "a,x,s\n"), LAYOUT)
    assert table.n_rows == 0
    assert table.integers("a").dtype == np.int64


def test_a_file_without_header_takes_the_layouts_names(tmp_path):
    layout = Layout((Column("a"), Column("s", "text")), header=False)
    table = read_csv(write(tmp_path, "1,x\n2,y\n"), layout)
    assert table.integers("a").tolist() == [1, 2]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,s\n1,z\n", "t.csv, row 1, x: expected a column 'x', found 'a', 's'"),
        ("a,x,s,a\n1,2,z,1\n", "row 1, a: the column 'a' occurs twice"),
        ("a,x,s\n1,2,z\nb,2,z\n", "row 3, a: expected an integer, found 'b'"),
        ("a,x,s\n\n\n1.5,2,z\n", "row 4, a: expected an integer, found '1.5'"),
        ("a,x,s\n1,2,z\n-1,2,z\n", "row 3, a: expected a number >= 0, found -1"),
        ("a,x,s\n\n1,2,z\n1,-1e9,z\n", "row 4, x: expected a number >= 0, found -1000000000"),
        ("a,x,s\n,2,z\n", "row 2, a: expected a number, found an empty cell"),
        ("a,x,s\n1,nan,z\n", "row 2, x: expected a finite number, found nan"),
        ("a,x,s\n1,inf,z\n", "row 2, x: expected a finite number, found inf"),
        ("a,x,s\n1,1e999,z\n", "row 2, x: expected a finite number, found inf"),
        ("a,x,s\n1,2,z\n1,2\n", "row 3: expected 3 fields, found 2"),
        ("a,x,s\n9223372036854775808,2,z\n", "row 2, a: expected an integer, found '92233720"),
        ("a,x,s\n1,1_0,z\n", "row 2, x: expected a number, found '1_0'"),
        (b"a,x,s\n1,2,\xff\n", "row 2: expected UTF-8 text, found the byte 0xff"),
        (b"", "expected a trace, found an empty file"),
        ("\n\n\n", "expected a header row, found blank lines only"),
    ],
)
def test_a_fault_is_named_by_row_and_field(tmp_path, text, message):
    with pytest.raises(TraceError) as caught:
        read_csv(write(tmp_path, text), LAYOUT)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_files_that_are_none_are_refused(tmp_path):
    with pytest.raises(TraceError, match="expected a file, found a directory"):
        read_csv(tmp_path, LAYOUT)
    with pytest.raises(TraceError, match="no such file"):
        read_csv(tmp_path / "none.csv", LAYOUT)
    whole = gzip.compress(b"a,x,s\n" + b"1,2,z\n" * 5000)
    with pytest.raises(TraceError, match="the gzip data ends early: the file is truncated"):
        read_csv(write(tmp_path, whole[: len(whole) // 2], "t.csv.gz"), LAYOUT)
    with pytest.raises(TraceError, match="the gzip data is corrupt"):
        read_csv(write(tmp_path, whole[:20] + b"xxxx" + whole[24:], "t.csv.gz"), LAYOUT)


numbers = st.one_of(
    st.integers(-2, 10**20).map(str),
    st.floats(allow_nan=True).map(repr),
    st.sampled_from(["", " 1", "+3", "1e3", "-0", "nan", "1.", ".5", "1_0", "\u0661"]),
)
rows = st.lists(st.tuples(numbers, numbers, st.text("ab,\"\n'\\ ", max_size=3)), max_size=5)


@given(rows=rows, blank=st.booleans())
def test_the_fast_and_the_careful_path_agree(tmp_path_factory, rows, blank):
    path = tmp_path_factory.getbasetemp() / "agree.csv"
    quoted = [[a, b, '"' + s.replace('"', '""') + '"'] for a, b, s in rows]
    text = "a,x,s\n" + ("\n" if blank else "") + "".join(",".join(row) + "\n" for row in quoted)
    path.write_text(text, encoding="utf-8")
    names, present = csv_table.columns_of(path, LAYOUT)
    try:
        careful = csv_table._careful(str(path), LAYOUT, names, present, "Empty CSV file")
    except TraceError:
        with pytest.raises(TraceError):
            read_csv(path, LAYOUT)
        return
    fast = read_csv(path, LAYOUT)
    assert fast.integers("a").tolist() == careful.integers("a").tolist()
    np.testing.assert_array_equal(fast.numbers("x"), careful.numbers("x"))
    assert fast.texts("s").tolist() == careful.texts("s").tolist()


@given(n=st.integers(0, 30), size=st.integers(1, 9), bad=st.none() | st.integers(0, 29))
def test_a_stream_yields_the_rows_of_the_whole(tmp_path_factory, n, size, bad):
    path = tmp_path_factory.getbasetemp() / "stream.csv"
    lines = [f"{i},{i / 2},s{i % 3}" for i in range(n)]
    if bad is not None and bad < n:
        lines[bad] = "x,1,s"
    path.write_text("\n".join(["a,x,s", *lines]) + "\n")
    seen = []
    if bad is not None and bad < n:
        with pytest.raises(TraceError, match=rf"row {bad + 2}, a: expected an integer, found 'x'"):
            list(stream_csv(path, LAYOUT, size))
        return
    for table in stream_csv(path, LAYOUT, size):
        assert table.n_rows <= size
        seen += table.integers("a").tolist()
    assert seen == list(range(n))
