"""A tiny file of every trace format: name of the file and its content."""

import gzip
import io
import json

import msgspec
import pyarrow
import pyarrow.parquet


def _parquet(columns):
    stream = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.table(columns), stream)
    return stream.getvalue()


_CONTAINER = {"name": "c", "image": "i", "resources": {"requests": {"cpu": "1"}}}
_POD = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "p", "namespace": "shop", "creationTimestamp": "2025-01-01T00:00:00Z"},
    "spec": {"containers": [_CONTAINER]},
    "status": {"phase": "Running"},
}

SAMPLES = {
    "openb": (
        "pods.csv",
        b"name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,qos,pod_phase,"
        b"creation_time,deletion_time,scheduled_time\n"
        b"a,6000,12288,1,460,V100M16|V100M32,LS,Running,10,60,15\n"
        b"b,4000,1024,0,0,,BE,Pending,20,30,\n",
    ),
    "alibaba-2017": (
        "jobs.csv",
        b",submit_time,duration,cpu,memory,job_id,task_id,instances_num,disk\n"
        b"0,539,116.38,1.0,0.0054,1,1,283,0\n1,7448,73.5,0.5,0.0078,9,23,67,0\n",
    ),
    "alibaba-gpu-2025": (
        "dlrm.csv",
        b"instance_sn,role,app_name,cpu_request,cpu_limit,gpu_request,gpu_limit,rdma_request,"
        b"rdma_limit,memory_request,memory_limit,disk_request,disk_limit,max_instance_per_node,"
        b"creation_time,scheduled_time,deletion_time\n"
        b"i0,HN,app_0,12,12,1,1,25,25,120.5,120.0,640.0,800.0,8,,,4031.0000000000005\n"
        b"i1,CN,app_1,8,8,0,0,0,0,32.0,32.0,10.0,20.0,-1,100,105,\n",
    ),
    "azure-vm": (
        "vmtable.csv.gz",
        gzip.compress(
            b"vm0,s0,d0,0,2591700,99.4,3.4,10.2,Delay-insensitive,1,1.75\n"
            b"vm1,s1,d1,300,600,100,6.2,34.0,Interactive,4,7\n"
            b"vm2,s1,d1,300,300,100,6.2,34.0,Unkown,2,0.75\n",
            mtime=0,
        ),
    ),
    "google-2011": (
        "task_events.csv",
        b"0,2,1,0,77,0,u,3,9,,,,\n"
        b"0,,2,0,77,0,u,3,9,0.125,0.0744,0.0004,1\n"
        b"600000000,,2,1,,0,u,3,9,0.5,0.25,0,0\n"
        b"600000100,,2,1,78,1,u,3,9,0.5,0.25,0,0\n"
        b"601000000,,2,1,78,2,u,3,9,0.5,0.25,0,0\n"
        b"602000000,,2,1,,0,u,3,9,0.5,0.25,0,0\n"
        b"603000000,,2,0,77,4,u,3,9,0.125,0.0744,0.0004,1\n",
    ),
    "opendc": (
        "tasks.parquet",
        _parquet(
            {
                "id": [5, 3],
                "submission_time": [1_000_002_000, 1_000_000_000],
                "duration": [3000, 0],
                "cpu_count": [16, 1],
                "cpu_capacity": [33600.0, 100.0],
                "mem_capacity": [100_000, 5],
            }
        ),
    ),
    "gwf": (
        "log.gwf",
        b"WorkflowID, JobID     , SubmitTime, RunTime   , NProcs    , ReqNProcs , Dependencies\n"
        b"0         , 1         , 16        , 11        , 1         , 2         ,           \n"
        b"0         , 2         , 40        , 0         , 3         , -1        , 1         \n"
        b"1         , 1         , 2         , 5         , -1        , -1        , -1        \n",
    ),
    "table": (
        "table.csv",
        b"name,arrival_s,duration_s,count,cpu,memory,owner,labels,tolerations\n"
        b'a,0.5,60,3,250m,1Gi,shop/web,"app=web,tier=1",dedicated=web:NoSchedule\n'
        b"b,1,,1,0.1,,,,*\n",
    ),
    "simkube": (
        "t.sktrace",
        msgspec.msgpack.encode(
            {
                "version": 2,
                "config": {"trackedObjects": {"v1.Pod": {"podSpecTemplatePaths": [""]}}},
                "events": [{"ts": 100, "applied_objs": [_POD], "deleted_objs": []}],
                "index": {},
                "pod_lifecycles": {("v1.Pod", "shop/p"): {7: [{"Finished": [100, 130]}]}},
            }
        ),
    ),
    "swf": (
        "log.swf",
        b"; Version: 2.2\n; MaxProcs: 8\n"
        b"1 0 5 10 4 142.00 100 -1 100 -1 1 7 -1 3 2 -1 -1 -1\n"
        b"2 20 -1 9 2 -1 -1 6 100 200 1 8 -1 3 2 -1 -1 -1\n",
    ),
    "kubernetes": (
        "dump.json",
        json.dumps({"apiVersion": "v1", "kind": "List", "items": [_POD]}).encode(),
    ),
}
