"""The pods that have a node: as objects, or as columns of pods of few templates."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from pyscale.model.disruption import PodDisruptionBudget
from pyscale.model.pods import Pod, PodCondition, PodTemplate

from .classes import FormTable, form_ports
from .costs import NODE_COST, NodeCosts, eviction_cost
from .eviction import (
    DO_NOT_DISRUPT,
    currently_reschedulable,
    disruption_blocker,
    is_active,
    is_reschedulable,
    is_terminal,
)
from .podspec import HostPort, owner_kinds

# Flags of the kernel's bound pods.
COUNTS, OWNS, SETTLES = 1, 2, 4

_READY = (PodCondition("Ready", "True"),)


@dataclass(frozen=True, eq=False)
class NodeUsage:
    """What the pods of a node that have not ended take: requests, those of daemons, host ports."""

    used: dict[str, int]
    daemons: dict[str, int]
    ports: list[tuple[HostPort, ...]]


class BoundPods(Sequence[Pod]):
    """Pods with a node, in the order of upstream's list.

    Parameters
    ----------
    pods : sequence of Pod
    """

    def __init__(self, pods: Sequence[Pod]) -> None:
        self._pods = pods
        self._of_node: dict[str, list[int]] = {}
        for i, pod in enumerate(pods):
            self._of_node.setdefault(pod.node_name, []).append(i)

    def __len__(self) -> int:
        return len(self._pods)

    @overload
    def __getitem__(self, i: int) -> Pod: ...

    @overload
    def __getitem__(self, i: slice) -> Sequence[Pod]: ...

    def __getitem__(self, i: int | slice) -> Pod | Sequence[Pod]:
        return self._pods[i]

    def __iter__(self) -> Iterator[Pod]:
        return iter(self._pods)

    def on_node(self, name: str) -> Sequence[int]:
        """Return the numbers of the pods of a Node."""
        return self._of_node.get(name, ())

    def forms(self, table: FormTable) -> NDArray[np.int32]:
        """Return each pod's form."""
        return np.array([table.of_pod(pod) for pod in self._pods], dtype=np.int32)

    def nodes(self, number_of: Mapping[str, int]) -> NDArray[np.int32]:
        """Return the number of each pod's node, -1 for one that is not there."""
        return np.array([number_of.get(pod.node_name, -1) for pod in self._pods], dtype=np.int32)

    def flags(self, deleting: frozenset[str]) -> NDArray[np.uint8]:
        """Return which pods count, own inverse groups, and may settle anywhere.

        ``deleting`` are the names of Nodes on their way out.
        """
        return np.array(
            [
                COUNTS * is_active(pod)
                + OWNS * (not is_terminal(pod))
                + SETTLES * (pod.phase == "Pending" or pod.node_name in deleting)
                for pod in self._pods
            ],
            dtype=np.uint8,
        )

    def leave(
        self, budgets: Sequence[PodDisruptionBudget], now_ns: int
    ) -> Sequence[bool] | NDArray[np.bool_]:
        """Say of each pod whether it needs another node when its own goes."""
        return [currently_reschedulable(pod, budgets, now_ns) for pod in self._pods]

    def created_ns(self) -> NDArray[np.int64]:
        """Return the creation times, 0 where unknown."""
        return np.array([pod.creation_ns or 0 for pod in self._pods], dtype=np.int64)

    def uids(self) -> list[str]:
        """Return the uids."""
        return [pod.uid for pod in self._pods]

    def usage(self, name: str, table: FormTable) -> NodeUsage:
        """Return what the pods of a Node take."""
        usage = NodeUsage({}, {}, [])
        for i in self.on_node(name):
            pod = self._pods[i]
            if not is_terminal(pod):
                _use(usage, pod.template, 1, table.of_pod(pod), table)
        return usage

    def costs(self, name: str) -> NodeCosts:
        """Return what it costs to disrupt the pods of a Node."""
        return NodeCosts.of(self._pods[i] for i in self.on_node(name))

    def blocker(self, name: str, budgets: Sequence[PodDisruptionBudget], now_ns: int) -> str:
        """Return which pod keeps a Node from being disrupted and why, empty for none."""
        reasons = (disruption_blocker(self._pods[i], budgets, now_ns) for i in self.on_node(name))
        return next(filter(None, reasons), "")

    def timed(self) -> Sequence[int]:
        """Return the pods that may have to stay for a limited time."""
        return [i for i, pod in enumerate(self._pods) if is_timed(pod)]


class PodColumns(BoundPods):
    """Running, ready pods as columns.

    Parameters
    ----------
    templates : sequence of PodTemplate
    names : sequence of str
        Names of the Nodes, ascending.
    start : ndarray of int64, shape (n_nodes + 1,)
        Pods of node ``i`` are ``start[i]`` to ``start[i + 1]``.
    ids : ndarray of int64
        In the order of age.
    template_of_pod : ndarray of int32
    started_ns : ndarray of int64
        Unix times.
    """

    def __init__(
        self,
        templates: Sequence[PodTemplate],
        names: Sequence[str],
        start: NDArray[np.int64],
        ids: NDArray[np.int64],
        template_of_pod: NDArray[np.int32],
        started_ns: NDArray[np.int64],
    ) -> None:
        self.templates, self.names, self.start = templates, names, start
        self.ids, self.template_of_pod, self.started_ns = ids, template_of_pod, started_ns
        self._row = {name: i for i, name in enumerate(names)}
        self._blocked: tuple[Sequence[PodDisruptionBudget], NDArray[np.bool_]] | None = None

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, i: Any) -> Any:
        if isinstance(i, slice):
            return [self[j] for j in range(*i.indices(len(self)))]
        if i < 0:
            i += len(self)
        if not 0 <= i < len(self):
            raise IndexError(f"expected a pod from 0 to {len(self) - 1}, found {i}")
        return running_pod(
            int(self.ids[i]),
            self.templates[self.template_of_pod[i]],
            int(self.started_ns[i]),
            self.names[int(np.searchsorted(self.start, i, side="right")) - 1],
        )

    def __iter__(self) -> Iterator[Pod]:
        return (self[i] for i in range(len(self)))

    def on_node(self, name: str) -> Sequence[int]:
        """Return the numbers of the pods of a Node."""
        row = self._row.get(name)
        return () if row is None else range(int(self.start[row]), int(self.start[row + 1]))

    def by_template(self, answer: Any, dtype: Any) -> NDArray[Any]:
        """Return ``answer(pod)`` for each pod, asked once per template that occurs."""
        occurring, which = np.unique(self.template_of_pod, return_inverse=True)
        answers = [answer(running_pod(0, self.templates[i], 0, "node")) for i in occurring.tolist()]
        return np.array(answers, dtype=dtype)[which]

    def forms(self, table: FormTable) -> NDArray[np.int32]:
        """Return each pod's form."""
        return self.by_template(table.of_pod, np.int32)

    def nodes(self, number_of: Mapping[str, int]) -> NDArray[np.int32]:
        """Return the number of each pod's node, -1 for one that is not there."""
        numbers = np.array([number_of.get(name, -1) for name in self.names], dtype=np.int32)
        return np.repeat(numbers, np.diff(self.start))

    def flags(self, deleting: frozenset[str]) -> NDArray[np.uint8]:
        """Return which pods count, own inverse groups, and may settle anywhere."""
        flags = np.array(
            [COUNTS + OWNS + SETTLES * (name in deleting) for name in self.names], dtype=np.uint8
        )
        return np.repeat(flags, np.diff(self.start))

    def leave(
        self, budgets: Sequence[PodDisruptionBudget], now_ns: int
    ) -> Sequence[bool] | NDArray[np.bool_]:
        """Say of each pod whether it needs another node when its own goes."""
        mask = self.by_template(lambda pod: currently_reschedulable(pod, budgets, now_ns), np.bool_)
        for i in self.timed():
            mask[i] = currently_reschedulable(self[i], budgets, now_ns)
        return mask

    def timed(self) -> Sequence[int]:
        """Return the pods that may have to stay for a limited time."""
        numbers: list[int] = np.flatnonzero(self.by_template(is_timed, np.bool_)).tolist()
        return numbers

    @cached_property
    def _costs(self) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
        """By node: reschedule cost, eviction costs, number of pods to move.

        ``bincount`` adds in the order of the pods, as the sums over objects do.
        """
        n = len(self.names)
        node = np.repeat(np.arange(n), np.diff(self.start))
        costs = self.by_template(eviction_cost, np.float64)
        moves = self.by_template(is_reschedulable, np.bool_)
        positive = np.where(moves, np.maximum(costs, 0.0), 0.0)
        return (
            NODE_COST + np.bincount(node, positive, n),
            np.bincount(node, costs, n),
            np.bincount(node[moves], minlength=n),
        )

    def costs(self, name: str) -> NodeCosts:
        """Return what it costs to disrupt the pods of a Node."""
        row = self._row.get(name)
        if row is None:
            return NodeCosts.of(())
        reschedule, eviction, moving = self._costs
        return NodeCosts(float(reschedule[row]), float(eviction[row]), bool(moving[row]))

    def blocker(self, name: str, budgets: Sequence[PodDisruptionBudget], now_ns: int) -> str:
        """Return which pod keeps a Node from being disrupted and why, empty for none."""
        pods = self.on_node(name)
        if not pods:
            return ""
        if self._blocked is None or self._blocked[0] is not budgets:
            blocks = self.by_template(
                lambda pod: bool(disruption_blocker(pod, budgets, now_ns)), np.bool_
            )
            # Each of these has to be asked itself.
            blocks[self.timed()] = True
            self._blocked = budgets, blocks
        mask = self._blocked[1][pods[0] : pods[-1] + 1]
        reasons = (
            disruption_blocker(self[pods[0] + i], budgets, now_ns)
            for i in np.flatnonzero(mask).tolist()
        )
        return next(filter(None, reasons), "")

    def created_ns(self) -> NDArray[np.int64]:
        """Return the creation times; a pod counts as created when it was bound."""
        return self.started_ns

    def uids(self) -> list[str]:
        """Return the uids."""
        return [f"{number:012d}" for number in self.ids.tolist()]

    def usage(self, name: str, table: FormTable) -> NodeUsage:
        """Return what the pods of a Node take."""
        usage = NodeUsage({}, {}, [])
        pods = self.on_node(name)
        if not pods:
            return usage
        templates, counts = np.unique(
            self.template_of_pod[pods[0] : pods[-1] + 1], return_counts=True
        )
        for i, count in zip(templates.tolist(), counts.tolist(), strict=True):
            template = self.templates[i]
            _use(usage, template, count, table.of_pod(Pod("", template)), table)
        return usage


def running_pod(number: int, template: PodTemplate, started_ns: int, node: str) -> Pod:
    """Return a running, ready pod of a run."""
    return Pod(
        name=f"p{number:012d}",
        template=template,
        uid=f"{number:012d}",
        creation_ns=started_ns,
        start_ns=started_ns,
        node_name=node,
        phase="Running",
        conditions=_READY,
    )


def is_timed(pod: Pod) -> bool:
    """Say whether a do-not-disrupt annotation may hold for a limited time."""
    return pod.template.annotations.get(DO_NOT_DISRUPT, "true") != "true"


def _use(
    usage: NodeUsage, template: PodTemplate, count: int, number: int, table: FormTable
) -> None:
    form = table.forms[number]
    is_daemon = "DaemonSet" in owner_kinds(template)
    for name, amount in form.requests.items():
        usage.used[name] = usage.used.get(name, 0) + amount * count
        if is_daemon:
            usage.daemons[name] = usage.daemons.get(name, 0) + amount * count
    ports = form_ports(form)
    if ports:
        usage.ports.extend([ports] * count)
