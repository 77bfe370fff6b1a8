"""A cluster that can be tried on: bind, add and remove, then keep it or take it back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType, TracebackType
from typing import Self

from .disruption import PodDisruptionBudget
from .node_table import NodeTable
from .nodes import Node
from .pods import Pod, PodTemplate
from .requests import effective_request
from .resources import NANO, PODS, Resources

_NOTHING: Mapping[str, int] = MappingProxyType({})


class Cluster:
    """Nodes, pods and which pod is where.

    Changes made after :meth:`fork` can be taken back by :meth:`rollback` or kept by
    :meth:`commit`; forks nest.  A change costs the same whatever the size of the cluster, and
    taking it back costs what it cost: every change notes how it is undone.

    Parameters
    ----------
    nodes : iterable of Node
        In the order in which they joined.
    pods : iterable of Pod
        In the order of creation; those with a ``node_name`` are on that node.
    disruption_budgets : iterable of PodDisruptionBudget
        Carried along.

    Raises
    ------
    ValueError
        Two nodes or two pods of one name, or a pod on a node that is not there.

    Examples
    --------
    >>> cluster = Cluster([Node("n", allocatable={"cpu": 2 * 10**9})], [Pod("p", PodTemplate())])
    >>> with cluster.fork():
    ...     cluster.bind("default/p", "n")
    ...     [pod.name for pod in cluster.pods_on("n")]
    ['p']
    >>> cluster.pods_on("n")
    ()
    """

    def __init__(
        self,
        nodes: Iterable[Node] = (),
        pods: Iterable[Pod] = (),
        disruption_budgets: Iterable[PodDisruptionBudget] = (),
    ) -> None:
        self.disruption_budgets = tuple(disruption_budgets)
        self._nodes: dict[str, tuple[int, Node]] = {}
        self._pods: dict[str, tuple[int, Pod]] = {}
        self._pods_on: dict[str, dict[str, int]] = {}
        self._requested: dict[str, dict[str, int]] = {}
        self._sequence = 0
        self._undo: list[Callable[[], None]] = []
        self._marks: list[tuple[int, int]] = []  # number of the trial, length of the log
        self._requests: dict[int, tuple[PodTemplate, Resources]] = {}
        for node in nodes:
            self.add_node(node)
        for pod in pods:
            self.add_pod(pod)

    # --- reading ---

    @property
    def nodes(self) -> tuple[Node, ...]:
        """The nodes, in the order in which they joined."""
        return tuple(node for _, node in sorted(self._nodes.values(), key=_number))

    @property
    def pods(self) -> tuple[Pod, ...]:
        """All pods, in the order of creation; a bound one has its ``node_name``."""
        return tuple(pod for _, pod in sorted(self._pods.values(), key=_number))

    @property
    def pending_pods(self) -> tuple[Pod, ...]:
        """The pods that are on no node and have not ended, in the order of creation."""
        return tuple(pod for pod in self.pods if not pod.node_name and not has_ended(pod))

    @property
    def n_nodes(self) -> int:
        """Number of nodes."""
        return len(self._nodes)

    @property
    def n_pods(self) -> int:
        """Number of pods."""
        return len(self._pods)

    def node(self, name: str) -> Node:
        """Return a node.

        Raises
        ------
        KeyError
            There is no such node.
        """
        return self._nodes[name][1]

    def pod(self, key: str) -> Pod:
        """Return a pod by ``namespace/name``.

        Raises
        ------
        KeyError
            There is no such pod.
        """
        return self._pods[key][1]

    def pods_on(self, node: str) -> tuple[Pod, ...]:
        """Return the pods of a node in the order in which they were bound."""
        bound = sorted(self._pods_on[node].items(), key=lambda entry: entry[1])
        return tuple(self._pods[key][1] for key, _ in bound)

    def requested(self, node: str) -> dict[str, int]:
        """Return the sum of the effective requests of a node's pods, in nano-units.

        Pods that have ended ask for nothing; the resource ``pods`` counts the others.
        """
        return {name: amount for name, amount in self._requested[node].items() if amount}

    def free(self, node: str) -> dict[str, int]:
        """Return what a node has left of its allocatable, in nano-units; negative if too full."""
        requested = self.requested(node)
        allocatable = self.node(node).allocatable
        names = dict.fromkeys((*allocatable, *requested))
        return {name: allocatable.get(name, 0) - requested.get(name, 0) for name in names}

    def node_table(self) -> NodeTable:
        """Return the nodes as runs of identical ones."""
        return NodeTable.from_nodes(self.nodes)

    # --- changing ---

    def add_node(self, node: Node) -> None:
        """Let a node join, as the last one.

        Raises
        ------
        ValueError
            There is a node of this name.
        """
        if node.name in self._nodes:
            raise ValueError(f"node {node.name}: expected each name once, found it twice")
        self._nodes[node.name] = (self._next(), node)
        self._pods_on[node.name] = {}
        self._requested[node.name] = {}
        self._note(lambda: self._drop_node(node.name))

    def remove_node(self, name: str) -> tuple[Pod, ...]:
        """Let a node go and return its pods, which are pending from then on.

        Raises
        ------
        KeyError
            There is no such node.
        """
        pods = self.pods_on(name)
        for pod in pods:
            self.unbind(pod.key)
        entry = self._nodes[name]
        self._drop_node(name)

        def undo() -> None:
            self._nodes[name] = entry
            self._pods_on[name] = {}
            self._requested[name] = {}

        self._note(undo)
        return pods

    def add_pod(self, pod: Pod) -> None:
        """Create a pod, as the last one; if it has a ``node_name``, on that node.

        Raises
        ------
        ValueError
            There is a pod of this namespace and name, or no such node.
        """
        if pod.key in self._pods:
            raise ValueError(f"pod {pod.key}: expected each name once, found it twice")
        if pod.node_name and pod.node_name not in self._nodes:
            raise ValueError(f"pod {pod.key}: expected a known node, found {pod.node_name!r}")
        self._pods[pod.key] = (self._next(), pod)
        self._note(lambda: self._forget(pod.key))
        if pod.node_name:
            self._place(pod.key, pod, pod.node_name)

    def remove_pod(self, key: str) -> Pod:
        """Delete a pod, take it off its node and return it.

        Raises
        ------
        KeyError
            There is no such pod.
        """
        entry = self._pods[key]
        if entry[1].node_name:
            self._displace(key, entry[1])
        self._forget(key)

        def undo() -> None:
            self._pods[key] = entry

        self._note(undo)
        return entry[1]

    def bind(self, key: str, node: str) -> None:
        """Put a pending pod on a node, whether it has room or not.

        Raises
        ------
        KeyError
            There is no such pod or node.
        ValueError
            The pod is on a node.
        """
        _, pod = self._pods[key]
        if pod.node_name:
            raise ValueError(f"pod {key}: expected a pending pod, found it on {pod.node_name}")
        self.node(node)
        self._change(key, replace(pod, node_name=node))
        self._place(key, pod, node)

    def unbind(self, key: str) -> None:
        """Take a pod off its node; it is pending then, in its old place in the order.

        Raises
        ------
        KeyError
            There is no such pod.
        ValueError
            The pod is on no node.
        """
        _, pod = self._pods[key]
        if not pod.node_name:
            raise ValueError(f"pod {key}: expected a pod on a node, found it pending")
        self._displace(key, pod)
        self._change(key, replace(pod, node_name=""))

    # --- trying ---

    def fork(self) -> Fork:
        """Begin a trial.

        Returns
        -------
        Fork
            For a ``with`` statement: leaving it takes the trial back unless it was committed.  The
            trial may as well be ended by :meth:`commit` or :meth:`rollback` of the cluster.
        """
        trial = self._next()
        self._marks.append((trial, len(self._undo)))
        return Fork(self, trial)

    @property
    def depth(self) -> int:
        """Number of trials that are open."""
        return len(self._marks)

    def commit(self) -> None:
        """Keep the changes of the innermost trial; an outer one may still take them back.

        Raises
        ------
        ValueError
            No trial is open.
        """
        self._innermost()
        if not self._marks:
            self._undo.clear()

    def rollback(self) -> None:
        """Take back the changes of the innermost trial, in reverse order.

        Raises
        ------
        ValueError
            No trial is open.
        """
        mark = self._innermost()
        while len(self._undo) > mark:
            self._undo.pop()()

    def is_open(self, trial: int) -> bool:
        """Whether the trial of this number, :attr:`Fork.trial`, is open."""
        return any(number == trial for number, _ in self._marks)

    # --- how it is done ---

    def _innermost(self) -> int:
        if not self._marks:
            raise ValueError("expected an open fork, found none")
        return self._marks.pop()[1]

    def _note(self, undo: Callable[[], None]) -> None:
        if self._marks:
            self._undo.append(undo)

    def _next(self) -> int:
        self._sequence += 1
        return self._sequence

    def _drop_node(self, name: str) -> None:
        del self._nodes[name], self._pods_on[name], self._requested[name]

    def _forget(self, key: str) -> None:
        del self._pods[key]

    def _change(self, key: str, pod: Pod) -> None:
        before = self._pods[key]
        self._pods[key] = (before[0], pod)

        def undo() -> None:
            self._pods[key] = before

        self._note(undo)

    def _place(self, key: str, pod: Pod, node: str) -> None:
        self._pods_on[node][key] = self._next()
        self._account(node, pod, 1)

        def undo() -> None:
            del self._pods_on[node][key]
            self._account(node, pod, -1)

        self._note(undo)

    def _displace(self, key: str, pod: Pod) -> None:
        node = pod.node_name
        number = self._pods_on[node].pop(key)
        self._account(node, pod, -1)

        def undo() -> None:
            self._pods_on[node][key] = number
            self._account(node, pod, 1)

        self._note(undo)

    def _account(self, node: str, pod: Pod, sign: int) -> None:
        total = self._requested[node]
        for name, amount in self._request(pod).items():
            total[name] = total.get(name, 0) + sign * amount

    def _request(self, pod: Pod) -> Resources:
        """The pod's effective request, computed once per template."""
        if has_ended(pod):
            return _NOTHING
        found = self._requests.get(id(pod.template))
        if found is None:
            request = {**effective_request(pod.template.spec), PODS: NANO}
            found = self._requests[id(pod.template)] = (pod.template, request)
        return found[1]


class Fork:
    """One trial on a cluster, as a context manager; see :meth:`Cluster.fork`."""

    def __init__(self, cluster: Cluster, trial: int) -> None:
        self._cluster = cluster
        self.trial = trial

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        while self._cluster.is_open(self.trial):
            self._cluster.rollback()

    def commit(self) -> None:
        """Keep the changes of this trial, and of those opened within it.

        Raises
        ------
        ValueError
            The trial has ended.
        """
        if not self._cluster.is_open(self.trial):
            raise ValueError("expected an open fork, found one that has ended")
        while self._cluster.is_open(self.trial):
            self._cluster.commit()


def has_ended(pod: Pod) -> bool:
    """Whether the pod runs no more and holds nothing on its node."""
    return pod.phase in ("Succeeded", "Failed")


def _number(entry: tuple[int, Node] | tuple[int, Pod]) -> int:
    return entry[0]
