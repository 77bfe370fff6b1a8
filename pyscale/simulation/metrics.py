"""What a run comes to: cost, waste, waiting and churn; exact integers until the last step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyscale.policies.base import Int64s

from .clock import HOUR, SECOND
from .tables import NodeColumns, PodColumns


@dataclass(frozen=True, slots=True)
class ResourceUse:
    """One resource over a run, in units (milli-cores, bytes, counts) times hours.

    ``bought`` is allocatable from purchase to the end of the bill, ``used`` the requests of
    running pods that are no daemons, ``waste`` the difference.
    """

    bought: float
    used: float

    @property
    def waste(self) -> float:
        """What was bought and not used."""
        return self.bought - self.used

    @property
    def allocation(self) -> float:
        """Share of what was bought that was used; 0 if nothing was bought."""
        return self.used / self.bought if self.bought else 0.0


@dataclass(frozen=True, slots=True)
class LoadMetrics:
    """The load's figures of one run.

    Attributes
    ----------
    workloads : int
        Under a pod autoscaler.
    unserved_share : float
        Unserved load over all load; 0 if there was none.
    short_share : float
        Share of the run in which some workload had unserved load.
    shortages : int
        Times in which a workload had unserved load.
    to_served_p50_ns, to_served_p95_ns, to_served_max_ns : int
        Length of those that a new pod ended, nearest rank.
    decided_ns, scheduled_ns, booted_ns, started_ns : int
        Mean parts of that length: until the autoscaler created the pod; until it was bound, the
        boot of its node left out; that boot; until the pod was ready.
    scalings : int
        Changes of a workload's replicas.
    """

    workloads: int
    unserved_share: float
    short_share: float
    shortages: int
    to_served_p50_ns: int
    to_served_p95_ns: int
    to_served_max_ns: int
    decided_ns: int
    scheduled_ns: int
    booted_ns: int
    started_ns: int
    scalings: int


@dataclass(frozen=True, slots=True)
class Metrics:
    """The figures of one run.

    Attributes
    ----------
    cost_nano : int
        All bills in nano-dollars, exact to the last nano-dollar.
    cost_per_vcpu_hour : float
        US dollars per core and hour that pods asked for while they ran; 0 if none ran.
    node_hours : float
        Machines from purchase to the end of the bill.
    nodes_at_peak : int
        Most machines at one time.
    resources : dict of str to ResourceUse
    pending_p50_ns, pending_p95_ns, pending_p99_ns, pending_max_ns : int
        Waiting times of pods, nearest rank; a pod that was never bound waited to the end.
    unschedulable_pods : int
        Never bound.
    gated_pods : int
        With scheduling gates: nobody looked for a node for them, and they are not among the others.
    pods : int
        Pods of the trace that arrived, and replicas that a pod autoscaler asked for.
    evictions : int
        Pods that were evicted with their node; not those that were preempted.
    preemptions : int
        Pods that the scheduler evicted for more important ones.
    lost_pods : int
        Evicted and preempted pods without a controller.
    nodes_launched, nodes_removed : int
        Machines bought in the run, and given back.
    launch_failures, interruptions : int
    node_groups, node_pools : int
        Maintained by somebody.
    decisions : int
        How often the policy was asked.
    load : LoadMetrics, optional
        What became of the load, with a pod autoscaler.
    decision_seconds : float
        Wall-clock time of all its decisions: the only figure that differs from run to run.
    """

    cost_nano: int
    cost_per_vcpu_hour: float
    node_hours: float
    nodes_at_peak: int
    resources: dict[str, ResourceUse] = field(default_factory=dict)
    pending_p50_ns: int = 0
    pending_p95_ns: int = 0
    pending_p99_ns: int = 0
    pending_max_ns: int = 0
    unschedulable_pods: int = 0
    gated_pods: int = 0
    pods: int = 0
    evictions: int = 0
    preemptions: int = 0
    lost_pods: int = 0
    nodes_launched: int = 0
    nodes_removed: int = 0
    launch_failures: int = 0
    interruptions: int = 0
    node_groups: int = 0
    node_pools: int = 0
    decisions: int = 0
    decision_seconds: float = 0.0
    load: LoadMetrics | None = None

    @property
    def cost_usd(self) -> float:
        """The cost in US dollars."""
        return self.cost_nano / 1_000_000_000

    def to_dict(self) -> dict[str, Any]:
        """Return all figures as plain data."""
        plain = asdict(self)
        plain["cost_usd"] = self.cost_usd
        for name, use in self.resources.items():
            plain["resources"][name] |= {"allocation": use.allocation, "waste": use.waste}
        return plain


def percentile(values: Int64s, percent: int) -> int:
    """Return the nearest-rank percentile of sorted values, 0 if there are none."""
    if not len(values):
        return 0
    rank = -(-percent * len(values) // 100)
    return int(values[max(0, rank - 1)])


def exact_sums(groups: NDArray[np.integer[Any]], lengths: Int64s, n_groups: int) -> list[int]:
    """Return the sum of ``lengths`` per group, exact beyond 64 bits."""
    seconds, rest = lengths // SECOND, lengths % SECOND
    whole = np.zeros(n_groups, np.int64)
    small = np.zeros(n_groups, np.int64)
    np.add.at(whole, groups, seconds)
    np.add.at(small, groups, rest)
    return [int(a) * SECOND + int(b) for a, b in zip(whole.tolist(), small.tolist(), strict=True)]


def resource_use(
    pods: PodColumns,
    nodes: NodeColumns,
    resources: Sequence[str],
    requests: Int64s,
    allocatable: Int64s,
    end_ns: int,
) -> dict[str, ResourceUse]:
    """Return bought and used amounts times hours of every resource."""
    lives = nodes.until_ns(end_ns) - nodes.created_ns
    per_kind = exact_sums(nodes.kind, lives, allocatable.shape[1])
    had = amount_time(allocatable, per_kind)
    wanted = pod_time(pods, requests, end_ns)
    return {
        name: ResourceUse(float(Fraction(bought, HOUR)), float(Fraction(used, HOUR)))
        for name, bought, used in zip(resources, had, wanted, strict=True)
    }


def pod_time(pods: PodColumns, requests: Int64s, end_ns: int) -> list[int]:
    """Return per resource the sum over pods that are no daemons: request times ns that it ran."""
    ran = (pods.bound_ns >= 0) & ~pods.is_daemon
    ended = pods.ended_ns[ran]
    lengths = np.where(ended < 0, end_ns, ended) - pods.bound_ns[ran]
    return amount_time(requests, exact_sums(pods.class_id[ran], lengths, requests.shape[1]))


def amount_time(amounts: Int64s, times: Sequence[int]) -> list[int]:
    """Return per resource, a row, the sum over columns: amount times time."""
    return [sum(a * t for a, t in zip(row, times, strict=True)) for row in amounts.tolist()]


def most_at_once(begins: Int64s, ends: Int64s) -> int:
    """Return the most intervals [begin, end) that overlap; empty ones count at their instant."""
    if not len(begins):
        return 0
    ends = np.maximum(ends, begins + 1)
    times = np.concatenate((begins, ends))
    steps = np.repeat(np.array([1, -1], np.int64), len(begins))
    order = np.lexsort((steps, times))
    return int(np.cumsum(steps[order]).max())
