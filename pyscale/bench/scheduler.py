"""``pyscale bench scheduler``: queues of pods bound one after the other, as kube-scheduler does.

The recorded rows have a hash of the real program's whole placement.  The generated one is held
against the cycle that looks at every node and every score, which shares no loop with the quick one.
"""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyscale.bench._frame import Row, Work
from pyscale.policies.kube_scheduler.snapshot import Snapshot

PROGRAM = "kube-scheduler"
_TARGETS_MS = {
    "resource-100-10000": 8,
    "resource-1000-10000": 15,
    "resource-5000-10000": 20,
    "mixed-100-10000": 25,
    "mixed-1000-10000": 60,
    "mixed-5000-10000": 90,
}
LARGE_NODES = 10_000
LARGE_PODS = 100_000

Queue = tuple[Snapshot, NDArray[np.int32]]


def _bind(queue: list[Queue]) -> Queue:
    """Bind a queue that nobody has bound yet; the result has the nodes in place of the classes."""
    snapshot, classes = queue.pop()
    nodes = np.empty(len(classes), np.int32)
    snapshot.state.bind_queue(classes, nodes)
    return snapshot, nodes


def _work(build: Callable[[], Queue], answer: Callable[[Queue], Any], **fields: Any) -> Work:
    """Time the binding alone: objects are read and interned beforehand, anew for every run."""
    ready = [build()]

    def answer_and_renew(result: Queue) -> Any:
        ready.append(build())
        return answer(result)

    return Work(lambda: _bind(ready), answer=answer_and_renew, **fields)


def recorded(name: str) -> Callable[[Path | None], Work]:
    """Bind a recorded queue."""

    def prepare(golden: Path | None) -> Work:
        from pyscale.conformance.kube_scheduler import read_cluster

        assert golden is not None
        folder = golden / PROGRAM / "bench"
        case = json.loads(gzip.decompress((folder / f"{name}.jsonl.gz").read_bytes()))
        times = json.loads((folder / "recorded.json").read_text(encoding="utf-8"))

        def build() -> Queue:
            cluster = read_cluster(case["input"])
            scheduler = cluster.scheduler
            classes = [scheduler.info(cluster.pod(pod)).class_id for pod in cluster.pods]
            return scheduler.snapshot, np.array(classes, np.int32)

        def answer(result: Queue) -> str:
            snapshot, nodes = result
            names = [snapshot.nodes[node].name if node >= 0 else "-" for node in nodes.tolist()]
            return hashlib.sha256("\n".join(names).encode()).hexdigest()

        return _work(
            build,
            answer,
            expected=case["outcomes"][0]["bindingsSha256"],
            recorded_seconds=times["inputs"][name]["cpu_seconds"],
        )

    return prepare


def large(golden: Path | None) -> Work:
    """Bind 100,000 pods of 24 applications, half of them with constraints, on 10,000 nodes."""
    from pyscale.bench._clusters import mixed_cluster

    def build() -> Queue:
        snapshot, classes = mixed_cluster(LARGE_NODES, 24)
        order = np.random.default_rng(0).integers(len(classes), size=LARGE_PODS)
        return snapshot, np.array(classes, np.int32)[order]

    def answer(result: Queue) -> str:
        return hashlib.sha256(result[1].tobytes()).hexdigest()

    snapshot, classes = build()
    nodes = np.empty(LARGE_PODS, np.int32)
    state = snapshot.state
    for i, class_id in enumerate(classes.tolist()):
        nodes[i] = state.schedule(class_id)[1]
        if nodes[i] >= 0:
            state.add_pod(class_id, int(nodes[i]))
    return _work(build, answer, expected=answer((snapshot, nodes)))


def _describe(name: str) -> str:
    kind, nodes, pods = name.split("-")
    return f"{int(pods):,} pods on {int(nodes):,} nodes, {kind} constraints"


ROWS = (
    *(
        Row(
            f"scheduler/{name}",
            _describe(name),
            recorded(name),
            target_seconds=target / 1000,
            needs_golden=True,
        )
        for name, target in _TARGETS_MS.items()
    ),
    Row(
        "scheduler/large",
        f"{LARGE_PODS:,} pods on {LARGE_NODES:,} nodes, mixed constraints",
        large,
        target_seconds=1.0,
        repeats=3,
    ),
)
