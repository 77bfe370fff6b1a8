"""What a policy may ask for: actions, each with its reason, and when it wants to be asked again.

Pods and nodes are named by the ids of the view (``pending_pod``, ``node_id``), which are never
reused within a run; groups and NodePools by their name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntFlag
from typing import TypeAlias

from pyscale.model.taints import Taint


class WakeOn(IntFlag):
    """What may wake a policy before its ``wake_ns``."""

    NOTHING = 0
    POD_PENDING = 1
    """The scheduler found no node for a pod that is new or was evicted."""
    POD_GONE = 2
    """A pod that was bound ended or was evicted."""
    NODE_READY = 4
    """A machine joined the cluster."""
    NODE_GONE = 8
    """A machine left the cloud."""
    NODE_FAILED = 16
    """A launch failed, or the cloud announced that it will take a machine back."""
    CHANGED = 32
    """Anything about pods or nodes: one came, was bound, ended, or a node changed its state."""


@dataclass(frozen=True, slots=True)
class Bind:
    """Bind pending pods to ready nodes, against the scheduler's own choice or in its place.

    A pod that is not pending any more, or that does not fit, stays as it is; the run counts it.

    Attributes
    ----------
    pods, nodes : tuple of int
        Pod ``pods[i]`` goes to node ``nodes[i]``.
    """

    pods: tuple[int, ...]
    nodes: tuple[int, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class AddNodes:
    """Add machines, either to a group or as one chooses.

    **With a group** (Cluster Autoscaler): the group's desired capacity grows by ``count``, at most
    to its ``max_size``.  The world picks the zone that has the fewest machines of the group (ties:
    order of ``NodeGroup.zones``) and in a mixed group the cheapest type (ties: order of
    ``NodeGroup.instance_types``).  Where no offering has capacity the instances stay wanted and
    are tried again.

    **Without** (Karpenter): ``count`` machines, each the cheapest available offering among
    ``instance_types`` x ``zones`` x ``capacity_types`` at launch, ties in the order of types,
    capacity types, zones.  A launch without an offering fails and is reported in
    ``view.failures``.

    Attributes
    ----------
    group : str
        Name of the node group; the fields below belong to the other form.
    instance_types, zones, capacity_types : tuple of str
        Choices; empty zones or capacity types mean all that are offered.
    pool : str
        The NodePool that owns the machine.
    labels : mapping
        Labels of the node, over those that follow from type, zone, capacity type and pool.
    taints : tuple of Taint
        Taints of the node for as long as it lives.
    annotations : mapping
        Kept in the node's kind.
    pods : tuple of int
        Ids of the pods that the machine is meant for, as evidence; nothing is bound by it.
    token : int
        Comes back in ``view.node_token`` and ``view.failures``; -1 for none.
    """

    reason: str
    count: int = 1
    group: str = ""
    instance_types: tuple[str, ...] = ()
    zones: tuple[str, ...] = ()
    capacity_types: tuple[str, ...] = ()
    pool: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    taints: tuple[Taint, ...] = ()
    annotations: Mapping[str, str] = field(default_factory=dict)
    pods: tuple[int, ...] = ()
    token: int = -1


@dataclass(frozen=True, slots=True)
class RemoveNodes:
    """Cordon nodes, evict their pods and give the machines back.

    Evictions respect disruption budgets: what a budget forbids is tried again until it is allowed.
    A machine of a group lowers the group's desired capacity by one.  A node that is booting is
    given back at once; one that is being removed already is left alone.

    Attributes
    ----------
    nodes : tuple of int
        Node ids.
    grace_ns : int, optional
        How long evictions may wait for budgets; None waits for ever.
    force : bool
        What happens then: evict against the budgets, or give up: the node is uncordoned, stays,
        and is reported in ``view.failures`` with the code ``"DrainTimeout"``.
    """

    nodes: tuple[int, ...]
    reason: str
    grace_ns: int | None = None
    force: bool = True


@dataclass(frozen=True, slots=True)
class ReplaceNodes:
    """Launch machines first, and remove the old ones when all of them are ready.

    The old nodes are cordoned at once.  If a launch fails, a new machine disappears, or
    ``timeout_ns`` passes, the old nodes are uncordoned and stay; new machines that did join stay,
    too.

    Attributes
    ----------
    remove : tuple of int
        Node ids.
    add : tuple of AddNodes
        Machines to wait for, not those of groups; none makes this a removal.
    """

    remove: tuple[int, ...]
    add: tuple[AddNodes, ...]
    reason: str
    timeout_ns: int = 600_000_000_000
    grace_ns: int | None = None


@dataclass(frozen=True, slots=True)
class Scale:
    """Set the desired capacity of a node group.

    Below the number of its machines, the cloud picks what goes: wanted but not launched first,
    then, from the zone with the most machines (ties: order of ``NodeGroup.zones``), the oldest.
    The machines are drained as by :class:`RemoveNodes`.  The size is kept within the group's
    limits.
    """

    group: str
    size: int
    reason: str


@dataclass(frozen=True, slots=True)
class Keep:
    """Change nothing, and say why; ``nodes`` are the nodes that the reason is about, if any."""

    reason: str
    nodes: tuple[int, ...] = ()


Action: TypeAlias = Bind | AddNodes | RemoveNodes | ReplaceNodes | Scale | Keep


@dataclass(frozen=True, slots=True)
class Decision:
    """Actions, carried out in order at the time of the view, and the next time to be asked.

    Attributes
    ----------
    actions : tuple of Action
    wake_ns : int, optional
        When to ask again at the latest, in the time of the view; later than the view's time.
        None leaves it to ``wake_on``.
    wake_on : WakeOn
        What makes the world ask before.
    """

    actions: tuple[Action, ...] = ()
    wake_ns: int | None = None
    wake_on: WakeOn = WakeOn.NOTHING
