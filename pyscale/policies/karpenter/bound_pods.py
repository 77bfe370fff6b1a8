"""The pods that have a node: as objects, or as columns of pods of few templates."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from pyscale.model.disruption import PodDisruptionBudget
from pyscale.model.pods import Pod, PodCondition, PodTemplate

from .classes import FormTable
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
from .scale import Scale

# Flags of the kernel's bound pods.
COUNTS, OWNS, SETTLES = 1, 2, 4

_READY = (PodCondition("Ready", "True"),)

# So many nodes that are gone are not worth forgetting.
_FEW = 64


@dataclass(frozen=True, eq=False)
class NodeUsage:
    """What the pods of a node that have not ended take: requests, those of daemons, host ports."""

    used: dict[str, int]
    daemons: dict[str, int]
    ports: list[tuple[HostPort, ...]]


#: Of a node without a Node.
NOTHING_USED = NodeUsage({}, {}, [])


class BoundPods(Sequence[Pod]):
    """Pods with a node, in the order of upstream's list.

    Parameters
    ----------
    pods : sequence of Pod
    """

    #: Numbers in the order of the uids, where there are any.
    ids: NDArray[np.int64] | None = None

    def __init__(self, pods: Sequence[Pod]) -> None:
        self._pods = pods
        if not pods:
            self.ids = np.empty(0, dtype=np.int64)
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
            if is_terminal(pod):
                continue
            form = table.forms[table.of_pod(pod)]
            _add(usage.used, form.requests)
            if "DaemonSet" in owner_kinds(pod.template):
                _add(usage.daemons, form.requests)
            ports = form.ports
            if ports:
                usage.ports.append(ports)
        return usage

    def costs(self, name: str) -> NodeCosts:
        """Return what it costs to disrupt the pods of a Node."""
        return NodeCosts.of(self._pods[i] for i in self.on_node(name))

    def state(self, name: str) -> object:
        """Return what stays the same object while a Node keeps its pods; None: nobody knows."""
        return None

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
        Names of the Nodes.
    start : ndarray of int64, shape (n_nodes + 1,)
        Pods of node ``i`` are ``start[i]`` to ``start[i + 1]``.
    ids : ndarray of int64
        In the order of age.
    template_of_pod : ndarray of int32
    started_ns : ndarray of int64
        Unix times.
    memo : dict, optional
        Keeps what depends on the templates only, for other columns of the same templates.
    states : sequence of object, optional
        One per Node: the same object as in earlier columns says that its pods are the same.
    """

    ids: NDArray[np.int64]

    def __init__(
        self,
        templates: Sequence[PodTemplate],
        names: Sequence[str],
        start: NDArray[np.int64],
        ids: NDArray[np.int64],
        template_of_pod: NDArray[np.int32],
        started_ns: NDArray[np.int64],
        memo: dict[Hashable, Any] | None = None,
        states: Sequence[object] | None = None,
    ) -> None:
        self._memo = {} if memo is None else memo
        self._states = states
        self.templates, self.names, self.start = templates, names, start
        self.ids, self.template_of_pod, self.started_ns = ids, template_of_pod, started_ns
        self._row = {name: i for i, name in enumerate(names)}
        self._blocked: tuple[Sequence[PodDisruptionBudget], NDArray[np.bool_] | None] | None
        self._blocked = None

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

    def _samples(self) -> list[Pod]:
        samples: list[Pod] | None = self._memo.get("samples")
        if samples is None:
            samples = [running_pod(0, template, 0, "node") for template in self.templates]
            self._memo["samples"] = samples
        return samples

    def _by_template(
        self, what: Hashable, answer: Callable[[Pod], Any], dtype: Any
    ) -> NDArray[Any]:
        """Return ``answer(pod)`` for each pod, asked once per template; ``what`` keeps it."""
        table = self._memo.get(what) if what is not None else None
        if table is None:
            table = np.array([answer(pod) for pod in self._samples()], dtype=dtype)
            if what is not None:
                self._memo[what] = table
        found: NDArray[Any] = table[self.template_of_pod]
        return found

    def forms(self, table: FormTable) -> NDArray[np.int32]:
        """Return each pod's form."""
        return self._by_template(("forms", id(table)), table.of_pod, np.int32)

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
        mask = self._by_template(
            None if budgets else "leave",
            lambda pod: currently_reschedulable(pod, budgets, now_ns),
            np.bool_,
        )
        for i in self.timed():
            mask[i] = currently_reschedulable(self[i], budgets, now_ns)
        return mask

    def timed(self) -> Sequence[int]:
        """Return the pods that may have to stay for a limited time."""
        numbers: list[int] = np.flatnonzero(self._by_template("timed", is_timed, np.bool_)).tolist()
        return numbers

    def state(self, name: str) -> object:
        """Return what stays the same object while a Node keeps its pods; None: nobody knows."""
        row = self._row.get(name)
        return None if row is None or self._states is None else self._states[row]

    @cached_property
    def _costs(self) -> tuple[list[float], list[float], list[int]]:
        """By node: reschedule cost, eviction costs, number of pods to move.

        ``bincount`` adds in the order of the pods, as the sums over objects do.
        """
        n = len(self.names)
        node = np.repeat(np.arange(n), np.diff(self.start))
        costs = self._by_template("costs", eviction_cost, np.float64)
        moves = self._by_template("moves", is_reschedulable, np.bool_)
        positive = np.where(moves, np.maximum(costs, 0.0), 0.0)
        return (
            (NODE_COST + np.bincount(node, positive, n)).tolist(),
            np.bincount(node, costs, n).tolist(),
            np.bincount(node[moves], minlength=n).tolist(),
        )

    def costs(self, name: str) -> NodeCosts:
        """Return what it costs to disrupt the pods of a Node."""
        row = self._row.get(name)
        if row is None:
            return NodeCosts.of(())
        reschedule, eviction, moving = self._costs
        return NodeCosts(reschedule[row], eviction[row], moving[row] > 0)

    def blocker(self, name: str, budgets: Sequence[PodDisruptionBudget], now_ns: int) -> str:
        """Return which pod keeps a Node from being disrupted and why, empty for none."""
        pods = self.on_node(name)
        if not pods:
            return ""
        if self._blocked is None or self._blocked[0] is not budgets:
            blocks = self._by_template(
                None if budgets else "blocks",
                lambda pod: bool(disruption_blocker(pod, budgets, now_ns)),
                np.bool_,
            )
            # Each of these has to be asked itself.
            blocks[self.timed()] = True
            self._blocked = budgets, blocks if blocks.any() else None
        if self._blocked[1] is None:
            return ""
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
        row = self._row.get(name)
        if row is None:
            return NOTHING_USED
        if self._states is None:
            return self._usage(row, table)
        known = self._memo.setdefault(("usage", id(table)), {})
        if len(known) > 2 * len(self.names) + _FEW:
            for gone in known.keys() - self._row.keys():
                del known[gone]
        held = known.get(name)
        if held is None or held[0] is not self._states[row]:
            held = known[name] = self._states[row], self._usage(row, table)
        usage: NodeUsage = held[1]
        return usage

    def _usage(self, row: int, table: FormTable) -> NodeUsage:
        """Sum up the requests of a node's pods, in whole units of each resource."""
        known = self._memo.get(("requests", id(table)))
        if known is None:
            forms = [table.forms[table.of_pod(pod)] for pod in self._samples()]
            scale = Scale.of(form.requests for form in forms)
            known = self._memo[("requests", id(table))] = (
                scale,
                scale.table(form.requests for form in forms),
                np.array([[name in form.requests for name in scale.names] for form in forms]),
                np.array(["DaemonSet" in owner_kinds(item) for item in self.templates]),
                [form.ports for form in forms],
            )
        scale, requests, asks, is_daemon, ports = known
        counts = np.bincount(
            self.template_of_pod[self.start[row] : self.start[row + 1]],
            minlength=len(self.templates),
        )
        held = np.flatnonzero(counts)
        counts = counts[held]
        return NodeUsage(
            _amounts(scale, counts, requests[held], asks[held]),
            _amounts(scale, counts * is_daemon[held], requests[held], asks[held]),
            [
                ports[i]
                for i, n in zip(held.tolist(), counts.tolist(), strict=True)
                if ports[i]
                for _ in range(n)
            ],
        )


def _amounts(
    scale: Scale, counts: NDArray[np.int64], requests: NDArray[np.int64], asks: NDArray[np.bool_]
) -> dict[str, int]:
    """Return nano-units of the resources that some counted pod asks for."""
    total, asked = counts @ requests, (counts > 0) @ asks
    return {
        name: int(amount) * unit
        for name, unit, amount, used in zip(
            scale.names, scale.units, total.tolist(), asked.tolist(), strict=True
        )
        if used
    }


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


def _add(total: dict[str, int], more: Mapping[str, int]) -> None:
    for name, amount in more.items():
        total[name] = total.get(name, 0) + amount
