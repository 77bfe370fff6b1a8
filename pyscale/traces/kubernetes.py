"""Kubernetes dumps: ``kubectl get nodes,pods -A -o json`` and files of manifests as a trace."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from pyscale.errors import TraceError
from pyscale.model.pods import Pod
from pyscale.model.times import parse_timestamp
from pyscale.model.workloads import Workload

from .assemble import UNKNOWN, assemble
from .files import PathLike, check_file, compression_of, read_bytes
from .object_rows import ObjectRows, object_faults
from .trace import Trace

FORMAT = "kubernetes"

MIRROR_ANNOTATION = "kubernetes.io/config.mirror"

_FINISHED = ("Succeeded", "Failed")


def read_kubernetes(path: PathLike, *, at_once: bool = False, validate: bool = True) -> Trace:
    """Read a dump of a cluster, or manifests of workloads.

    Parameters
    ----------
    path : str or path
        JSON, YAML (several documents), a ``List``, or JSON lines; plain or compressed.
    at_once : bool
        All pods arrive at time 0, instead of when they were created.
    validate : bool
        Whether to refuse what an API server would refuse.

    Returns
    -------
    Trace
        Time 0 is the first creation.  ``nodes`` are the dump's nodes, None if it has none.
        ``objects`` holds the other objects by kind; pods of DaemonSets and mirror pods, which are
        overhead of their nodes, are under ``NodePod``.  Workloads that want more pods than the
        dump has add the missing ones, which arrive at the last time the dump tells.

    Raises
    ------
    TraceError
        For an unreadable file or object, with the path of the field.

    Notes
    -----
    A dump is one instant: pods that run have no end.  A finished pod is kept where its containers
    tell when they ended, else dropped and counted.
    """
    from pyscale.manifests import load_cluster

    source = _source(path)
    with object_faults(path):
        cluster = load_cluster(source, validate=validate)
    rows = ObjectRows()
    workloads = {(entry.kind, entry.key): entry for entry in cluster.workloads}
    ends = _ends(path, source) if any(pod.phase in _FINISHED for pod in cluster.pods) else {}
    origin = min(
        (pod.creation_ns for pod in cluster.pods if pod.creation_ns is not None), default=0
    )
    latest = 0
    node_pods = []
    for pod in cluster.pods:
        if MIRROR_ANNOTATION in pod.template.annotations or _is_daemon(pod):
            rows.drop("a pod of a DaemonSet or a mirror pod, overhead of its node")
            node_pods.append(pod)
            continue
        end = ends.get(pod.key, UNKNOWN)
        if pod.phase in _FINISHED and end == UNKNOWN:
            rows.drop(f"a finished pod ({pod.phase}) without times")
            continue
        created = 0 if at_once or pod.creation_ns is None else pod.creation_ns - origin
        started = _scheduled(pod)
        latest = max(latest, created)
        rows.add(
            pod.template,
            pod.key,
            created,
            end_ns=UNKNOWN if end == UNKNOWN or at_once else end - origin,
            start_ns=UNKNOWN if started is None or at_once else started - origin,
            owner=_owner(pod, workloads),
            node=pod.node_name,
        )
    for workload, missing in cluster.missing_pods():
        rows.adjust("pods that a workload wants and the dump does not have", missing)
        with object_faults(path):
            name = f"{workload.key}-missing"
            rows.add(workload.template, name, latest, count=missing, owner=workload.key)
    objects: dict[str, tuple[Any, ...]] = {
        "Workload": cluster.workloads,
        "NodePool": cluster.node_pools,
        "NodeClaim": cluster.node_claims,
        "PodDisruptionBudget": cluster.pod_disruption_budgets,
        "PersistentVolume": cluster.persistent_volumes,
        "PersistentVolumeClaim": cluster.persistent_volume_claims,
        "StorageClass": cluster.storage_classes,
        "CSINode": cluster.csi_nodes,
        "Namespace": cluster.namespaces,
        "Service": cluster.services,
        "NodePod": tuple(node_pods),
    }
    return assemble(
        path,
        rows.rows(len(cluster.pods) + sum(1 for _ in cluster.missing_pods())),
        {
            "format": FORMAT,
            "origin_unix_ns": origin,
            "at_once": at_once,
            "ignored_kinds": dict(cluster.ignored),
            "times": "creation; one instant of the cluster, running pods have no end",
        },
        nodes=cluster.nodes or None,
        objects={kind: entries for kind, entries in objects.items() if entries},
    )


def _source(path: PathLike) -> str | bytes:
    """Return what the manifest reader takes: the path, or the content where it needs help."""
    file = check_file(path)
    name = os.fspath(path)
    if name.endswith((".jsonl", ".ndjson", ".jsonl.gz", ".ndjson.gz")):
        return _join_lines(path)
    return name if compression_of(file) in ("", "gzip") else read_bytes(path)


def _join_lines(path: PathLike) -> bytes:
    import json

    parts = []
    for number, line in enumerate(read_bytes(path).split(b"\n"), 1):
        if not line.strip():
            continue
        try:
            json.loads(line)
        except (ValueError, RecursionError) as error:
            raise TraceError(os.fspath(path), f"is not JSON: {error}", number) from None
        parts.append(line.strip())
    return b"[" + b",".join(parts) + b"]"


def _is_daemon(pod: Pod) -> bool:
    owner = pod.template.controller
    return owner is not None and owner.kind == "DaemonSet"


def _scheduled(pod: Pod) -> int | None:
    for condition in pod.conditions:
        if condition.type == "PodScheduled" and condition.status == "True":
            return condition.last_transition_ns
    return None


def _owner(pod: Pod, workloads: Mapping[tuple[str, str], Workload]) -> str:
    """Return the topmost controller that the dump tells of: a ReplicaSet's is its Deployment."""
    owner = pod.template.controller
    if owner is None:
        return ""
    key = f"{pod.namespace}/{owner.name}"
    known = workloads.get((owner.kind, key))
    if known is not None and known.controller is not None:
        return f"{pod.namespace}/{known.controller.name}"
    return key


def _ends(path: PathLike, source: str | bytes) -> dict[str, int]:
    """Return when the containers of each finished pod ended, ns since the Unix epoch."""
    from pyscale.manifests import read_objects

    ends: dict[str, int] = {}
    with object_faults(path):
        for manifest in read_objects(source):
            status = _mapping(manifest.content.get("status"))
            if manifest.kind != "Pod" or status.get("phase") not in _FINISHED:
                continue
            metadata = _mapping(manifest.content.get("metadata"))
            key = f"{metadata.get('namespace') or 'default'}/{metadata.get('name')}"
            containers = status.get("containerStatuses")
            times = []
            for container in containers if isinstance(containers, list) else ():
                state = _mapping(_mapping(container).get("state"))
                ended = _mapping(state.get("terminated")).get("finishedAt")
                if ended:
                    times.append(parse_timestamp(str(ended), f"pod {key}: finishedAt"))
            if times:
                ends[key] = max(times)
    return ends


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
