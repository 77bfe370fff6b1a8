import gzip
import random

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyscale import traces
from pyscale.errors import TraceError, UnsupportedError
from pyscale.model.pod_table import NEVER, PodTable
from pyscale.model.pods import Container, PodSpec, PodTemplate
from pyscale.model.requirements import Requirement
from pyscale.model.taints import Toleration
from pyscale.traces.templates import make_spread, make_template
from pyscale.traces.trace import Trace

SECOND = 10**9
GIB = 2**30 * SECOND


def write(tmp_path, text, name="pods.csv"):
    path = tmp_path / name
    path.write_text(text)
    return path


def test_a_row_becomes_a_group_of_pods(tmp_path):
    path = write(
        tmp_path,
        "name,arrival_s,duration_s,count,cpu,memory,gpu,request:vendor.io/nic,priority,owner,labels,"
        "node_selector,node_affinity,tolerations,spread,namespace,controller\n"
        'web,1.5,60,3,250m,1Gi,,2,7,shop/web,"app=web,tier=1",kubernetes.io/arch=arm64,'
        '"zone in (a, b),!spot,cores>3",dedicated=web:NoSchedule,'
        "topology.kubernetes.io/zone:1,shop,StatefulSet\n"
        "job,0.1,,1,0.1,,1,,,,,,,*,,,\n",
    )
    trace = traces.load_trace(path)
    pods = trace.pods
    assert pods.names == ("job", "web")
    assert pods.arrival_ns.tolist() == [SECOND // 10, 3 * SECOND // 2]
    assert pods.duration_ns.tolist() == [NEVER, 60 * SECOND]
    assert pods.count.tolist() == [1, 3]
    job, web = (pods.templates[index] for index in pods.class_id)
    assert web == make_template(
        {"cpu": SECOND // 4, "memory": GIB, "vendor.io/nic": 2 * SECOND},
        namespace="shop",
        labels={"app": "web", "tier": "1"},
        controller="StatefulSet",
        node_selector={"kubernetes.io/arch": "arm64"},
        node_affinity=[
            Requirement("zone", "In", ("a", "b")),
            Requirement("spot", "DoesNotExist"),
            Requirement("cores", "Gt", ("3",)),
        ],
        tolerations=[Toleration("dedicated", "Equal", "web", "NoSchedule")],
        spread=[make_spread("topology.kubernetes.io/zone", 1, {"app": "web", "tier": "1"})],
        priority=7,
    )
    assert job.spec.containers[0].requests == {"cpu": SECOND // 10, "nvidia.com/gpu": SECOND}
    assert job.owners == ()
    assert trace.owners == ("shop/web",)
    assert trace.owner_id.tolist() == [-1, 0]
    assert trace.summary.rows_read == trace.summary.rows_kept == 2
    assert trace.summary.requests["cpu"] == 850 * SECOND // 1000
    assert trace.summary.right_censored == 1


def test_requests_are_rounded_up_to_milli_cores_and_bytes(tmp_path):
    trace = traces.load_trace(write(tmp_path, "count,cpu,memory\n1,100100u,1000m\n1,0.0001,0.1\n"))
    requests = [template.spec.containers[0].requests for template in trace.pods.templates]
    assert requests == [
        {"cpu": 101_000_000, "memory": SECOND},
        {"cpu": 1_000_000, "memory": SECOND},
    ]


def test_equal_rows_share_a_class(tmp_path):
    trace = traces.load_trace(write(tmp_path, "arrival_s,cpu\n0,1\n1,2\n2,1\n"))
    assert trace.pods.class_id.tolist() == [0, 1, 0]
    assert len(trace.pods.templates) == 2


def test_pods_there_before_time_0_arrive_with_what_is_left(tmp_path):
    text = "arrival_s,departure_s,cpu\n-10,5,1\n-10,,2\n-10,-1,3\n1,2,4\n"
    trace = traces.load_trace(write(tmp_path, text))
    assert trace.pods.arrival_ns.tolist() == [0, 0, SECOND]
    assert trace.pods.duration_ns.tolist() == [5 * SECOND, NEVER, SECOND]
    assert trace.summary.left_censored == 2
    assert trace.summary.dropped == {"gone before time 0": 1}


def test_a_duration_is_departure_less_start(tmp_path):
    trace = traces.load_trace(
        write(tmp_path, "arrival_ms,start_ms,departure_ms,cpu\n0,4000,9000,1\n0,,9000,1\n")
    )
    assert trace.pods.duration_ns.tolist() == [5 * SECOND, 9 * SECOND]
    assert trace.pods.start_ns.tolist() == [4 * SECOND, -1]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("arrival_s,cpu\n0,1\n1,x\n", "pods.csv, row 3, cpu: expected a quantity such as 100m or"),
        ("arrival_s,cpu\n0,-1\n", "row 2, cpu: expected a quantity >= 0, found '-1'"),
        ("arrival_s,cpu\n0,nan\n", "row 2, cpu: expected a quantity such as"),
        ("arrival_s,cpu\n,1\n", "row 2, arrival_s: expected a number, found an empty cell"),
        ("arrival_s,cpu\nnan,1\n", "row 2, arrival_s: expected a finite number, found nan"),
        ("arrival_s,cpu\n1e10,1\n", "row 2, arrival_s: expected a time within 146 years"),
        ("arrival_ns,cpu\n4611686018427387904,1\n", "row 2, arrival_ns: expected a time within"),
        ("count,cpu\n4611686018427387904,1\n", "expected less than 4.61169e+18 pods"),
        ("arrival_s,duration_s,cpu\n0,-1,1\n", "row 2, duration_s: expected a number >= 0"),
        (
            "arrival_s,departure_s,cpu\n0,1,1\n5,4,1\n",
            "row 3, departure_s: time goes backwards: 4000000000 ns after 5000000000 ns",
        ),
        ("arrival_s,start_s,cpu\n5,4,1\n", "row 2, start_s: time goes backwards"),
        ("arrival_s,arrival_ms,cpu\n5,4,1\n", "arrival_ms: expected one unit, found 'arrival_s'"),
        ("arrival_s,duration_s,departure_s,cpu\n5,4,1,1\n", "expected a duration or a departure"),
        ("name,arrival_s,cpu\na,0,1\nb,0,1\na,0,1\n", "row 4, name: the name 'a' occurs twice"),
        ("name,arrival_s,cpu\na,0,1\n,0,1\n", "row 3, name: expected a name, found an empty cell"),
        ("arrival_s,cpu,labels\n0,1,x\n", "row 2, labels: expected key=value, found 'x'"),
        ('arrival_s,cpu,labels\n0,1,"x=1,x=2"\n', "row 2, labels: the key 'x' occurs twice"),
        ("arrival_s,cpu,tolerations\n0,1,a:b\n", "row 2, tolerations: expected key=value:EFFECT"),
        ("arrival_s,cpu,spread\n0,1,zone:0\n", "row 2, spread: expected node-label:max-skew"),
        ("arrival_s,cpu,node_affinity\n0,1,a b\n", "row 2, node_affinity: expected a selector"),
        ("arrival_s,gpu,request:nvidia.com/gpu\n0,1,1\n", "names no resource of its own"),
        ("arrival_s,cpu\n", "pods.csv: expected pods, found none"),
        ("count,cpu\n0,1\n", "pods.csv: expected pods, found none: 1 a group of no pods"),
        ("count,cpu\n-1,1\n", "row 2, count: expected a number >= 0, found -1"),
        (
            "a,b\n1,2\n",
            "pods.csv: the format is not known; name it by format= or --trace-format, one of ",
        ),
    ],
)
def test_a_fault_is_named_by_row_and_field(tmp_path, text, message):
    with pytest.raises(TraceError) as caught:
        traces.load_trace(write(tmp_path, text))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_parquet_and_arrow_files_are_read(tmp_path):
    table = pyarrow.table({"arrival_ns": [0, 5], "cpu": [0.5, 2.0], "memory": [2**30, 1]})
    pyarrow.parquet.write_table(table, tmp_path / "t.parquet")
    with pyarrow.ipc.new_file(tmp_path / "t.arrow", table.schema) as writer:
        writer.write_table(table)
    with pyarrow.ipc.new_stream(tmp_path / "t.arrows", table.schema) as writer:
        writer.write_table(table)
    found = {traces.load_trace(p).digest() for p in tmp_path.iterdir()}
    assert len(found) == 1
    pods = traces.load_trace(tmp_path / "t.parquet").pods
    assert pods.templates[0].spec.containers[0].requests == {"cpu": SECOND // 2, "memory": GIB}


def test_a_fault_in_a_parquet_file_is_named_by_record_and_field(tmp_path):
    path = tmp_path / "t.parquet"
    pyarrow.parquet.write_table(pyarrow.table({"arrival_ns": [0, None], "cpu": [1, 1]}), path)
    with pytest.raises(TraceError, match=r"t.parquet, row 2, arrival_ns: expected a number, found"):
        traces.load_trace(path)
    pyarrow.parquet.write_table(pyarrow.table({"arrival_ns": [0, 0.5], "cpu": [1, 1]}), path)
    with pytest.raises(TraceError, match=r"row 2, arrival_ns: expected an integer, found '0.5'"):
        traces.load_trace(path)
    pyarrow.parquet.write_table(pyarrow.table({"arrival_ns": [0], "cpu": [[1]]}), path)
    with pytest.raises(TraceError, match=r"cpu: expected text or numbers, found values of type"):
        traces.load_trace(path)
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(TraceError, match=r"t.parquet: is not a readable .parquet file: "):
        traces.load_trace(path)


texts = st.text("ab1", min_size=1, max_size=3)
templates = st.builds(
    make_template,
    st.dictionaries(
        st.sampled_from(["cpu", "memory", "nvidia.com/gpu", "vendor.io/x", "ephemeral-storage"]),
        st.integers(1, 10**6).map(lambda n: n * SECOND),
    ),
    namespace=texts,
    labels=st.dictionaries(texts, texts, max_size=2),
    controller=st.sampled_from(["", "Job", "ReplicaSet"]),
    node_selector=st.dictionaries(texts, texts, max_size=2),
    node_affinity=st.lists(
        st.one_of(
            st.builds(Requirement, texts, st.sampled_from(["In", "NotIn"]), st.tuples(texts)),
            st.builds(Requirement, texts, st.sampled_from(["Exists", "DoesNotExist"])),
            st.builds(Requirement, texts, st.sampled_from(["Gt", "Lt"]), st.just(("-4",))),
        ),
        max_size=3,
    ),
    tolerations=st.lists(
        st.one_of(
            st.just(Toleration(operator="Exists")),
            st.builds(
                Toleration, texts, st.just("Exists"), effect=st.sampled_from(["", "NoExecute"])
            ),
            st.builds(Toleration, texts, st.just("Equal"), texts, st.just("NoSchedule")),
        ),
        max_size=2,
    ),
    priority=st.none() | st.integers(-(2**31), 10**9),
)
times = st.integers(0, 2**60)


@st.composite
def trace_values(draw):
    n = draw(st.integers(1, 6))
    some = draw(st.lists(templates, min_size=1, max_size=3))
    column = lambda values: draw(st.lists(values, min_size=n, max_size=n))  # noqa: E731
    named = draw(st.booleans())
    pods = PodTable.build(
        some,
        column(st.integers(0, len(some) - 1)),
        column(st.integers(1, 5)),
        sorted(column(times)),
        column(st.just(NEVER) | times),
        names=[f"pod,{i}" for i in range(n)] if named else None,
    )
    return Trace("some", pods)


@given(trace=trace_values(), ending=st.sampled_from([".csv", ".csv.gz", ".parquet", ".arrow"]))
def test_a_written_trace_reads_the_same(tmp_path_factory, trace, ending):
    path = tmp_path_factory.getbasetemp() / f"same{ending}"
    traces.write_table(trace, path)
    again = traces.load_trace(path, format="table").pods
    pods = trace.pods
    for name in ("count", "arrival_ns", "duration_ns"):
        assert getattr(again, name).tolist() == getattr(pods, name).tolist()
    assert again.names == (None if pods.names is None else tuple(pods.names))
    assert [again.templates[i] for i in again.class_id] == [
        pods.templates[i] for i in pods.class_id
    ]


def test_a_trace_offers_its_table_to_arrow(tmp_path):
    trace = traces.load_trace(write(tmp_path, "arrival_s,cpu\n0,1\n"))
    assert pyarrow.table(trace).column_names == [
        "arrival_ns", "duration_ns", "count", "namespace", "controller", "cpu"
    ]  # fmt: skip


def test_what_a_table_cannot_say_is_refused(tmp_path):
    two = PodSpec(containers=(Container("a", requests={"cpu": SECOND}), Container("b")))
    trace = Trace("x", PodTable.build([PodTemplate(two)], [0]))
    with pytest.raises(UnsupportedError, match=r"pods.templates\[0\]: a pod with more than"):
        traces.write_table(trace, tmp_path / "t.csv")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ValueError, match=r"expected a file ending in .csv, .*, found 't.xlsx'"):
        traces.write_table(trace, tmp_path / "t.xlsx")


def test_a_file_that_cannot_be_written_is_one_clear_error(tmp_path):
    trace = traces.load_trace(write(tmp_path, "arrival_s,cpu\n0,1\n"))
    with pytest.raises(TraceError, match=r"none/t.csv: cannot be written: No such file"):
        traces.write_table(trace, tmp_path / "none" / "t.csv")


@pytest.mark.parametrize("ending", [".csv", ".csv.gz", ".parquet", ".arrow"])
def test_a_stream_gives_the_rows_of_the_whole(tmp_path, ending):
    rng = random.Random(1)
    lines = [f"{5 + i // 3},{rng.randint(1, 4)},app-{rng.randint(0, 9)}" for i in range(100)]
    path = write(tmp_path, "\n".join(["arrival_s,cpu,owner", *lines]) + "\n")
    whole = traces.load_trace(path)
    path = traces.write_table(whole, tmp_path / f"again{ending}")
    pieces = list(traces.stream_table(path, rows=7))
    assert max(len(piece) for piece in pieces) == 7
    classes = np.concatenate([piece.pods.class_id for piece in pieces])
    last = pieces[-1]
    assert [last.pods.templates[i] for i in classes] == [
        whole.pods.templates[i] for i in whole.pods.class_id
    ]
    owners = np.concatenate([piece.owner_id for piece in pieces])
    assert [last.owners[i] for i in owners] == [whole.owners[i] for i in whole.owner_id]
    arrivals = np.concatenate([piece.pods.arrival_ns for piece in pieces])
    assert arrivals.tolist() == whole.pods.arrival_ns.tolist()


def test_a_stream_refuses_time_that_goes_backwards(tmp_path):
    path = write(tmp_path, "arrival_s,cpu\n0,1\n2,1\n1,1\n")
    with pytest.raises(TraceError, match=r"row 4, arrival_s: time goes backwards: 1000000000 ns"):
        list(traces.stream_table(path, rows=2))
    with pytest.raises(ValueError, match="rows must be >= 1, found 0"):
        next(traces.stream_table(path, rows=0))


def test_a_truncated_table_is_refused_whole_and_in_pieces(tmp_path):
    text = "arrival_s,cpu\n" + "".join(f"{i},1\n" for i in range(50_000))
    data = gzip.compress(text.encode())
    path = tmp_path / "t.csv.gz"
    path.write_bytes(data[:-200])
    for read in (traces.load_trace, lambda path: list(traces.stream_table(path))):
        with pytest.raises(TraceError, match=r"t.csv.gz: the gzip data ends early"):
            read(path)
