import pytest
from public_data import public_file

from pyscale import traces
from pyscale.errors import TraceError
from pyscale.model.pod_table import NEVER
from pyscale.model.requirements import NodeSelectorTerm, Requirement
from pyscale.traces.openb import MODEL_LABEL, read_openb, read_openb_nodes

SECOND = 10**9
HEAD = (
    "name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,qos,pod_phase,"
    "creation_time,deletion_time,scheduled_time\n"
)
NODES = "sn,cpu_milli,memory_mib,gpu,model\nn0,64000,262144,2,P100\nn1,96000,1024,0,\n"


def write(tmp_path, text, name="openb_pod_list_x.csv"):
    path = tmp_path / name
    path.write_text(text)
    return path


def test_pods_are_read_with_their_times(tmp_path):
    path = write(
        tmp_path,
        HEAD + "b,4000,0,0,0,,BE,Pending,20,30,\n"
        "a,6000,12288,1,460,V100M32|V100M16|V100M32,LS,Running,10,60,15\n"
        "c,1050,1024,2,1000,,Burstable,Failed,20,20,20\n",
    )
    trace = traces.load_trace(path)
    pods = trace.pods
    assert pods.names == ("a", "b", "c")
    assert pods.arrival_ns.tolist() == [10 * SECOND, 20 * SECOND, 20 * SECOND]
    assert pods.duration_ns.tolist() == [45 * SECOND, 10 * SECOND, 0]
    assert pods.start_ns.tolist() == [15 * SECOND, -1, 20 * SECOND]
    a, b, c = (pods.templates[index].spec for index in pods.class_id)
    assert a.containers[0].requests == {
        "cpu": 6 * SECOND,
        "memory": 12288 * 2**20 * SECOND,
        "nvidia.com/gpu": SECOND,
    }
    assert a.required_node_affinity == (
        NodeSelectorTerm((Requirement(MODEL_LABEL, "In", ("V100M16", "V100M32")),)),
    )
    assert b.containers[0].requests == {"cpu": 4 * SECOND}
    assert [a.priority, b.priority, c.priority] == [1000, 0, 500]
    assert all(template.controller for template in pods.templates)
    assert trace.summary.adjusted == {
        "asks for a whole GPU instead of a share": 1,
        "never scheduled in the original": 1,
    }


def test_constraints_and_priorities_are_options(tmp_path):
    path = write(tmp_path, HEAD + "a,1,1,1,1000,T4,LS,Running,1,2,1\n")
    spec = read_openb(path, model_label=None, priorities={}).pods.templates[0].spec
    assert spec.required_node_affinity is None
    assert spec.priority is None


def test_a_window_is_cut_in_the_traces_seconds(tmp_path):
    rows = "a,1,1,0,0,,BE,Running,0,50,0\nb,1,1,0,0,,BE,Running,15,16,15\n"
    trace = read_openb(write(tmp_path, HEAD + rows), start_s=10, end_s=40)
    assert trace.pods.names == ("a", "b")
    assert trace.pods.arrival_ns.tolist() == [0, 5 * SECOND]
    assert trace.pods.duration_ns.tolist() == [40 * SECOND, SECOND]
    assert trace.summary.left_censored == 1


def test_a_variant_without_times_is_static(tmp_path):
    path = write(
        tmp_path, "name,cpu_milli,memory_mib,num_gpu,gpu_milli\na,1000,1,4,1000\nb,1,1,1,500\n"
    )
    trace = traces.load_trace(path)
    assert trace.pods.arrival_ns.tolist() == [0, 0]
    assert trace.pods.duration_ns.tolist() == [NEVER, NEVER]
    assert trace.metadata["times"] == "unknown"
    assert trace.summary.adjusted == {"asks for a whole GPU instead of a share": 1}


def test_a_pod_deleted_before_its_creation_is_dropped_and_counted(tmp_path):
    rows = "a,1,1,0,0,,BE,Running,20,10,\nb,1,1,0,0,,BE,Running,20,30,\n"
    trace = traces.load_trace(write(tmp_path, HEAD + rows))
    assert trace.pods.names == ("b",)
    assert trace.summary.dropped == {"ends before it starts": 1}


def test_nodes_are_read_with_their_gpus(tmp_path):
    plain, none = read_openb_nodes(write(tmp_path, NODES, "nodes.csv"))
    assert plain.allocatable == {
        "cpu": 64 * SECOND,
        "memory": 256 * 2**30 * SECOND,
        "nvidia.com/gpu": 2 * SECOND,
        "pods": 1001 * SECOND,
    }
    assert plain.labels == {"kubernetes.io/hostname": "n0", MODEL_LABEL: "P100"}
    assert "nvidia.com/gpu" not in none.allocatable


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("a,-1,1,0,0,,BE,Running,0,1,0\n", "row 2, cpu_milli: expected a number >= 0, found -1"),
        ("a,1,x,0,0,,BE,Running,0,1,0\n", "row 2, memory_mib: expected an integer, found 'x'"),
        ("a,1,1,0,0,,BE,Running,nan,1,0\n", "row 2, creation_time: expected an integer, found"),
        ("a,1,1,0,0,,BE,Running,0,1,0\n" * 2, "row 3, name: the name 'a' occurs twice"),
        ("a,1,1,0,0,,BE,Running,99999999999,,\n", "row 2, creation_time: expected a number <= "),
        ("a,1,1,0,0,,BE\n", "row 2: expected 11 fields, found 7"),
        ("", "expected pods, found none"),
    ],
)
def test_a_fault_is_named_by_row_and_field(tmp_path, rows, message):
    with pytest.raises(TraceError) as caught:
        traces.load_trace(write(tmp_path, HEAD + rows))
    assert message in str(caught.value)


def test_a_node_list_instead_of_pods_is_told(tmp_path):
    with pytest.raises(TraceError, match=r"is an openb node list: read the pod list and give"):
        traces.load_trace(write(tmp_path, NODES, "nodes.csv"))


def test_the_public_lists_have_the_published_counts():
    trace = read_openb(
        public_file("openb_pod_list_default.csv"),
        nodes=public_file("openb_node_list_gpu_node.csv"),
    )
    assert trace.pods.n_pods == 8152
    assert trace.summary.adjusted == {
        "asks for a whole GPU instead of a share": 3078,
        "never scheduled in the original": 897,
    }
    assert trace.nodes is not None
    assert len(trace.nodes) == 1213
    assert sum(node.allocatable["nvidia.com/gpu"] for node in trace.nodes) == 6212 * SECOND
    assert sum(node.allocatable["cpu"] for node in trace.nodes) == 107_018 * SECOND
    spec = read_openb(public_file("openb_pod_list_gpuspec33.csv")).pods
    constrained = [t.spec.required_node_affinity is not None for t in spec.templates]
    assert sum(constrained[index] for index in spec.class_id) == 2388
