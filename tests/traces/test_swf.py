import gzip

import pytest
from public_data import public_file

from pyscale import traces
from pyscale.errors import TraceError
from pyscale.traces.swf import read_swf

SECOND = 10**9
KIB = 1024


def job(number=1, submit=0, wait=5, run=10, used=4, memory=-1, asked=-1, memory_asked=-1, **more):
    fields = [number, submit, wait, run, used, "142.00", memory, asked, 100, memory_asked]
    fields += [more.get("status", 1), more.get("user", 7), -1, 3, more.get("queue", 2), -1, -1, -1]
    return "  ".join(map(str, fields)) + "\n"


def write(tmp_path, text, name="log.swf"):
    path = tmp_path / name
    path.write_bytes(text.encode("latin-1"))
    return path


def test_a_job_is_a_gang_of_pods(tmp_path):
    text = (
        "; Version: 2.2\n; Note: first\n;       and more\n; Note: second\n; MaxProcs: 8\n; Größe\n"
        + job(2, submit=20, used=4, asked=6, memory=100, memory_asked=200)
        + "\n"
        + job(1, submit=3, wait=-1, used=2, memory=100, user=9)
    )
    trace = traces.load_trace(write(tmp_path, text))
    pods = trace.pods
    assert pods.names == ("job-1", "job-2")
    assert pods.count.tolist() == [2, 6]
    assert pods.arrival_ns.tolist() == [3 * SECOND, 20 * SECOND]
    assert pods.start_ns.tolist() == [-1, 25 * SECOND]
    assert pods.duration_ns.tolist() == [10 * SECOND, 10 * SECOND]
    requests = [pods.templates[index].spec.containers[0].requests for index in pods.class_id]
    assert requests == [
        {"cpu": SECOND, "memory": 100 * KIB * SECOND},
        {"cpu": SECOND, "memory": 200 * KIB * SECOND},
    ]
    assert [trace.owners[owner] for owner in trace.owner_id] == ["user-9", "user-7"]
    assert trace.metadata["header"]["Note"] == "first\nand more\nsecond"
    assert trace.metadata["header"]["MaxProcs"].startswith("8")
    assert trace.metadata["times"] == "submission"


def test_pods_may_have_several_cpus_and_a_priority(tmp_path):
    path = write(tmp_path, job(used=5, queue=3))
    trace = read_swf(path, cpus_per_pod=2, memory_kib_per_processor=10, priority_by_queue=True)
    assert trace.pods.count.tolist() == [3]
    template = trace.pods.templates[0]
    assert template.spec.containers[0].requests == {
        "cpu": 2 * SECOND,
        "memory": 20 * KIB * SECOND,
    }
    assert template.spec.priority == 3


def test_jobs_that_cannot_run_are_dropped_and_counted(tmp_path):
    text = (
        job(1, run=-1, status=5)
        + job(2, used=-1)
        + job(3, run=-1)
        + job(4, submit=-1)
        + job(5)
        + job(5, status=2)
        + job(6, run=0)
    )
    trace = traces.load_trace(write(tmp_path, text))
    assert trace.pods.names == ("job-5", "job-6")
    assert trace.summary.rows_read == 7
    assert trace.summary.dropped == {
        "a part of a job": 1,
        "submission unknown": 1,
        "cancelled before it started": 1,
        "no number of processors": 1,
        "run time unknown": 1,
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("; x\n1 2 3\n", "log.swf, row 2: expected 18 fields, found 3"),
        (job() + job(2, run="x"), "row 2, run time: expected a number, found 'x'"),
        (job() + "\n" + job(2, wait="-2"), "row 3, wait time: expected a number >= -1, found '-2'"),
        (job(submit="nan"), "row 1, submit time: expected a number >= -1, found 'nan'"),
        (job(submit="1e30"), "row 1, submit time: expected a number >= -1, found '1e30'"),
        (job() + job(), "row 2, job: the job 1 occurs twice"),
        ("; Version: 2\n", "expected pods, found none"),
    ],
)
def test_a_fault_is_named_by_line_and_field(tmp_path, text, message):
    with pytest.raises(TraceError) as caught:
        traces.load_trace(write(tmp_path, text))
    assert message in str(caught.value)


def test_a_log_is_told_by_its_18_fields(tmp_path):
    text = "; a log\n" + job() + job(2)
    assert traces.sniff_format(write(tmp_path, text, "log.txt")) == "swf"
    path = tmp_path / "log.gz"
    path.write_bytes(gzip.compress(text.encode()))
    assert traces.sniff_format(path) == "swf"


@pytest.mark.parametrize("options", [{"cpus_per_pod": 0}, {"memory_kib_per_processor": -1}])
def test_options_out_of_range_are_refused(tmp_path, options):
    with pytest.raises(ValueError, match=r"must be >= \d, found"):
        read_swf(write(tmp_path, job()), **options)


def test_the_public_log_has_the_published_counts():
    trace = traces.load_trace(public_file("NASA-iPSC-1993-3.1-cln.swf.gz"))
    assert trace.summary.rows_kept == 18_239
    assert (trace.pods.duration_ns == 0).sum() == 173
    assert trace.metadata["times"].startswith("start of the job")
