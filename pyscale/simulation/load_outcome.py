"""What became of the load in a run: served or not, when, and what it waited for."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyscale.kernel._scaled import ScaledEngine
from pyscale.policies.base import Int32s, Int64s

from .metrics import LoadMetrics, percentile
from .scaling import PodScaling
from .series import Steps, steps
from .tables import NodeColumns, PodColumns


@dataclass(frozen=True, eq=False)
class LoadOutcome:
    """Load and replicas of one run; immutable.

    Attributes
    ----------
    workloads : tuple of str
    metric : str
    class_workload : ndarray of int32, shape (n_classes,)
        Workload of each class's pods, -1 for none.
    start_delay_ns : int
        From binding to ready.
    served, unserved : tuple of int
        Per workload: thousandths of a unit times nanoseconds, exact.
    short_ns : ndarray of int64, shape (n_workloads,)
        Time with unserved load.
    shortage_begin_ns, shortage_end_ns : ndarray of int64, shape (n_shortages,)
        Times with unserved load in the order of their ends; an end of -1 is open.
    shortage_workload, shortage_pod : ndarray of int32, shape (n_shortages,)
        The pod whose readiness ended it, -1 if the load fell.
    scaling_ns : ndarray of int64, shape (n_scalings,)
    scaling_workload, scaling_replicas : ndarray of int32, shape (n_scalings,)
        Every change of a workload's replicas, the first ones included.
    vertical_ns, vertical_milli : ndarray of int64, shape (n_recommendations,)
    vertical_workload : ndarray of int32, shape (n_recommendations,)
        Every new CPU request of a vertical autoscaler, in thousandths of a core.
    offset, step_time, step_value : ndarray of int64
        The load, as the plan has it.
    """

    workloads: tuple[str, ...]
    metric: str
    class_workload: Int32s
    start_delay_ns: int
    served: tuple[int, ...]
    unserved: tuple[int, ...]
    short_ns: Int64s
    shortage_begin_ns: Int64s
    shortage_end_ns: Int64s
    shortage_workload: Int32s
    shortage_pod: Int32s
    scaling_ns: Int64s
    scaling_workload: Int32s
    scaling_replicas: Int32s
    vertical_ns: Int64s
    vertical_milli: Int64s
    vertical_workload: Int32s
    offset: Int64s
    step_time: Int64s
    step_value: Int64s

    def add_to(self, total: hashlib._Hash) -> None:
        """Add the content to a hash, the same on every machine."""
        words = [self.metric, self.start_delay_ns, *self.workloads, *self.served, *self.unserved]
        total.update(repr(words).encode())
        for name, column in sorted(vars(self).items()):
            if isinstance(column, np.ndarray):
                total.update(f"{name} {len(column)}\n".encode())
                total.update(column.astype(column.dtype.newbyteorder("<"), copy=False).tobytes())

    def to_dict(self) -> dict[str, Any]:
        """Return sums per workload and all shortages as plain data."""
        return {
            "metric": self.metric,
            "workloads": list(self.workloads),
            "served_milli_ns": list(self.served),
            "unserved_milli_ns": list(self.unserved),
            "short_ns": self.short_ns.tolist(),
            "shortages": {
                "begin_ns": self.shortage_begin_ns.tolist(),
                "end_ns": self.shortage_end_ns.tolist(),
                "workload": self.shortage_workload.tolist(),
                "pod": self.shortage_pod.tolist(),
            },
        }

    def _chosen(self, workload: int | None) -> range:
        return range(len(self.workloads)) if workload is None else range(workload, workload + 1)

    def load(self, end_ns: int, workload: int | None = None) -> Steps:
        """Return the load in thousandths, of one workload or of all together."""
        times: list[Int64s] = []
        changes: list[Int64s] = []
        for index in self._chosen(workload):
            span = slice(int(self.offset[index]), int(self.offset[index + 1]))
            times.append(self.step_time[span])
            values = self.step_value[span]
            changes.append(np.concatenate((values[:1], values[1:] - values[:-1])))
        return steps(np.concatenate(times), np.concatenate(changes), end_ns)

    def wanted(self, end_ns: int, workload: int | None = None) -> Steps:
        """Return the replicas that the autoscalers asked for."""
        order = np.argsort(self.scaling_workload, kind="stable")
        owner = self.scaling_workload[order]
        replicas = self.scaling_replicas[order].astype(np.int64)
        changes = replicas.copy()
        changes[1:] -= replicas[:-1]
        first = np.flatnonzero(np.diff(owner, prepend=-1))
        changes[first] = replicas[first]
        chosen = np.isin(owner, list(self._chosen(workload)))
        return steps(self.scaling_ns[order][chosen], changes[chosen], end_ns)

    def owns(self, pods: PodColumns, workload: int | None = None) -> NDArray[np.bool_]:
        """Return which pods belong to a workload, or to any."""
        owner = self.class_workload[pods.class_id]
        return owner >= 0 if workload is None else owner == workload

    def ready(self, pods: PodColumns, end_ns: int, workload: int | None = None) -> Steps:
        """Return the pods that serve."""
        chosen = self.owns(pods, workload) & (pods.bound_ns >= 0)
        begin = pods.bound_ns[chosen] + self.start_delay_ns
        end = np.where(pods.ended_ns[chosen] < 0, end_ns + 1, pods.ended_ns[chosen])
        serves = begin < end
        begin, end = begin[serves], end[serves]
        changes = np.repeat(np.array([1, -1], np.int64), len(begin))
        return steps(np.concatenate((begin, end)), changes, end_ns)

    def short(self, end_ns: int) -> Steps:
        """Return how many workloads have unserved load."""
        end = np.where(self.shortage_end_ns < 0, end_ns + 1, self.shortage_end_ns)
        changes = np.repeat(np.array([1, -1], np.int64), len(end))
        return steps(np.concatenate((self.shortage_begin_ns, end)), changes, end_ns)

    def waits(self, pods: PodColumns, nodes: NodeColumns) -> dict[str, Int64s]:
        """Return the shortages that a new pod ended, and what each waited for, in ns.

        Returns
        -------
        dict of str to ndarray of int64
            workload, begin_ns, and the parts decided, scheduled, booted and started, which sum to
            the length: see :class:`LoadMetrics`.  What was done before the shortage counts as 0.
        """
        ended = self.shortage_pod >= 0
        pod = self.shortage_pod[ended]
        begin, end = self.shortage_begin_ns[ended], self.shortage_end_ns[ended]
        created = np.maximum(pods.created_ns[pod], begin)
        bound = np.maximum(pods.bound_ns[pod], begin)
        node = pods.node[pod]
        boot_from = np.maximum(nodes.created_ns[node], created)
        boot_to = np.minimum(nodes.ready_ns[node], bound)
        booted = np.maximum(boot_to - boot_from, 0)
        return {
            "workload": self.shortage_workload[ended].astype(np.int64),
            "begin_ns": begin,
            "decided": created - begin,
            "scheduled": bound - created - booted,
            "booted": booted,
            "started": end - bound,
        }

    def metrics(self, pods: PodColumns, nodes: NodeColumns, end_ns: int) -> LoadMetrics:
        """Return the figures."""
        parts = self.waits(pods, nodes)
        names = ("decided", "scheduled", "booted", "started")
        lengths = np.sort(np.sum([parts[name] for name in names], axis=0, dtype=np.int64))
        n = len(lengths)
        unserved, served = sum(self.unserved), sum(self.served)
        curve = self.short(end_ns)
        spans = np.diff(np.append(np.minimum(curve.times_ns, end_ns), end_ns))
        return LoadMetrics(
            workloads=len(self.workloads),
            unserved_share=unserved / (served + unserved) if unserved else 0.0,
            short_share=int(spans[curve.values > 0].sum()) / end_ns if end_ns else 0.0,
            shortages=len(self.shortage_pod),
            to_served_p50_ns=percentile(lengths, 50),
            to_served_p95_ns=percentile(lengths, 95),
            to_served_max_ns=percentile(lengths, 100),
            scalings=len(self.scaling_ns) - len(self.workloads),
            **{f"{name}_ns": int(parts[name].sum()) // n if n else 0 for name in names},
        )


def outcome_of(engine: ScaledEngine, scaling: PodScaling) -> LoadOutcome:
    """Return what became of the load up to now."""
    plan, sums = scaling.plan, engine.workload_columns()
    vertical = [] if scaling.vertical is None else scaling.vertical.changes
    vertical_ns, vertical_workload, vertical_milli = np.array(vertical, np.int64).reshape(-1, 3).T
    begin, end, workload, pod = engine.shortages()
    scaling_ns, scaling_workload, replicas = engine.scalings()
    return LoadOutcome(
        workloads=plan.names,
        metric=plan.metric,
        class_workload=plan.class_workload,
        start_delay_ns=engine.start_delay,
        served=tuple(sums["served"]),
        unserved=tuple(sums["unserved"]),
        short_ns=np.array(sums["short_ns"], np.int64),
        shortage_begin_ns=begin,
        shortage_end_ns=end,
        shortage_workload=workload,
        shortage_pod=pod,
        scaling_ns=scaling_ns,
        scaling_workload=scaling_workload,
        scaling_replicas=replicas,
        vertical_ns=vertical_ns,
        vertical_milli=vertical_milli,
        vertical_workload=vertical_workload.astype(np.int32),
        offset=plan.offset,
        step_time=plan.step_time,
        step_value=plan.step_value,
    )
