import io
import tarfile

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st
from public_data import public_file

from pyscale.errors import TraceError
from pyscale.traces import load_example, load_trace, read_loads, write_loads
from pyscale.traces.azure_functions import mean_concurrency
from pyscale.traces.azure_llm import ServiceTime
from pyscale.traces.load import Workload

SECOND = 10**9
MINUTE = 60 * SECOND
INVOCATIONS = "HashOwner,HashApp,HashFunction,Trigger," + ",".join(map(str, range(1, 1441)))
DURATIONS = "HashOwner,HashApp,HashFunction,Average,Count,Minimum,Maximum"
LLM = "TIMESTAMP,ContextTokens,GeneratedTokens\r\n"
QPS = "timestamp_anon,value,container_ip,request_type\n"
LORA = "gmt_create,predict_type,predict_status,exec_time_seconds,groupId\n"


def write(tmp_path, text, name="loads.csv"):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def minutes(*counts):
    return ",".join(map(str, [*counts, *[0] * (1440 - len(counts))]))


def test_functions_are_summed_by_application(tmp_path):
    text = "\n".join(
        [
            INVOCATIONS,
            f"o,a,f,http,{minutes(60, 120)}",
            f"o,a,f,timer,{minutes(60, 0)}",
            f"o,b,g,http,{minutes(0, 30)}",
        ]
    )
    path = write(tmp_path, text)
    loads = read_loads(path)
    assert loads.metric == "requests_per_second"
    assert [workload.name for workload in loads.workloads] == ["default/a", "default/b"]
    assert loads.sample(np.array([0, MINUTE, 2 * MINUTE])).tolist() == [
        [2000, 2000, 0],
        [0, 500, 0],
    ]
    durations = write(tmp_path, f"{DURATIONS}\no,a,f,500,2,1,2\n", "durations.csv")
    loads = read_loads(path, durations=durations, day=1)
    assert loads.metric == "concurrency"
    # The function that is missing from the durations has the mean of the day.
    assert loads.at(86_400 * SECOND).tolist() == [1000, 0]
    assert loads.at(86_400 * SECOND + MINUTE).tolist() == [1000, 250]


def test_invocations_are_averaged_over_steps(tmp_path):
    text = "app,func,end_timestamp,duration\na,f,90,60\na,g,0.5,5\nb,f,59.5,1\n"
    loads = read_loads(write(tmp_path, text))
    assert loads.sample(np.array([0, MINUTE, 2 * MINUTE])).tolist() == [
        [508, 500, 0],
        [16, 0, 0],
    ]


def slow_concurrency(intervals, step, at):
    covered = sum(max(0, min(end, at + step) - max(start, at)) for start, end in intervals)
    return covered * 1000 / step


@given(
    intervals=st.lists(
        st.tuples(st.integers(0, 20_000), st.integers(0, 9_000)).map(lambda p: (p[0], sum(p))),
        min_size=1,
        max_size=6,
    )
)
def test_the_mean_concurrency_is_the_covered_time(intervals):
    starts, ends = np.array(intervals, dtype=np.int64).T
    times, values = mean_concurrency(starts, ends, 1000)
    for time, value in zip(times.tolist(), values.tolist(), strict=True):
        assert value == slow_concurrency(intervals, 1000, time)
    assert values[-1] == 0


def test_requests_to_a_model_become_tokens_per_second(tmp_path):
    text = (
        LLM
        + "2023-11-16 18:17:13.9799601,40,10\r\n2023-11-16 18:17:03.9799600,4808,10\r\n"
        + "2023-11-16 18:17:03.9799600,1,1"
    )
    path = write(tmp_path, text)
    loads = read_loads(path, workload=Workload("ml/llm"))
    assert loads.workloads[0].name == "ml/llm"
    assert loads.at(0).tolist() == [482_000]
    assert loads.at(10 * SECOND).tolist() == [5_000]
    assert read_loads(path, metric="requests_per_second").at(0).tolist() == [200]
    slow = ServiceTime(base_us=5_000_000, context_token_us=0, generated_token_us=0)
    loads = read_loads(path, metric="concurrency", service_time=slow)
    assert loads.at(0).tolist() == [1000]
    with pytest.raises(ValueError, match="metric: expected tokens, requests or concurrency"):
        read_loads(path, metric="queue_length")


def test_stamps_may_have_a_zone(tmp_path):
    text = LLM + "2024-05-10 00:00:00.009930+00:00,1,9\n2024-05-10 02:00:10.00993+02:00,20,0\n"
    loads = read_loads(write(tmp_path, text))
    assert loads.sample(np.array([0, 10 * SECOND])).tolist() == [[1_000, 2_000]]


def test_request_rates_are_summed_over_containers(tmp_path):
    text = (
        QPS + "100,1,x,API Requests\n130,3,x,API Requests\n110,0.5,,API Requests\n"
        "115,1.5,NULL,API Requests\n160,2,x,Generative Requests\n"
    )
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz") as tar:
        member = tarfile.TarInfo("data/qps.csv")
        member.size = len(text)
        tar.addfile(member, io.BytesIO(text.encode()))
    for path in (
        write(tmp_path, text),
        write(tmp_path, archive.getvalue(), "qps.tar.gz"),
    ):
        loads = read_loads(path, format="alibaba-genai-qps")
        names = [workload.name for workload in loads.workloads]
        assert names == ["default/api-requests", "default/generative-requests"]
        assert loads.sample(np.array([0, MINUTE])).tolist() == [[3_000, 0], [0, 2_000]]


def test_lora_requests_run_for_their_execution_time(tmp_path):
    text = (
        LORA + "2024-11-15 16:58:00,TXT_2_IMG,SUCCEED,30,g\n"
        "2024-11-15 16:57:00,TXT_2_IMG,SUCCEED,90,g\n2024-11-15 16:57:00,OTHER,PENDING,,g\n"
    )
    loads = read_loads(write(tmp_path, text))
    assert [workload.name for workload in loads.workloads] == ["default/txt-2-img"]
    assert loads.sample(np.array([0, MINUTE])).tolist() == [[1_000, 1_000]]


@pytest.mark.parametrize("ending", [".csv", ".csv.gz", ".parquet", ".arrow"])
def test_written_loads_read_the_same(tmp_path, ending):
    loads = load_example("web-and-batch", n_workloads=8, n_pods=100).loads
    path = write_loads(loads, tmp_path / f"loads{ending}")
    again = read_loads(path, workloads=loads.workloads)
    assert again.digest() == loads.digest()


def test_a_table_may_count_seconds_and_alternate(tmp_path):
    text = "workload,time_s,value\na,0,1\nb,0.5,2\na,60,1.5\n"
    loads = read_loads(write(tmp_path, text), step_s=60)
    assert loads.sample(np.array([0, SECOND // 2, MINUTE])).tolist() == [
        [1000, 1000, 1500],
        [0, 2000, 2000],
    ]


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("workload,time_s,value\na,0,1\na,60,\n", {}, "row 3, value: expected a number, found an"),
        ("workload,time_s,value\na,60,1\na,0,1\n", {}, "row 3, time_s: a: time goes backwards"),
        ("workload,time_s,value\na,0,1\nb,9,1\na,0,1\n", {}, "row 4, time_s: a: time goes back"),
        ("workload,time_s,value\na,0,-1\n", {}, "row 2, value: expected a number >= 0, found -1"),
        ("workload,time_s,value\na,0,nan\n", {}, "row 2, value: expected a finite number"),
        ("workload,time_s,value\na,0,1e13\n", {}, "row 2, value: expected a load <= 1e+12"),
        ("workload,time_s,value\na,1e10,1\n", {}, "row 2, time_s: expected a time within 146"),
        ("workload,time_s,value\n,0,1\n", {}, "row 2, workload: expected a name, found an empty"),
        ("workload,time_s,value\n", {}, "loads.csv: expected loads, found none"),
        ("workload,value\na,1\n", {}, "row 1, time_s: expected a column 'time_s'"),
        (
            "workload,time_s,value\na,0,1\na,60,1\na,180,1\n",
            {"step_s": 60},
            "row 4, time_s: a: a gap: expected 60000000000 ns between samples, found 120000000000",
        ),
        (LLM + "noon,1,1\n", {}, "row 2, TIMESTAMP: expected a time stamp, found 'noon'"),
        (LLM + "2023-11-41 18:17:03,1,1\n", {}, "row 2, TIMESTAMP: expected a time stamp"),
        (LLM + "2023-11-16 18:17:03,-1,1\n", {}, "row 2, ContextTokens: expected a number >= 0"),
        (LLM, {}, "loads.csv: expected requests, found none"),
        ("app,func,end_timestamp,duration\na,f,1e12,1\n", {}, "row 2, end_timestamp: expected sec"),
        ("app,func,end_timestamp,duration\n", {}, "expected invocations, found none"),
        (f"{INVOCATIONS}\no,a,f,http,{minutes(-1)}\n", {}, "row 2, 1: expected a number >= 0"),
        (f"{INVOCATIONS}\n", {}, "expected functions, found none"),
        (QPS + "1,x,y,z\n", {}, "row 2, value: expected a number, found 'x'"),
        (QPS, {}, "expected samples, found none"),
        (LORA + "2024-11-15 16:58:00,T,PENDING,,g\n", {}, "expected requests with an execution"),
        ("a,b\n1,2\n", {}, "loads.csv: the format is not known; give format=, one of azure-"),
        ("", {}, "expected a trace, found an empty file"),
    ],
)
def test_a_fault_is_named_by_row_and_field(tmp_path, text, options, message):
    with pytest.raises(TraceError) as caught:
        read_loads(write(tmp_path, text), **options)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_archive_without_the_table_is_refused(tmp_path):
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz") as tar:
        tar.addfile(tarfile.TarInfo("other.csv"))
    path = write(tmp_path, archive.getvalue(), "x.tar.gz")
    with pytest.raises(TraceError, match=r"x.tar.gz: expected a member qps.csv, found none"):
        read_loads(path, format="alibaba-genai-qps")


def test_a_load_signal_instead_of_pods_is_told(tmp_path):
    path = write(tmp_path, LLM + "2023-11-16 18:17:03,1,1\n")
    with pytest.raises(
        TraceError, match=r"is a load signal \(azure-llm\): read it with read_loads"
    ):
        load_trace(path)


def test_an_unknown_format_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"format: expected one of azure-functions-2019, .*'csv'"):
        read_loads(tmp_path, format="csv")


def test_loads_from_parquet_name_the_record(tmp_path):
    path = tmp_path / "loads.parquet"
    table = pyarrow.table({"workload": ["a", "a"], "time_ns": [0, 0], "value": [1.0, 2.0]})
    pyarrow.parquet.write_table(table, path)
    with pytest.raises(TraceError, match=r"loads.parquet, row 2, time_ns: a: time goes backwards"):
        read_loads(path)


def test_the_public_files_have_the_published_means():
    path = public_file("AzureLLMInferenceTrace_conv.csv")
    loads = read_loads(path, step_s=4000)
    assert loads.at(0)[0] == pytest.approx(19_366 * (1_154.7 + 211.1) / 4, rel=1e-3)
    assert len(read_loads(public_file("functions2021_sample200.csv"))) == 13
    assert len(read_loads(public_file("genai2026_qps.tar.gz"))) == 2
    assert len(read_loads(public_file("genai2026_lora_request_trace.csv"))) == 3
