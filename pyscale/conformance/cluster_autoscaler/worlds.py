"""Families that record the whole autoscaler in a world of virtual time."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from ...model.times import SECOND
from ...policies.cluster_autoscaler.actuator import Actuator
from ...policies.cluster_autoscaler.expander import Expander
from ...policies.cluster_autoscaler.kernel_placement import KernelPlacement
from ...policies.cluster_autoscaler.loop import Autoscaler, Iteration
from ...policies.cluster_autoscaler.scale_up import Remaining, ScaleUpStatus
from ...policies.cluster_autoscaler.world import Int64s
from ..difference import first_difference
from .reader import GPU_LABEL, START_NS, CaseReader
from .recorded_world import RecordedWorld

LONG_LIST = 150
MANY_NODES = 60
DEFAULT_INTERVAL = 10

Json = dict[str, Any]


def replay(given: Json, accepted: list[Any]) -> tuple[Any, list[Any]]:
    """Run the loops of a case; the world's changes come from each recorded outcome in turn."""
    ours: Any = None
    for recorded in accepted:
        found = _run(given, recorded)
        if ours is None:
            ours = found
        if first_difference(recorded, found) is None:
            return found, accepted
    return ours, accepted


def _run(given: Json, recorded: Json) -> Json:
    reader = CaseReader(given)
    world = RecordedWorld(reader)
    expander = Expander(
        reader.options.expander, given.get("priorityExpanderConfig"), reader.pod_price(), GPU_LABEL
    )
    actuator = Actuator(reader.options, world)
    autoscaler = Autoscaler(reader.options, world, KernelPlacement(), expander, actuator, GPU_LABEL)
    interval = given.get("intervalSeconds", DEFAULT_INTERVAL)
    recorded_steps = recorded["steps"]
    has_utilization = any("util" in step.get("scaleDown", {}) for step in recorded_steps)
    writer = _StepWriter(given, world, has_utilization)
    steps: list[Json] = []
    for index in range(given["iterations"]):
        seconds = interval * (index + 1)
        due = START_NS + seconds * SECOND
        actuator.run_until(due - 1)
        if steps:
            writer.add_calls(steps[-1])
        world.advance(due)
        changes = recorded_steps[index].get("world") or [] if index < len(recorded_steps) else []
        world.apply(changes)
        actuator.run_until(due)
        managed = world.managed()
        done = autoscaler.run_once()
        steps.append(writer.step(seconds, changes, done, autoscaler, managed, index == 0))
    return {"steps": steps, "targets": world.targets(), "nodes": world.node_count()}


class _StepWriter:
    """Writes decisions in the recordings' words."""

    def __init__(self, given: Json, world: RecordedWorld, has_utilization: bool) -> None:
        self._has_utilization = has_utilization
        self._detail = bool(given.get("detail"))
        self._many = len(given["nodes"]) > MANY_NODES
        self._world = world
        self._names = world.pods.names

    def step(
        self,
        seconds: int,
        changes: list[Any],
        done: Iteration,
        autoscaler: Autoscaler,
        managed: set[str],
        is_first: bool,
    ) -> Json:
        """Write one iteration, without the calls that follow it."""
        step: Json = {"t": seconds}
        if changes:
            step["world"] = changes
        if done.fitting:
            fitting = {self._names[p]: node.split("#")[0] for p, node in done.fitting.items()}
            step["fitting"] = fitting if len(fitting) <= LONG_LIST else len(fitting)
        *earlier, last = done.scale_ups
        step["scaleUp"] = self._scale_up(last)
        if earlier:
            step["scaleUpMore"] = [self._scale_up(status) for status in earlier]
        step["scaleDown"] = self._scale_down(done, autoscaler, managed, is_first)
        self.add_calls(step)
        return step

    def add_calls(self, step: Json) -> None:
        """Move the calls noted since to a step."""
        noted, self._world.calls = self._world.calls, []
        if noted:
            step["calls"] = sorted([*step.get("calls", ()), *noted], key=_call_order)

    # --- scale-up ---

    def _scale_up(self, status: ScaleUpStatus) -> Json:
        row: Json = {"result": status.result}
        if status.options:
            row["options"] = sorted(
                (
                    {
                        "group": option.group,
                        "nodes": option.node_count,
                        "pods": self._option_pods(option.pods()),
                        **({"similar": sorted(option.similar)} if option.similar else {}),
                    }
                    for option in status.options
                ),
                key=lambda option: str(option["group"]),
            )
        if status.best is not None:
            row["best"] = status.best.group
        if status.plan:
            row["plan"] = sorted(list(change) for change in status.plan)
        if len(status.triggered):
            row["triggered"] = self._pods(status.triggered)
        if len(status.awaiting):
            row["await"] = self._pods(status.awaiting)
        if status.remaining:
            row["remain"] = self._remaining(status.remaining)
        if status.failed:
            row["failed"] = sorted(status.failed)
        if status.error:
            row["error"] = status.error
        return row

    def _option_pods(self, pods: Sequence[int] | Int64s) -> Any:
        if not self._detail or len(pods) > LONG_LIST:
            return len(pods)
        return sorted(self._names[pod] for pod in pods)

    def _pods(self, pods: Sequence[int] | Int64s) -> Any:
        if len(pods) > LONG_LIST:
            given = self._world.templates_of(pods)
            return {"countByTemplate": dict(Counter(given))}
        return sorted(self._names[pod] for pod in pods)

    def _remaining(self, remaining: Iterable[Remaining]) -> list[Json]:
        merged: dict[Any, tuple[Remaining, list[int]]] = {}
        for entry in remaining:
            key = tuple(sorted(entry.rejected.items())), tuple(sorted(entry.skipped.items()))
            merged.setdefault(key, (entry, []))[1].extend(entry.pods)
        rows = []
        for entry, pods in merged.values():
            row: Json = {"pods": self._pods(pods)}
            if entry.rejected:
                row["rejected"] = entry.rejected
            if entry.skipped:
                row["skipped"] = entry.skipped
            rows.append(row)
        return sorted(rows, key=_reasons)

    # --- scale-down ---

    def _scale_down(
        self, done: Iteration, autoscaler: Autoscaler, managed: set[str], is_first: bool
    ) -> Json:
        planner, status = autoscaler.planner, done.scale_down
        row: Json = {"result": status.result}
        if done.is_planned and planner.unneeded:
            row["unneeded"] = sorted(planner.unneeded)
        unremovable = {}
        for name, found in planner.unremovable.items():
            if name not in managed:
                continue
            text = found.reason
            if found.pod is not None:
                text += f":{self._names[found.pod]}:{found.pod_reason}"
            unremovable[name] = text
        if unremovable and (self._detail or is_first or not self._many):
            row["unremovable"] = unremovable
        if self._has_utilization:
            util = {
                name: [used.resource, used.share]
                for name, used in planner.utilization.items()
                if name in unremovable
            }
            if util:
                row["util"] = util
        if self._detail and done.is_planned and planner.unneeded:
            row["moves"] = {
                name: {
                    self._names[pod]: autoscaler.name_of(node)
                    for pod, node in zip(found.pods.tolist(), found.nodes.tolist(), strict=True)
                }
                for name, found in planner.unneeded.items()
            }
        if status.started:
            row["started"] = sorted(
                [name, sorted(map(self._names.__getitem__, autoscaler.evicted_pods(name))) or None]
                if drains
                else [name, None]
                for name, drains in status.started
            )
        if status.failures:
            row["failed"] = status.failures
        return row


def _call_order(call: list[Any]) -> tuple[Any, ...]:
    """Sort as the recordings do, where a node and a taint are one text ``node:taint``."""
    seconds, name, *arguments = call
    if name in ("Taint", "Untaint"):
        arguments = [":".join(arguments)]
    return seconds, name, [str(argument) for argument in arguments]


def _reasons(row: Json) -> str:
    return json.dumps([row.get("rejected", {}), row.get("skipped", {})], sort_keys=True)
