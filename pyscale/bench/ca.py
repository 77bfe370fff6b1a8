"""``pyscale bench ca``: Cluster Autoscaler's estimator and whole iterations of its loop.

The recorded rows start from the inputs that the real program was timed on; as there, objects are
read and interned beforehand.  Three rows repeat benchmarks of the real program's own repository.
"""

from __future__ import annotations

import gc
import gzip
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from pyscale.bench._frame import Row, Work
from pyscale.conformance.cluster_autoscaler.reader import GPU_LABEL, START_NS, CaseReader
from pyscale.conformance.cluster_autoscaler.recorded_world import RecordedWorld
from pyscale.conformance.cluster_autoscaler.worlds import replay
from pyscale.model.times import SECOND
from pyscale.policies.cluster_autoscaler.actuator import Actuator
from pyscale.policies.cluster_autoscaler.equivalence import PodGroup
from pyscale.policies.cluster_autoscaler.estimator import Estimate
from pyscale.policies.cluster_autoscaler.expander import Expander
from pyscale.policies.cluster_autoscaler.kernel_placement import KernelPlacement
from pyscale.policies.cluster_autoscaler.loop import Autoscaler, Iteration
from pyscale.policies.cluster_autoscaler.world import Observation

PROGRAM = "cluster-autoscaler"
_ESTIMATES = {"estimator-50000-10": 11, "estimator-50000-100": 19, "estimator-50000-1000": 46}
_ITERATIONS = {
    "scaleup-10000-10-10": 11,
    "scaleup-10000-100-10": 17,
    "scaleup-10000-1000-10": 37,
    "scaleup-10000-10-100": 60,
    "scaleup-50000-10-10": 40,
}
_SCENARIOS = {
    "scalability-1-0": "burst to 1,000 nodes",
    "scalability-1-1": "700 nodes, then 300 more",
    "scalability-1-2": "300 of 1,000 nodes are empty",
    "scalability-1-3": "300 of 1,000 nodes are used to 30 %",
    "scalability-1-4": "nodes that cannot be removed",
    "scalability-1-5": "1,000 pods that never fit, and the burst",
}
MEBIBYTE = 2**20

Json = dict[str, Any]


class _Ready(RecordedWorld):
    """A world whose objects are listed beforehand."""

    def __init__(self, reader: CaseReader) -> None:
        super().__init__(reader)
        self._seen: Observation | None = super().observe()

    def observe(self) -> Observation:
        """Return what was listed, and list afresh from then on."""
        seen, self._seen = self._seen, None
        return seen if seen is not None else super().observe()


# --- the estimator ---


def _estimate_work(given: Json, expected: Any, recorded: float | None) -> Work:
    reader, placement = CaseReader(given), KernelPlacement()
    template = given["template"]
    shape = reader.shape(template["nodeTemplate"], tuple(template.get("pods") or ()))
    groups = [
        PodGroup(reader.template_class(group["template"]), list(range(group["count"])))
        for group in given["groups"]
    ]
    for group in groups:
        placement.class_id(group.pod_class)

    def run() -> Estimate:
        placement.last_match = 0
        return placement.estimate(shape, groups, 0, fast_path=False)

    def answer(found: Estimate) -> tuple[int, dict[str, int]]:
        return found.node_count, {str(group): count for group, count in found.placed.items()}

    return Work(run, expected, answer, recorded_seconds=recorded)


def _recorded_estimate(name: str, golden: Path | None) -> Work:
    case, seconds = _recorded(name, golden)
    result = case["outcomes"][0]["result"]
    return _estimate_work(case["input"], (result["nodeCount"], result["placed"]), seconds)


def _upstream_estimate(golden: Path | None) -> Work:
    given = {
        "nodeTemplates": [_node("1000m", 5000 * MEBIBYTE, 100)],
        "podTemplates": [
            _pod("50m", 100 * MEBIBYTE, "ReplicaSet-a"),
            _pod("95m", 190 * MEBIBYTE, "ReplicaSet-b"),
        ],
        "template": {"nodeTemplate": 0},
        "groups": [{"template": 0, "count": 50_000}, {"template": 1, "count": 1_000}],
    }
    return _estimate_work(given, (2595, {"0": 50_000, "1": 1_000}), 5.8)


# --- iterations ---


def _iteration_work(
    given: Json,
    expected: Any,
    answer: Callable[[Iteration], Any],
    recorded: float | None,
) -> Work:
    ready = [_autoscaler(given)]

    def renewed(done: Iteration) -> Any:
        found = answer(done)
        ready[0] = _autoscaler(given)  # to free the one before is not the iteration's either
        return found

    return Work(lambda: ready[0].run_once(), expected, renewed, recorded_seconds=recorded)


def _autoscaler(given: Json) -> Autoscaler:
    reader = CaseReader(given)
    world = _Ready(reader)
    placement = KernelPlacement()
    for pod_class in reader.table.classes:
        placement.class_id(pod_class)
    config = given.get("priorityExpanderConfig")
    expander = Expander(reader.options.expander, config, reader.pod_price(), GPU_LABEL)
    actuator = Actuator(reader.options, world)
    autoscaler = Autoscaler(reader.options, world, placement, expander, actuator, GPU_LABEL)
    world.advance(START_NS + 10 * SECOND)
    gc.collect()  # what reading left behind is not the iteration's
    return autoscaler


def _plan(done: Iteration) -> list[list[Any]]:
    return sorted(list(change) for change in done.scale_ups[-1].plan)


def _recorded_iteration(name: str, golden: Path | None) -> Work:
    case, seconds = _recorded(name, golden)
    expected = sorted(case["outcomes"][0]["result"]["steps"][0]["scaleUp"]["plan"])
    return _iteration_work(case["input"], expected, _plan, seconds)


def _upstream_scale_up(golden: Path | None) -> Work:
    given = _world(
        [_pod("200m", 200)],
        [{"name": f"p{i}", "template": 0} for i in range(50_000)],
        [],
        {"max-nodes-per-scaleup": 10_000},
    )
    return _iteration_work(given, [["ng", 0, 1000]], _plan, 16.0)


def _upstream_scale_down(golden: Path | None) -> Work:
    given = _world(
        [{**_pod("100m", 100), "metadata": _SAFE}],
        [{"name": f"p{n}-{i}", "nodeName": f"n{n}", "template": 0}
         for n in range(2000) for i in range(40)],
        [{"name": f"n{n}", "nodeGroup": "ng", "nodeTemplate": 0} for n in range(2000)],
        {
            "scale-down-unneeded-time": "0s",
            "max-scale-down-parallelism": 2000,
            "max-drain-parallelism": 2000,
            "max-bulk-soft-taint-count": 0,
        },
    )  # fmt: skip
    return _iteration_work(given, 1200, lambda done: len(done.scale_down.started), 22.0)


_SAFE = {"annotations": {"cluster-autoscaler.kubernetes.io/safe-to-evict": "true"}}


def _world(templates: list[Json], pods: list[Json], nodes: list[Json], options: Json) -> Json:
    return {
        "nodeTemplates": [_node("10000m", 10_000, 100)],
        "podTemplates": templates,
        "pods": pods,
        "nodes": nodes,
        "nodeGroups": [{"name": "ng", "minSize": 0, "maxSize": 10_000, "nodeTemplate": 0}],
        "options": options,
        "iterations": 1,
    }


def _node(cpu: str, memory: int, pods: int) -> Json:
    capacity = {"cpu": cpu, "memory": str(memory), "pods": str(pods)}
    return {"metadata": {"labels": {}}, "status": {"capacity": capacity}}


def _pod(cpu: str, memory: int, controller: str = "") -> Json:
    requests = {"cpu": cpu, "memory": str(memory)}
    spec = {"containers": [{"name": "c", "resources": {"requests": requests}}]}
    owner = {"kind": "ReplicaSet", "name": controller, "uid": controller, "controller": True}
    return {"metadata": {"ownerReferences": [owner]} if controller else {}, "spec": spec}


# --- whole runs ---


def _scenario(name: str, golden: Path | None) -> Work:
    assert golden is not None
    file = golden / PROGRAM / "scalability.jsonl.gz"
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        case = next(case for case in map(json.loads, lines) if case["id"] == name)
    accepted = [outcome["result"] for outcome in case["outcomes"]]
    return Work(lambda: replay(case["input"], accepted)[0], accepted[0])


def _recorded(name: str, golden: Path | None) -> tuple[Json, float | None]:
    assert golden is not None
    folder = golden / PROGRAM / "bench"
    with gzip.open(folder / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
        case: Json = json.loads(lines.readline())
    figures = json.loads((folder / "recorded.json").read_text(encoding="utf-8"))
    return case, figures["inputs"].get(name, {}).get("cpu_seconds")


def _estimate_title(name: str) -> str:
    _, pods, kinds = name.split("-")
    return f"estimate the nodes for {int(pods):,} pods of {int(kinds):,} kinds"


def _iteration_title(name: str) -> str:
    _, pods, kinds, groups = name.split("-")
    return f"one iteration, {int(pods):,} pods of {int(kinds):,} kinds, {groups} node groups"


ROWS = (
    *(
        Row(f"ca/{name}", _estimate_title(name), partial(_recorded_estimate, name), ms / 1000, True)
        for name, ms in _ESTIMATES.items()
    ),
    *(
        Row(
            f"ca/{name}", _iteration_title(name), partial(_recorded_iteration, name), ms / 1000,
            True,
        )
        for name, ms in _ITERATIONS.items()
    ),
    Row("ca/upstream-estimate", "estimate 51,000 pods to 2,595 nodes", _upstream_estimate, 0.003),
    Row(
        "ca/upstream-scale-up", "one iteration, 50,000 pods without controller to 1,000 nodes",
        _upstream_scale_up, 0.016,
    ),
    Row(
        "ca/upstream-scale-down", "scale-down over 2,000 nodes with 40 pods each",
        _upstream_scale_down, 0.022,
    ),
    *(
        Row(f"ca/{name}", f"whole run: {title}", partial(_scenario, name), 0.2, True, repeats=2)
        for name, title in _SCENARIOS.items()
    ),
)  # fmt: skip
