"""The simulated cloud and API server that the recordings were made on.

What happens by itself (pods, registrations, readiness) is taken from the recording; how calls
end follows the recording's rules, from the faults in the input.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import Any

from ...model.disruption import PodDisruptionBudget
from ...model.taints import Taint
from ...model.times import SECOND
from ...policies.cluster_autoscaler.disruption import BudgetTracker
from ...policies.cluster_autoscaler.world import (
    DELETION_CANDIDATE,
    NO_PODS,
    OUT_OF_RESOURCES,
    TO_BE_DELETED,
    Instance,
    NodeGroupRow,
    NodeRow,
    Observation,
    PodColumns,
)
from .reader import START_NS, CaseReader, timestamp

Json = dict[str, Any]
_TAINT_NAMES = {TO_BE_DELETED: "ToBeDeleted", DELETION_CANDIDATE: "DeletionCandidate"}


@dataclass(slots=True)
class _Machine:
    name: str
    error: str = ""
    registered: bool = False
    vanishes_ns: int | None = None


class RecordedWorld:
    """A world of virtual time that notes every call."""

    def __init__(self, reader: CaseReader) -> None:
        given = reader.given
        self._reader = reader
        self._now = START_NS
        self._given_groups = {group["name"]: group for group in given["nodeGroups"]}
        self._groups = {name: reader.group_row(g) for name, g in self._given_groups.items()}
        self._machines: dict[str, list[_Machine]] = {name: [] for name in self._groups}
        self._launched: dict[str, _Machine] = {}
        self._counters = dict.fromkeys(self._groups, 0)
        self._nodes: dict[str, NodeRow] = {}
        self.pods = PodColumns(reader.table.classes)
        self._rows: dict[str, NodeRow] = {}
        self._given_pods: dict[str, Json] = {}
        self._alive: dict[int, str] = {}
        self._pending: dict[int, None] = {}  # in order of creation
        self._on_node: dict[str, list[int]] = {}
        self._ids: dict[str, int] = {}
        self._born: dict[str, int] = {}
        self._budgets = reader.budgets()
        self._owed: dict[str, tuple[int, ...]] = {}
        self._matching = BudgetTracker(self._budgets)
        self._controllers = reader.controllers()
        self._daemon_sets = tuple(reader.daemon_set(g) for g in given.get("daemonSets") or ())
        self.calls: list[list[Any]] = []
        self._noted: tuple[int, float] = START_NS, 0
        for node in given["nodes"]:
            row = reader.node_row(node)
            self._nodes[row.name] = row
            self._on_node[row.name] = []
            if row.group:
                self._machines[row.group].append(_Machine(row.name, registered=True))
        for name, group in self._given_groups.items():
            for k in range(int(group.get("unregisteredInstances") or 0)):
                machine = _Machine(f"{name}-u{k}")
                self._machines[name].append(machine)
                self._launched[machine.name] = machine
        for pod in given["pods"]:
            self._given_pods[pod["name"]] = pod
            self._create(pod, timestamp(pod.get("creationTimestamp")))
        for event in given.get("events") or ():
            for pod in event.get("createPods") or ():
                self._given_pods[pod["name"]] = pod
                self._born[pod["name"]] = START_NS + event["at"] * SECOND

    # --- what the recording says happens ---

    def apply(self, changes: Iterable[Sequence[Any]]) -> None:
        """Apply the recorded changes of one step."""
        for change in changes:
            getattr(self, f"_apply_{change[0]}")(*change[1:])

    def _apply_create(self, name: str) -> None:
        given = self._given_pods.get(name)
        if given is None:
            origin = self._given_pods[name.rsplit("~", 1)[0]]
            own = ("nodeName", "phase", "deletionTimestamp")
            given = {key: value for key, value in origin.items() if key not in own}
            given["name"] = name
            self._given_pods[name] = given
        self._create({**given, "nodeName": None}, self._born.pop(name, self._now))

    def _create(self, given: Json, created_ns: int) -> None:
        deletion = given.get("deletionTimestamp")
        pod = self.pods.add(
            given["name"],
            given.get("uid") or f"uid-{given['name']}",
            self._reader.pod_class(given),
            created_ns,
            timestamp(deletion) if deletion else None,
        )
        self._ids[given["name"]] = pod
        node = given.get("nodeName") or ""
        self._alive[pod] = node
        if node:
            self._on_node[node].append(pod)
            self._rows.pop(node, None)
        elif not deletion and not self.pods.classes[pod].terminal:
            self._pending[pod] = None

    def _apply_delete(self, name: str) -> None:
        self._remove(self._ids[name])

    def _apply_lost(self, name: str) -> None:
        self._remove(self._ids[name])

    def _apply_bind(self, name: str, node: str) -> None:
        pod = self._ids[name]
        self._alive[pod] = node
        self._pending.pop(pod, None)
        self._on_node[node].append(pod)
        self._rows.pop(node, None)
        for position in self._owed.pop(name.rsplit("~", 1)[0], ()):
            self._allow(position, 1)

    def _apply_register(self, name: str, ready: bool) -> None:
        group = name.rsplit("-", 1)[0]
        given = self._given_groups[group]
        node = self._reader.node(given["nodeTemplate"])
        now = self._now
        self._nodes[name] = NodeRow(
            name, group, node, node.taints, node.unschedulable, ready, now, now, NO_PODS
        )
        self._on_node[name] = []
        self._rows.pop(name, None)
        own = [self._reader.template_class(k) for k in given.get("templatePods") or ()]
        own += self._reader.daemon_pods(node, self._daemon_sets)
        for k, pod_class in enumerate(own):
            pod = self.pods.add(f"{name}-own-{k}", f"uid-{name}-own-{k}", pod_class, now)
            self._alive[pod] = name
            self._on_node[name].append(pod)
        if name in self._launched:
            self._launched[name].registered = True

    def _apply_ready(self, name: str) -> None:
        self._apply_setReady(name, True)

    def _apply_setReady(self, name: str, ready: bool) -> None:
        row = self._nodes[name]
        self._nodes[name] = replace(
            row, ready=ready, ready_since_ns=self._now, version=row.version + 1
        )
        self._rows.pop(name, None)

    def _apply_gone(self, name: str) -> None:
        self._nodes.pop(name, None)
        self._rows.pop(name, None)
        for pod in self._on_node.pop(name, ()):
            self._alive.pop(pod, None)
        for group, machines in self._machines.items():
            if any(machine.name == name for machine in machines):
                self._machines[group] = [machine for machine in machines if machine.name != name]

    def _apply_setTarget(self, group: str, target: int) -> None:
        row = self._groups[group]
        if target > row.target:
            self._launch(group, target - row.target)
        row.target = target

    def _remove(self, pod: int) -> None:
        node = self._alive.pop(pod, None)
        self._pending.pop(pod, None)
        if node and node in self._on_node:
            self._on_node[node].remove(pod)
            self._rows.pop(node, None)

    # --- what the autoscaler reads ---

    def now(self) -> int:
        """Return the time."""
        return self._now

    def advance(self, to_ns: int) -> None:
        """Let time pass up to an instant."""
        self._now = max(self._now, to_ns)

    def sleep(self, duration_ns: int) -> None:
        """Let time pass."""
        self._now += duration_ns

    def observe(self) -> Observation:
        """List everything."""
        for row in self._nodes.values():
            if row.name not in self._rows:
                self._rows[row.name] = replace(row, pods=self.pods.listed(self.pods_of(row.name)))
        return Observation(
            self.pods,
            [self._rows[name] for name in self._nodes],
            self.pods.listed(list(self._pending)),
            [replace(row) for row in self._groups.values()],
            tuple(self._budgets),
            self._controllers,
            self._daemon_sets,
        )

    def instances(self, group: str) -> list[Instance]:
        """List a group's instances, by id."""
        return [
            Instance(machine.name, machine.vanishes_ns is not None, machine.error)
            for machine in sorted(self._machines[group], key=attrgetter("name"))
        ]

    def target_size(self, group: str) -> int:
        """Return a group's target."""
        return self._groups[group].target

    def node(self, name: str) -> NodeRow | None:
        """Read a Node object."""
        return self._nodes.get(name)

    def pods_of(self, name: str) -> list[int]:
        """List the pods of a node that have not ended."""
        found = self._on_node.get(name, ())
        return [pod for pod in found if not self.pods.classes[pod].terminal]

    def budgets(self) -> list[PodDisruptionBudget]:
        """List the budgets with what evictions left of them."""
        return list(self._budgets)

    def pod_exists(self, pod: int, node: str) -> bool:
        """Whether a pod is still on a node."""
        return self._alive.get(pod) == node

    # --- what the autoscaler does ---

    def _note(self, name: str, *arguments: Any) -> None:
        if self._noted[0] != self._now:  # many calls come at one time
            seconds = (self._now - START_NS) / SECOND
            self._noted = self._now, int(seconds) if seconds == int(seconds) else seconds
        self.calls.append([self._noted[1], name, *arguments])

    def increase_size(self, group: str, delta: int, atomic: bool = False) -> str:
        """Raise a target; instances exist at once."""
        row = self._groups[group]
        if self._fault(group, "increaseError"):
            self._note("IncreaseSize", group, delta, "error")
            return "increase refused"
        if row.target + delta > row.max_size:
            self._note("IncreaseSize", group, delta, "tooLarge")
            return "size too large"
        self._note("IncreaseSize", group, delta)
        row.target += delta
        self._launch(group, delta)
        return ""

    def _launch(self, group: str, count: int) -> None:
        fault = self._fault(group, "outOfResources")
        machines = self._machines[group]
        living = sum(1 for m in machines if not m.error and m.vanishes_ns is None)
        for _ in range(count):
            error = OUT_OF_RESOURCES if fault and living >= fault.get("allow", 0) else ""
            machine = _Machine(f"{group}-n{self._counters[group]}", error)
            machines.append(machine)
            self._launched[machine.name] = machine
            self._counters[group] += 1
            living += not error

    def delete_nodes(self, group: str, names: Sequence[str], force: bool = False) -> str:
        """Lower the target at once; instances go later."""
        failed = self._fault(group, "deleteError") is not None
        call = "ForceDeleteNodes" if force else "DeleteNodes"
        for name in names:
            self._note(call, group, name, *(["error"] if failed else []))
        if failed:
            return "delete refused"
        delay = int(self._given_groups[group].get("deleteDelay") or 0) * SECOND
        machines = {machine.name: machine for machine in self._machines[group]}
        for name in names:
            machine = machines.get(name)
            if machine is not None and machine.vanishes_ns is None:
                machine.vanishes_ns = self._now + delay
                self._groups[group].target -= 1
        return ""

    def decrease_target(self, group: str, delta: int) -> str:
        """Take the newest instances away that have no node."""
        row = self._groups[group]
        registered = sum(1 for machine in self._machines[group] if machine.registered)
        if row.target + delta < registered:
            self._note("DecreaseTargetSize", group, delta, "error")
            return "decrease refused"
        self._note("DecreaseTargetSize", group, delta)
        row.target += delta
        for _ in range(-delta):
            for machine in reversed(self._machines[group]):
                if not machine.registered and machine.vanishes_ns is None:
                    self._machines[group].remove(machine)
                    break
        return ""

    def update_taints(
        self,
        name: str,
        version: int,
        add: Sequence[Taint] = (),
        remove: Sequence[str] = (),
        unschedulable: bool | None = None,
    ) -> bool:
        """Write a Node object, unless it changed since ``version``."""
        row = self._nodes.get(name)
        if row is None:
            return True
        if row.version != version:
            return False
        cordoned = row.unschedulable if unschedulable is None else unschedulable
        kept = row.taints
        if remove:
            kept = tuple(taint for taint in kept if taint.key not in remove)
        self._nodes[name] = row.written((*kept, *add), cordoned)
        self._rows.pop(name, None)
        for taint in add:
            self._note("Taint", name, _TAINT_NAMES[taint.key])
        for key in remove:
            self._note("Untaint", name, _TAINT_NAMES[key])
        if cordoned != row.unschedulable:
            self._note("Cordon" if cordoned else "Uncordon", name)
        return True

    def evict(self, pod: int) -> str:
        """Let a pod vanish at once if its budgets allow it."""
        name = self.pods.names[pod]
        if pod not in self._alive:
            return ""
        matching = self._matching.matching(self.pods.classes[pod])
        if any(self._budgets[position].disruptions_allowed < 1 for position in matching):
            self._note("Evict", name, "refused")
            return "refused"
        self._note("Evict", name)
        for position in matching:
            self._allow(position, -1)
        self._owed[name.rsplit("~", 1)[0]] = matching
        self._remove(pod)
        return ""

    def _allow(self, position: int, change: int) -> None:
        budget = self._budgets[position]
        allowed = budget.disruptions_allowed + change
        self._budgets[position] = replace(budget, disruptions_allowed=allowed)

    def _fault(self, group: str, kind: str) -> Json | None:
        seconds = (self._now - START_NS) / SECOND
        for fault in self._given_groups[group].get("faults") or ():
            if fault["type"] == kind and fault["from"] <= seconds < fault["to"]:
                return dict(fault)
        return None

    # --- the end ---

    def targets(self) -> dict[str, int]:
        """Return the target sizes."""
        return {name: row.target for name, row in self._groups.items()}

    def group(self, name: str) -> NodeGroupRow:
        """Return one group."""
        return self._groups[name]

    def node_count(self) -> int:
        """Return the number of Node objects."""
        return len(self._nodes)

    def managed(self) -> set[str]:
        """Return the names of nodes that belong to a group."""
        return {name for name, row in self._nodes.items() if row.group}

    def templates_of(self, pods: Iterable[int]) -> list[str]:
        """Return the number of each pod's template, as text."""
        return [str(self._given_pods[self.pods.names[pod]]["template"]) for pod in pods]
