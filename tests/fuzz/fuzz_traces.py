"""Coverage-guided fuzzing of the CSV readers: ``python tests/fuzz/fuzz_traces.py -runs=100000``.

Needs atheris.  The first byte chooses the format, the others are the file.
"""

import sys
import tempfile
import warnings
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["pyscale.traces"]):
    from pyscale import traces
    from pyscale.traces import (  # noqa: F401
        alibaba_2017,
        alibaba_gpu_2025,
        azure_functions,
        azure_llm,
        azure_vm,
        google_2011,
        gwf,
        load_table,
        openb,
        swf,
        table,
    )

from pyscale.errors import PyscaleError

PODS = (
    "openb",
    "alibaba-2017",
    "alibaba-gpu-2025",
    "azure-vm",
    "google-2011",
    "gwf",
    "swf",
    "table",
)
LOADS = ("azure-functions-2021", "azure-llm", "alibaba-genai-lora", "loads")
HEADERS = {
    "openb": b"name,cpu_milli,memory_mib,num_gpu,gpu_milli,creation_time,deletion_time\n",
    "alibaba-2017": b"submit_time,duration,cpu,memory,job_id,task_id,instances_num\n",
    "alibaba-gpu-2025": (
        b"instance_sn,role,app_name,cpu_request,gpu_request,rdma_request,memory_request,"
        b"disk_request,max_instance_per_node,creation_time,scheduled_time,deletion_time\n"
    ),
    "gwf": b"WorkflowID,JobID,SubmitTime,RunTime,NProcs,ReqNProcs,Dependencies\n",
    "table": b"name,arrival_s,duration_s,count,cpu,labels,node_affinity,tolerations,spread\n",
    "azure-functions-2021": b"app,func,end_timestamp,duration\n",
    "azure-llm": b"TIMESTAMP,ContextTokens,GeneratedTokens\n",
    "alibaba-genai-lora": b"gmt_create,predict_type,predict_status,exec_time_seconds\n",
    "loads": b"workload,time_s,value\n",
}
FOLDER = Path(tempfile.mkdtemp(prefix="fuzz-traces-"))


def read_one(data: bytes) -> None:
    """Read one file; anything but a trace or one of our errors is a find."""
    if not data:
        return
    names = PODS + LOADS
    name = names[data[0] % len(names)]
    path = FOLDER / "input"
    path.write_bytes(HEADERS.get(name, b"") + data[1:])
    try:
        if name in LOADS:
            traces.read_loads(path, name)
        else:
            traces.load_trace(path, name)
    except PyscaleError as error:
        if "\n" in str(error):
            raise AssertionError(f"more than one line: {error}") from error


if __name__ == "__main__":
    warnings.simplefilter("error")
    atheris.Setup(sys.argv, read_one)
    atheris.Fuzz()
