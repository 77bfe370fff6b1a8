"""Readers of Alibaba GPU 2025, Azure VM, Google 2011, OpenDC and GWF."""

import pyarrow
import pyarrow.parquet
import pytest
from public_data import public_file
from trace_samples import SAMPLES

from pyscale import traces
from pyscale.errors import TraceError
from pyscale.model.pod_table import NEVER
from pyscale.model.requirements import LabelSelector
from pyscale.model.topology import PodAffinityTerm
from pyscale.traces.google_2011 import MachineSize, read_google_2011_machines

SECOND = 10**9
GIB = 2**30


def load(tmp_path, name, replace=(), **options):
    file, content = SAMPLES[name]
    for old, new in replace:
        assert old in content
        content = content.replace(old, new)
    path = tmp_path / file
    path.write_bytes(content)
    return traces.load_trace(path, **options)


def requests(trace):
    pods = trace.pods
    return [pods.templates[index].spec.containers[0].requests for index in pods.class_id]


def test_instances_of_recommendation_models(tmp_path):
    trace = load(tmp_path, "alibaba-gpu-2025", role_label="role")
    assert trace.pods.names == ("i0", "i1")
    assert trace.pods.arrival_ns.tolist() == [0, 100 * SECOND]
    assert trace.pods.start_ns.tolist() == [-1, 105 * SECOND]
    assert trace.pods.duration_ns.tolist() == [4031 * SECOND, NEVER]
    assert requests(trace)[0] == {
        "cpu": 12 * SECOND,
        "memory": (120 * GIB + GIB // 2) * SECOND,
        "ephemeral-storage": 640 * GIB * SECOND,
        "nvidia.com/gpu": SECOND,
        "alibabacloud.com/rdma-percent": 25 * SECOND,
    }
    assert [template.spec.node_selector for template in trace.pods.templates] == [
        {"role": "HN"},
        {"role": "CN"},
    ]
    assert trace.owners == ("app_0", "app_1")
    assert trace.summary.left_censored == 1
    assert trace.summary.adjusted == {"limit of instances per node left out": 1}


def test_virtual_machines_are_censored_at_both_ends(tmp_path):
    trace = load(tmp_path, "azure-vm")
    assert trace.pods.names == ("vm0", "vm1", "vm2")
    assert trace.pods.arrival_ns.tolist() == [0, 300 * SECOND, 300 * SECOND]
    assert trace.pods.duration_ns.tolist() == [NEVER, 300 * SECOND, 0]
    assert requests(trace)[0] == {"cpu": SECOND, "memory": 7 * GIB // 4 * SECOND}
    assert [template.spec.priority for template in trace.pods.templates] == [0, 1000, None]
    assert trace.owners == ("d0", "d1")


def test_an_open_bucket_needs_a_size(tmp_path):
    path = tmp_path / "vmtable.csv"
    path.write_bytes(b"vm0,s0,d0,300,600,1,1,1,Interactive,>24,>64\n")
    with pytest.raises(TraceError, match=r"row 1, cores: the bucket '>24' has no size: give one"):
        traces.load_trace(path)
    trace = traces.load_trace(path, open_buckets={">24": 30, ">64": 70})
    assert requests(trace) == [{"cpu": 30 * SECOND, "memory": 70 * GIB * SECOND}]


def test_an_attempt_runs_from_submission_to_its_end(tmp_path):
    size = MachineSize(cpu_cores=8, memory_bytes=16 * GIB, disk_bytes=1000)
    trace = load(tmp_path, "google-2011", size=size)
    pods = trace.pods
    assert pods.names == (
        "job-2-task-0-attempt-1",
        "job-2-task-1-attempt-2",
        "job-2-task-1-attempt-3",
    )
    # Task 0 was there before the window and leaves 3 s after its start.
    assert pods.arrival_ns.tolist() == [0, 0, 2 * SECOND]
    assert pods.duration_ns.tolist() == [3 * SECOND, 999_900_000, NEVER]
    assert pods.start_ns.tolist() == [-1, 100_000, -1]
    assert trace.summary.dropped == {"attempts without a request": 1}
    first, second, _ = (pods.templates[index] for index in pods.class_id)
    assert first.spec.required_pod_anti_affinity == (
        PodAffinityTerm("kubernetes.io/hostname", LabelSelector({"job": "2"})),
    )
    assert second.spec.required_pod_anti_affinity == ()
    assert second.spec.priority == 9
    assert second.spec.containers[0].requests == {
        "cpu": 4 * SECOND,
        "memory": 4 * GIB * SECOND,
    }


def test_machines_there_at_the_start_are_nodes(tmp_path):
    path = tmp_path / "machines.csv"
    path.write_text("0,5,0,p,0.5,0.2493\n0,6,0,p,1,1\n0,7,0,p,,\n10,5,1,p,,\n10,9,0,p,1,1\n")
    nodes = read_google_2011_machines(path, size=MachineSize(8, 1000, 0))
    assert [node.name for node in nodes] == ["machine-5", "machine-6"]
    assert nodes[0].allocatable == {
        "cpu": 4 * SECOND,
        "memory": 249 * SECOND,
        "pods": 110 * SECOND,
    }


def test_tasks_begin_with_the_first_submission(tmp_path):
    trace = load(tmp_path, "opendc")
    assert trace.pods.names == ("task-3", "task-5")
    assert trace.pods.arrival_ns.tolist() == [0, 2 * SECOND]
    assert trace.pods.duration_ns.tolist() == [0, 3 * SECOND]
    assert requests(trace)[1] == {"cpu": 16 * SECOND, "memory": 10**11 * SECOND}
    trace = load(tmp_path, "opendc", memory_unit_bytes=1024)
    assert requests(trace)[0]["memory"] == 5 * 1024 * SECOND


def test_jobs_of_workflows_are_gangs(tmp_path):
    trace = load(tmp_path, "gwf")
    assert trace.pods.names == ("workflow-0-job-1", "workflow-0-job-2")
    assert trace.pods.count.tolist() == [2, 3]
    assert trace.summary.dropped == {"no number of processors": 1}
    assert trace.summary.adjusted == {"dependencies taken as met at submission": 1}


@pytest.mark.parametrize(
    ("name", "old", "new", "message"),
    [
        ("alibaba-gpu-2025", b"i1,CN", b"i0,CN", "row 3, instance_sn: the name 'i0' occurs twice"),
        ("alibaba-gpu-2025", b"120.5", b"-1", "row 2, memory_request: expected a number >= 0"),
        ("alibaba-gpu-2025", b",100,", b",1e11,", "row 3, creation_time: expected a number <="),
        ("google-2011", b"600000100", b"500000000", "row 4, time: time goes backwards: 500000000"),
        ("google-2011", b"78,1,u", b"78,9,u", "row 4, event: expected an event from 0 to 8"),
        (
            "google-2011",
            b"0.125",
            b"125",
            "row 2, cpu: expected a fraction of a machine, found 125",
        ),
        ("gwf", b"16  ", b"-6  ", "row 2, SubmitTime: expected a number >= 0, found -6"),
        (
            "gwf",
            b"0         , 2 ",
            b"0         , 1 ",
            "row 3, JobID: the job 1 of workflow 0 occurs",
        ),
    ],
)
def test_a_fault_is_named_by_row_and_field(tmp_path, name, old, new, message):
    with pytest.raises(TraceError) as caught:
        load(tmp_path, name, [(old, new)])
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("vm0,s,d,0,300,1,1,1,Interactive,x,1", "row 1, cores: expected a number, found 'x'"),
        ("vm0,s,d,0,300,1,1,1,Interactive,1,-1", "row 1, memory: expected a number >= 0"),
        ("vm0,s,d,-1,300,1,1,1,Interactive,1,1", "row 1, created: expected a number >= 0"),
        ("vm0,s,d,0,99999999999,1,1,1,Interactive,1,1", "row 1, deleted: expected seconds <="),
    ],
)
def test_a_fault_in_a_file_without_header_is_named(tmp_path, line, message):
    path = tmp_path / "vmtable.csv"
    path.write_text(line + "\n")
    with pytest.raises(TraceError) as caught:
        traces.load_trace(path)
    assert message in str(caught.value)


def test_a_task_that_occurs_twice_is_refused(tmp_path):
    columns = {"id": [1, 1], "submission_time": [0, 0], "duration": [0, 0]}
    columns |= {"cpu_count": [1, 1], "mem_capacity": [1, 1]}
    path = tmp_path / "tasks.parquet"
    pyarrow.parquet.write_table(pyarrow.table(columns), path)
    with pytest.raises(TraceError, match=r"row 2, id: the task 1 occurs twice"):
        traces.load_trace(path)
    with pytest.raises(ValueError, match="memory_unit_bytes must be > 0, found 0"):
        traces.load_trace(path, memory_unit_bytes=0)


def test_public_files_have_the_published_counts():
    models = traces.load_trace(public_file("gpu2025_disaggregated_DLRM_trace.csv"))
    assert models.pods.n_pods == 23_871
    assert len(models.owners) == 156
    assert models.summary.left_censored == 7_280
    assert models.summary.right_censored == 8_878
    google = traces.load_trace(public_file("task_events_sample.csv"))
    assert google.summary.dropped == {"attempts without a request": 79}
    assert traces.load_trace(public_file("surf_week_tasks.parquet")).pods.n_pods == 6_295
