"""One scheduling loop: decisions on pods by name, each seeing the earlier ones."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property

from pyscale.model.nodes import Node
from pyscale.model.pods import Pod

from .label_rules import joined
from .node_rules import is_empty_term, term_errors
from .objects import ClusterObjects
from .profile import Profile
from .snapshot import Snapshot
from .verdicts import NO_NODES, Refusal, fit_error, reason_counts

BOUND, NO_NODES_AT_ALL, REFUSED, NOTHING_FITS, SCORE_ERROR = range(5)
_OUTSIDE = "node(s) didn't satisfy plugin(s) [NodeAffinity]"


@dataclass(frozen=True)
class PodInfo:
    """A pod as the scheduler keeps it; ``number`` tells pods apart in the kernel."""

    pod: Pod
    class_id: int
    number: int

    @property
    def key(self) -> str:
        """``namespace/name``."""
        return self.pod.key

    @property
    def priority(self) -> int:
        """The priority, 0 where none is given."""
        return self.pod.template.spec.priority or 0


class SchedulingError(Exception):
    """A failure that aborts the whole cycle (status Error)."""


@dataclass(frozen=True)
class Cycle:
    """What one scheduling cycle found.

    Attributes
    ----------
    info : PodInfo
    node : int
        Id of the chosen node, -1 if there is none.
    total : int
        Best total, -1 if only one node was feasible.
    n_feasible, n_evaluated : int
    start : int
        Where the next scan starts.
    refusals : mapping of int to Refusal
        Per node that was looked at in vain; empty if a node was found.
    pre_filter : Refusal or None
        PreFilter's refusal of the pod.
    n_nodes : int
    n_outside : int
        Nodes outside the set that PreFilter left, -1 if it left all.
    """

    info: PodInfo
    node: int
    total: int
    n_feasible: int
    n_evaluated: int
    start: int
    refusals: dict[int, Refusal]
    pre_filter: Refusal | None
    n_nodes: int
    n_outside: int = -1

    @cached_property
    def message(self) -> str | None:
        """The text of the FailedScheduling event, None if a node was found."""
        if self.node >= 0:
            return None
        if self.n_nodes == 0:
            return NO_NODES
        if self.pre_filter is not None:
            reasons = ", ".join(self.pre_filter.reasons)
            return f"0/{self.n_nodes} nodes are available: {reasons}."
        counts: Counter[str] = reason_counts(self.refusals.values())
        if self.n_outside > 0:
            counts[_OUTSIDE] += self.n_outside
        return fit_error(self.n_nodes, counts)


class Scheduler:
    """kube-scheduler over one cluster.

    Parameters
    ----------
    profile : Profile
    objects : ClusterObjects
    """

    def __init__(
        self, profile: Profile | None = None, objects: ClusterObjects | None = None
    ) -> None:
        self.snapshot = Snapshot(profile, objects)
        self.profile = self.snapshot.profile
        self.pods_on: dict[str, dict[str, PodInfo]] = {}
        self.node_of: dict[str, str] = {}
        self.nominated: dict[str, str] = {}
        self._nominated_info: dict[str, PodInfo] = {}
        self._numbers: dict[str, int] = {}
        # Host ports of nodes that are away: a set, which pods that share a port don't explain.
        self._ports_away: dict[str, set[int]] = {}

    # --- the cluster ---

    def add_node(self, node: Node) -> int:
        """Add a node; pods that were on a node of that name come back with it."""
        retained = self.snapshot.is_retained(node.name)
        node_id = self.snapshot.add_node(node)
        pods = self.pods_on.setdefault(node.name, {})
        if not retained:
            for info in pods.values():
                self.snapshot.add_pod(info.class_id, node_id)
            if node.name in self._ports_away:
                self.snapshot.state.set_ports_in_use(node_id, self._ports_away[node.name])
        self._ports_away.pop(node.name, None)
        return node_id

    def remove_node(self, name: str) -> None:
        """Remove a node; its pods leave with it."""
        node_id = self._id(name)
        self._ports_away[name] = set(self.snapshot.state.ports_in_use(node_id))
        self.snapshot.remove_node(node_id)

    def update_node(self, node: Node) -> None:
        """Change a node in place."""
        self.snapshot.update_node(self._id(node.name), node)

    def _id(self, name: str) -> int:
        found = self.snapshot.node_id(name)
        if found is None:
            raise KeyError(f"there is no node {name!r}")
        return found

    def info(self, pod: Pod) -> PodInfo:
        """Return a pod with its class."""
        number = self._numbers.setdefault(pod.key, len(self._numbers))
        class_id = self.snapshot.pod_class(pod.template, pod.deletion_ns is not None)
        return PodInfo(pod, class_id, number)

    def place(self, pod: Pod, node_name: str) -> None:
        """Put a pod on a node; its nomination ends."""
        info = self.info(pod)
        self.snapshot.add_pod(info.class_id, self._id(node_name))
        self.pods_on[node_name][info.key] = info
        self.node_of[info.key] = node_name
        self.clear_nomination(info.key)

    def delete(self, key: str) -> bool:
        """Take a pod from its node; False if it is on none."""
        node_name = self.node_of.pop(key, None)
        if node_name is None:
            return False
        info = self.pods_on[node_name].pop(key)
        if node_name in self._ports_away:
            self._ports_away[node_name].difference_update(self.snapshot.port_ids(info.class_id))
        node_id = self.snapshot.node_id(node_name)
        if node_id is None:
            node_id = self.snapshot.retained_id(node_name)
        if node_id is not None:
            self.snapshot.remove_pod(info.class_id, node_id)
        return True

    def nominate(self, pod: Pod, node_name: str) -> None:
        """Say that a pod waits for room on a node."""
        info = self.info(pod)
        node_id = self.snapshot.node_id(node_name)
        self.clear_nomination(info.key)
        self.nominated[info.key] = node_name
        self._nominated_info[info.key] = info
        if node_id is not None:
            self.snapshot.state.nominate(node_id, info.class_id, info.priority, info.number)

    def clear_nomination(self, key: str) -> None:
        """Forget a pod's nomination."""
        if self.nominated.pop(key, None) is not None:
            self.snapshot.state.clear_nomination(self._nominated_info.pop(key).number)

    def nominated_to(self, node_name: str) -> list[PodInfo]:
        """Return the pods that wait for room on a node, in the order of their nomination."""
        return [
            self._nominated_info[key] for key, name in self.nominated.items() if name == node_name
        ]

    # --- decisions ---

    def schedule(self, pod: Pod) -> Cycle:
        """Filter, score and choose; the pod is not placed.

        Raises
        ------
        SchedulingError
            If a preferred node affinity term cannot be parsed and two or more nodes are feasible.
        """
        info = self.info(pod)
        state = self.snapshot.state
        nominated = self.snapshot.node_id(pod.nominated_node_name)
        outcome, node, total, n_feasible, n_evaluated, start = state.schedule(
            info.class_id,
            info.priority,
            info.number,
            -1 if nominated is None else nominated,
        )
        n_nodes = state.n_active
        if outcome == SCORE_ERROR:
            raise SchedulingError(self._preference_error(pod))
        pods = self.snapshot.classes[info.class_id]
        refusals: dict[int, Refusal] = {}
        n_outside = -1
        pre_filter = pods.pre_filter if outcome == REFUSED else None
        if outcome == NOTHING_FITS:
            scanned = state.candidate_nodes(info.class_id)
            if scanned is None:
                scanned = state.listing()
            else:
                if nominated is not None and nominated not in scanned:
                    scanned.append(nominated)  # it was looked at before the scan
                n_outside = n_nodes - len(scanned)
            refusals = self.refusals(info, scanned)
        return Cycle(
            info, node, total, n_feasible, n_evaluated, start,
            refusals, pre_filter, n_nodes, n_outside,
        )  # fmt: skip

    def refusals(self, info: PodInfo, nodes: list[int]) -> dict[int, Refusal]:
        """Return why a pod cannot run on nodes; nodes that it fits are left out."""
        found = {}
        verdicts = self.snapshot.state.verdicts(info.class_id, nodes, info.priority, info.number)
        for node, (verdict, shortfall) in zip(nodes, verdicts, strict=True):
            refusal = self.snapshot.refusal(verdict, shortfall)
            if refusal is not None:
                found[node] = refusal
        return found

    @staticmethod
    def _preference_error(pod: Pod) -> str:
        errors = [
            error
            for i, preferred in enumerate(pod.template.spec.preferred_node_affinity)
            if preferred.weight and not is_empty_term(preferred.preference)
            for error in term_errors(preferred.preference, f"[{i}]")
        ]
        return f'running PreScore plugin "NodeAffinity": {joined(errors)}'
