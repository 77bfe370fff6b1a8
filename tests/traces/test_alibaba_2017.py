import pytest
from public_data import public_file

from pyscale import traces
from pyscale.errors import TraceError
from pyscale.traces.alibaba_2017 import read_alibaba_2017

SECOND = 10**9
HEAD = ",submit_time,duration,cpu,memory,job_id,task_id,instances_num,disk\n"


def write(tmp_path, rows):
    path = tmp_path / "jobs.csv"
    path.write_text(HEAD + rows)
    return path


def test_a_task_is_a_group_of_instances(tmp_path):
    path = write(tmp_path, "0,10,1.5,0.55,0.5,7,2,283,0\n1,3,0,1.0,0.5,7,3,1,0\n")
    trace = traces.load_trace(path, machine_memory_bytes=1001)
    pods = trace.pods
    assert pods.names == ("job-7-task-3", "job-7-task-2")
    assert pods.arrival_ns.tolist() == [3 * SECOND, 10 * SECOND]
    assert pods.duration_ns.tolist() == [0, 3 * SECOND // 2]
    assert pods.count.tolist() == [1, 283]
    requests = [pods.templates[i].spec.containers[0].requests for i in pods.class_id]
    assert requests == [
        {"cpu": SECOND, "memory": 501 * SECOND},
        {"cpu": 550_000_000, "memory": 501 * SECOND},
    ]
    assert trace.owners == ("job-7",)
    assert trace.metadata["machine_memory_bytes"] == 1001


def test_a_negative_duration_is_dropped_and_counted(tmp_path):
    trace = traces.load_trace(write(tmp_path, "0,10,-1,1,0.5,7,2,3,0\n1,3,1,1,0.5,7,3,1,0\n"))
    assert trace.pods.n_pods == 1
    assert trace.summary.dropped == {"ends before it starts": 1}


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("0,1,1,x,0.5,7,2,3,0\n", "row 2, cpu: expected a number, found 'x'"),
        ("0,1,1,1,nan,7,2,3,0\n", "row 2, memory: expected a finite number, found nan"),
        ("0,1,1,1,75,7,2,3,0\n", "row 2, memory: expected a fraction of a machine, found 75"),
        ("0,1,1,1,0.5,7,2,-3,0\n", "row 2, instances_num: expected a number >= 0, found -3"),
        ("0,1,1,1,0.5,7,2,2.5,0\n", "row 2, instances_num: expected an integer, found '2.5'"),
        ("0,1e10,1,1,0.5,7,2,2,0\n", "expected seconds below 4.6e9"),
    ],
)
def test_a_fault_is_named_by_row_and_field(tmp_path, rows, message):
    with pytest.raises(TraceError) as caught:
        traces.load_trace(write(tmp_path, rows))
    assert message in str(caught.value)


def test_a_machine_has_memory(tmp_path):
    with pytest.raises(ValueError, match="machine_memory_bytes must be > 0, found 0"):
        read_alibaba_2017(write(tmp_path, ""), machine_memory_bytes=0)


def test_the_public_extract_has_the_published_counts():
    trace = traces.load_trace(public_file("v2017_batch_tasks_cloudsimpy.csv"))
    assert len(trace) == 31_756
    assert trace.pods.n_pods == 2_551_075
    assert len(trace.owners) == 5_216
    assert trace.pods.count.max() == 36_326
