"""Catalogues of one's own: every format, every refusal, and no traceback on rubbish."""

import contextlib
import gzip
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyscale.catalog import custom
from pyscale.errors import PyscaleError, TraceError

GI = 2**30 * 10**9
HEADER = "name,cpu,memory,zone,capacity_type,price,pods,gpu,label:team\n"
TABLE = (
    HEADER
    + "small,2,8Gi,a,on-demand,0.10,29,,\n"
    + "small,2,8Gi,a,spot,0.03,29,,\n"
    + "big,3500m,16Gi,b,,0.40,58,1,blue|green\n"
)
ROW = {"name": "big", "cpu": "8", "memory": "32Gi", "zone": "a", "price": 0.4}


def write(folder, name, text):
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def test_a_csv_table_becomes_types_and_offerings(tmp_path):
    catalog = custom(write(tmp_path, "mine.csv", TABLE), name="mine")
    small, big = catalog.instance_types
    assert catalog.name == "mine"
    assert [(o.zone, o.capacity_type, o.price) for o in small.offerings] == [
        ("a", "on-demand", 0.1),
        ("a", "spot", 0.03),
    ]
    assert small.capacity == {
        "cpu": 2 * 10**9,
        "memory": 8 * GI,
        "pods": 29 * 10**9,
        "ephemeral-storage": 20 * GI,
    }
    assert small.allocatable() == small.capacity
    assert big.capacity["cpu"] == 3_500_000_000
    assert big.capacity["nvidia.com/gpu"] == 10**9
    assert big.labels == {"team": ("blue", "green")}
    assert small.labels == {"team": ()}
    assert catalog.well_known_labels == {"team"}


def test_every_format_gives_the_same_catalogue(tmp_path):
    pa = pytest.importorskip("pyarrow")
    pq = pytest.importorskip("pyarrow.parquet")
    yaml = pytest.importorskip("yaml")
    rows = [
        dict(zip(HEADER.strip().split(","), line.split(","), strict=True))
        for line in TABLE.splitlines()[1:]
    ]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "t.parquet")
    paths = [
        write(tmp_path, "t.csv", TABLE),
        write(tmp_path, "t.csv.gz", gzip.compress(TABLE.encode())),
        write(tmp_path, "t.json", json.dumps(rows)),
        write(tmp_path, "u.json", json.dumps({"offerings": rows})),
        write(tmp_path, "t.yaml", yaml.safe_dump(rows)),
        tmp_path / "t.parquet",
    ]
    expected = custom(rows).instance_types
    assert len(expected) == 2
    assert all(custom(path).instance_types == expected for path in paths)


def test_mappings_name_labels_and_resources():
    row = {**ROW, "labels": {"tier": ["x", "y"]}, "resources": {"example.com/dongle": "2"}}
    kind = custom([row]).instance_types[0]
    assert kind.labels == {"tier": ("x", "y")}
    assert kind.capacity["example.com/dongle"] == 2 * 10**9


def test_reserves_and_unknown_prices():
    row = {**ROW, "reserved_cpu": "100m", "reserved_memory": "1Gi", "price": None}
    row["available"] = False
    kind = custom([row]).instance_types[0]
    assert kind.allocatable()["cpu"] == 7_900_000_000
    assert kind.allocatable()["memory"] == 31 * GI
    assert not kind.offerings[0].available


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"cpu": "-1"}, r"rows, row 2, cpu: expected a quantity > 0, found '-1'"),
        ({"cpu": "abc"}, r"row 2, cpu: expected a quantity such as"),
        ({"cpu": float("nan")}, r"row 2, cpu: expected a quantity, found nan"),
        ({"cpu": None}, r"row 2, cpu: the field is missing"),
        ({"memory": "0"}, r"row 2, memory: expected a quantity > 0"),
        ({"zone": ""}, r"row 2, zone: big has no offering: the field is missing"),
        ({"price": ""}, r"row 2, price: the on-demand offering of big in a has none; one that"),
        ({"price": -1}, r"row 2, price: expected US dollars per hour >= 0, found -1"),
        ({"price": "nan"}, r"row 2, price: expected US dollars"),
        ({"pods": "2.5"}, r"row 2, pods: expected a whole number >= 1, found '2.5'"),
        ({"capacity_type": "sopt"}, r"capacity_type: expected one of on-demand, spot, reserved"),
        ({"architecture": "x86"}, r"architecture: expected one of amd64, arm64, found 'x86'"),
        ({"available": "maybe"}, r"available: expected true or false, found 'maybe'"),
        ({"reserved_cpu": "8"}, r"reserved_cpu: leaves nothing of the machine"),
        ({"priec": 1}, r"row 2, priec: unknown column: did you mean price"),
        ({"label:": "x"}, r"row 2, label:: expected a name, found none"),
        ({"labels": "x"}, r"row 2, labels: expected a mapping, found 'x'"),
    ],
)
def test_a_wrong_field_is_named(change, message):
    with pytest.raises(TraceError, match=message):
        custom([{**ROW, "name": "other"}, {**ROW, **change}])


def test_two_descriptions_of_one_type_are_refused():
    with pytest.raises(TraceError, match="row 2: big has another capacity in row 1"):
        custom([ROW, {**ROW, "zone": "b", "cpu": "9"}])


def test_an_offering_that_occurs_twice_is_refused():
    with pytest.raises(TraceError, match="row 2: big has two on-demand offerings in a"):
        custom([ROW, ROW])


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("t.csv", "", "the file is empty"),
        ("t.csv", HEADER, "expected at least one row below the header"),
        ("t.csv", "name,name\na,b\n", "row 1, name: the column occurs twice"),
        ("t.csv", "name,,cpu\n", "row 1: a column has no name"),
        ("t.csv", HEADER + "a,b\n", "row 2: expected 9 fields, found 2"),
        ("t.csv", HEADER + '"a\n', "not a CSV table"),
        ("t.csv", b"\xff\xfe,x\n1,2\n", "expected UTF-8 text"),
        ("t.csv.gz", gzip.compress(TABLE.encode())[:-9], "truncated or damaged gzip"),
        ("t.json", "{", "not JSON"),
        ("t.json", "{}", "expected a list of rows, found dict"),
        ("t.json", "[]", "expected at least one row"),
        ("t.json", "[1]", "row 1: expected a mapping, found int"),
        ("t.yaml", "a: [", "not YAML"),
        ("t.parquet", "PAR1", "not Parquet"),
        ("t.txt", "x", "expected a file that ends in .csv"),
    ],
)
def test_a_file_that_is_no_table_is_refused_in_one_line(tmp_path, name, content, message):
    with pytest.raises(TraceError, match=message) as caught:
        custom(write(tmp_path, name, content))
    assert "\n" not in str(caught.value)
    assert str(tmp_path / name) in str(caught.value)


def test_a_directory_and_a_missing_file_are_refused(tmp_path):
    (tmp_path / "d.csv").mkdir()
    with pytest.raises(TraceError, match=r"d.csv: cannot be read: Is a directory"):
        custom(tmp_path / "d.csv")
    with pytest.raises(TraceError, match=r"x.csv: cannot be read: No such file"):
        custom(tmp_path / "x.csv")


@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda t: (HEADER + t).encode()))
@settings(max_examples=100)
def test_rubbish_gives_a_catalogue_or_a_clear_error(tmp_path_factory, content):
    folder = tmp_path_factory.mktemp("rubbish")
    for suffix in (".csv", ".json", ".yaml", ".parquet"):
        with contextlib.suppress(PyscaleError):
            custom(write(folder, "t" + suffix, content))
