"""How much of a node its pods use.

Specification section 5.3; upstream ``simulator/utilization``.  Shares are floats, as upstream's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...model.nodes import Node
from ...model.resources import CPU, MEMORY
from .classes import PodClass
from .drain import is_long_terminating
from .kernel_placement import KernelPlacement
from .options import Options
from .quotas import GPU_RESOURCES
from .units import node_units
from .world import Flags, Int32s, Int64s, Pods

HAS_MOVED, HAS_WAITING, HAS_TERMINATING = 1, 2, 4  # as in ``Residents``
_RESOURCES = (CPU, MEMORY)


@dataclass(frozen=True, slots=True)
class Utilization:
    """The resource that is used most, and its share."""

    resource: str
    share: float


class Measures:
    """What the pods of nodes come to, by handle.

    Attributes
    ----------
    bits : ndarray of uint8
        Whether there are pods that would have to move, that are to complete first, and that are
        under deletion.
    room : ndarray of int64, shape (n, 2)
        Allocatable cpu and memory.
    share : ndarray of float64
        Highest share; NaN where there is no cpu or memory.
    is_cpu : ndarray of bool
        Whether that is the share of cpu.
    of_gpus : dict
        Utilization of nodes with GPUs.
    has_terminating : bool
        Whether there ever was a pod under deletion.
    """

    def __init__(self, options: Options, placement: KernelPlacement, gpu_label: str = "") -> None:
        self._ignores_mirrors = options.ignore_mirror_pods_utilization
        self._placement = placement
        self.gpu_label = gpu_label
        self._units: dict[int, dict[str, int]] = {}
        self._kept: list[Node] = []
        self.of_gpus: dict[int, Utilization] = {}
        self._nodes: dict[int, Node] = {}
        self.has_terminating = False
        self.bits: NDArray[np.uint8] = np.zeros(0, np.uint8)
        self.room: NDArray[np.int64] = np.zeros((0, 2), np.int64)
        self.share: NDArray[np.float64] = np.zeros(0)
        self.is_cpu: Flags = np.zeros(0, np.bool_)

    def grow(self, size: int) -> None:
        """Make room for handles below a number."""
        more = size - len(self.bits)
        self.bits = np.concatenate([self.bits, np.zeros(more, np.uint8)])
        self.room = np.concatenate([self.room, np.zeros((more, 2), np.int64)])
        self.share = np.concatenate([self.share, np.zeros(more)])
        self.is_cpu = np.concatenate([self.is_cpu, np.zeros(more, np.bool_)])

    def set_nodes(self, handles: Int32s, nodes: Sequence[Node], which: Int64s) -> None:
        """Take in which of some node objects stands behind each handle."""
        rooms = [[self._units_of(node).get(name, 0) for name in _RESOURCES] for node in nodes]
        self.room[handles] = np.array(rooms, np.int64)[which]
        for number, node in enumerate(nodes):
            if self.gpu_label and self.gpu_label in node.labels:
                self._nodes.update(dict.fromkeys(handles[which == number].tolist(), node))

    def _units_of(self, node: Node) -> dict[str, int]:
        known = self._units.get(id(node))
        if known is None:
            known = self._units[id(node)] = node_units(node.allocatable or node.capacity)
            self._kept.append(node)
        return known

    def read(
        self, handles: Int32s, has_gpu: Flags, ignores_daemons: Flags, table: Sequence[PodClass]
    ) -> None:
        """Compute again what the pods of nodes come to.

        Parameters
        ----------
        handles : ndarray of int32
        has_gpu, ignores_daemons : ndarray of bool
            Of the nodes; DaemonSet pods may not count, by their group's options.
        table : sequence of PodClass
        """
        self.share[handles], self.is_cpu[handles], bits = self._placement.residents.measure(
            handles,
            self.room[handles],
            ignores_daemons.view(np.uint8),
            self._ignores_mirrors,
        )
        self.bits[handles] = bits
        self.has_terminating |= int(bits.max(initial=0)) >= HAS_TERMINATING
        if not has_gpu.any():
            return
        for handle in handles[has_gpu].tolist():
            found = self.of_gpus[handle] = self._of_gpus(handle, table)
            self.share[handle] = found.share

    def _of_gpus(self, handle: int, table: Sequence[PodClass]) -> Utilization:
        allocatable = self._units_of(self._nodes[handle])
        for name in GPU_RESOURCES:
            if allocatable.get(name, 0) > 0:
                classes = self._placement.content(handle).classes.tolist()
                used = sum(table[index].requests.get(name, 0) for index in classes)
                return Utilization(name, used / allocatable[name])
        return Utilization(GPU_RESOURCES[0], 0.0)

    def timed(self, handle: int, ignores_daemons: bool, pods: Pods, now: int) -> Utilization:
        """Return the utilization of a node with pods under deletion, which count for a while."""
        present, room = self._placement.content(handle), self.room[handle].tolist()
        shares = []
        for which in range(len(_RESOURCES)):
            used = excluded = 0
            for pod, index in zip(present.ids.tolist(), present.classes.tolist(), strict=True):
                pod_class = pods.table[index]
                amount = pod_class.memory if which else pod_class.cpu
                if (pod_class.is_daemon_set and ignores_daemons) or (
                    pod_class.is_mirror and self._ignores_mirrors
                ):
                    excluded += amount
                elif not (pod_class.terminating and is_long_terminating(pods, pod, pod_class, now)):
                    used += amount
            shares.append(used / (room[which] - excluded))
        cpu, memory = shares
        return Utilization(CPU, cpu) if cpu > memory else Utilization(MEMORY, memory)
