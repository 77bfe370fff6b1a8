"""What a Karpenter decision is taken on: state nodes, pools, pods and the objects around them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pyscale.model.catalog import Catalog
from pyscale.model.disruption import PodDisruptionBudget
from pyscale.model.groups import NodePool
from pyscale.model.nodes import HOSTNAME_LABEL
from pyscale.model.pods import Pod, PodTemplate
from pyscale.model.resources import Resources
from pyscale.model.taints import NO_EXECUTE, NO_SCHEDULE, Taint

from .labels import CORE_WELL_KNOWN, RESTRICTED_DOMAINS
from .parity import BY_NAME, TieBreak
from .volumes import Volumes

if TYPE_CHECKING:
    from .bound_pods import BoundPods

UNREGISTERED_TAINT = Taint("karpenter.sh/unregistered", NO_EXECUTE)
_EPHEMERAL_TAINTS = frozenset(
    {
        ("node.kubernetes.io/not-ready", NO_SCHEDULE),
        ("node.kubernetes.io/not-ready", NO_EXECUTE),
        ("node.kubernetes.io/unreachable", NO_SCHEDULE),
        ("node.cloudprovider.kubernetes.io/uninitialized", NO_SCHEDULE),
        ("karpenter.sh/unregistered", NO_EXECUTE),
    }
)
_EPHEMERAL_PREFIX = "readiness.k8s.io/"


@dataclass(frozen=True, eq=False)
class StateNode:
    """A Node joined with its NodeClaim.

    ``name`` is the Node's name once registered, else the NodeClaim's; ``node_name`` is always the
    Node's.  ``labels`` and ``taints`` are what scheduling reads, ``node_labels`` and
    ``node_taints`` those of the Node object, ``claim_labels`` those of the NodeClaim.  ``capacity``
    and ``allocatable`` are in nano-units.  ``provider_drift`` is why the provider calls it
    drifted, empty if it does not.  Times are int ns since the epoch, None if unknown; the
    last two are durations of the NodeClaim, None for Never and absent.
    """

    name: str
    node_name: str
    labels: Mapping[str, str]
    capacity: Resources
    allocatable: Resources
    taints: tuple[Taint, ...] = ()
    node_labels: Mapping[str, str] = field(default_factory=dict)
    node_taints: tuple[Taint, ...] = ()
    claim_labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    pool: str = ""
    managed: bool = True
    has_node: bool = True
    registered: bool = True
    initialized: bool = True
    ready: bool = True
    marked_for_deletion: bool = False
    deleting: bool = False
    nominated: bool = False
    instance_terminating: bool = False
    stale_hash: bool = False
    provider_drift: str = ""
    creation_ns: int | None = None
    initialized_ns: int | None = None
    last_pod_event_ns: int | None = None
    drifted_since_ns: int | None = None
    expire_after_ns: int | None = None
    termination_grace_period_ns: int | None = None
    csi_limits: Mapping[str, int] = field(default_factory=dict)

    @property
    def hostname(self) -> str:
        """The hostname label, else the name."""
        return self.labels.get(HOSTNAME_LABEL) or self.name


def visible_taints(taints: Iterable[Taint], startup_taints: Iterable[Taint]) -> tuple[Taint, ...]:
    """Return the taints of a managed node that is not initialized: those that will stay.

    Notes
    -----
    Follows Karpenter core ``pkg/controllers/state/statenode.go:Taints``.
    """
    startup = {(taint.key, taint.effect) for taint in startup_taints}
    return tuple(
        taint
        for taint in taints
        if (taint.key, taint.effect) not in _EPHEMERAL_TAINTS
        and not taint.key.startswith(_EPHEMERAL_PREFIX)
        and (taint.key, taint.effect) not in startup
    )


@dataclass(frozen=True, slots=True)
class DaemonSet:
    """A DaemonSet: the template of the pod that it runs on every node that it fits."""

    name: str
    template: PodTemplate
    uid: str = ""
    namespace: str = "default"


@dataclass(frozen=True)
class Settings:
    """Karpenter's options that provisioning and disruption read, named as upstream.

    ``repaired`` are the quirks that are not reproduced, see :data:`.parity.QUIRKS`.
    """

    preference_policy: str = "Respect"
    min_values_policy: str = "Strict"
    reserved_capacity: bool = True
    spot_to_spot_consolidation: bool = False
    repaired: frozenset[str] = frozenset()
    tie_break: TieBreak = BY_NAME

    @property
    def ignore_preferences(self) -> bool:
        """Whether preferences count for nothing."""
        return self.preference_policy == "Ignore"

    @property
    def best_effort_min_values(self) -> bool:
        """Whether minValues that can't be met are lowered."""
        return self.min_values_policy == "BestEffort"


@dataclass(frozen=True, eq=False)
class ClusterObjects:
    """The objects of a cluster; nothing in here changes during a decision.

    ``pods`` are in upstream's list order (namespace, then name); where ``bound`` is given, those
    with a node are there instead.  ``types_of_pool`` names the
    types, in order, of those pools that see only a part of the catalogue.  ``reservation_label``
    is the provider's label of a capacity reservation; without one types require nothing of it.
    """

    node_pools: tuple[NodePool, ...]
    catalog: Catalog
    nodes: tuple[StateNode, ...] = ()
    pods: tuple[Pod, ...] = ()
    bound: BoundPods | None = None
    daemon_sets: tuple[DaemonSet, ...] = ()
    namespaces: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    volumes: Volumes = field(default_factory=Volumes)
    budgets: tuple[PodDisruptionBudget, ...] = ()
    types_of_pool: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    reservation_label: str = ""
    restricted_domains: tuple[str, ...] = RESTRICTED_DOMAINS
    now_ns: int = 0

    @property
    def well_known(self) -> frozenset[str]:
        """The keys that a requirement may use although the holder does not define them."""
        known = CORE_WELL_KNOWN | self.catalog.well_known_labels
        return known | {self.reservation_label} if self.reservation_label else known

    def pools_in_order(self) -> tuple[NodePool, ...]:
        """Return the pools that launch nodes, heaviest first, then by name descending."""
        usable = (
            pool
            for pool in self.node_pools
            if pool.ready and pool.deletion_ns is None and pool.replicas is None
        )
        return tuple(sorted(usable, key=lambda pool: (pool.weight, pool.name), reverse=True))
