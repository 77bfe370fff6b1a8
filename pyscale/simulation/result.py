"""What a run gives back."""

from __future__ import annotations

import hashlib
import html
import json
from dataclasses import asdict, dataclass, field, is_dataclass
from functools import cached_property
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np

from pyscale.kernel._scaled import ScaledEngine
from pyscale.model.content import content_digest
from pyscale.model.groups import NodeGroup, NodePool
from pyscale.policies.base import Failure, Int64s, NodeKind

from .clock import HOUR, format_ns
from .inputs import gated_classes
from .load_outcome import LoadOutcome, outcome_of
from .metrics import LoadMetrics, Metrics, exact_sums, most_at_once, percentile, resource_use
from .prices import dollars
from .recorder import Act
from .series import Series
from .tables import REPLICA, NodeColumns, PodColumns

if TYPE_CHECKING:
    from .engine import Simulation


@dataclass(frozen=True, eq=False, repr=False)
class Result:
    """One finished run; immutable, picklable.

    Attributes
    ----------
    name : str
        The policy's name.
    metrics : Metrics
    metadata : dict
        Version, options, hash of the trace, seed, and the names of trace, catalogue and scheduler.
    end_ns : int
        When the run ended, or was interrupted.
    is_complete : bool
        Whether it ran to its end.
    pods : PodColumns
    nodes : NodeColumns
    kinds : tuple of NodeKind
    resources : tuple of str
    requests : ndarray of int64, shape (n_resources, n_classes)
    allocatable : ndarray of int64, shape (n_resources, n_kinds)
    node_cost_nano : ndarray of int64, shape (n_nodes,)
        The bill of each machine in nano-dollars, rounded.
    acts : tuple of Act
        The policy's actions with their reasons, in order.
    failures : tuple of Failure
    node_groups : tuple of NodeGroup
    node_pools : tuple of NodePool
        What the policy bought from; without any it chose machines itself.
    load : LoadOutcome, optional
        What became of the load, with a pod autoscaler.
    """

    name: str
    metrics: Metrics
    metadata: dict[str, Any]
    end_ns: int
    is_complete: bool
    pods: PodColumns
    nodes: NodeColumns
    kinds: tuple[NodeKind, ...]
    resources: tuple[str, ...]
    requests: Int64s
    allocatable: Int64s
    node_cost_nano: Int64s
    acts: tuple[Act, ...] = ()
    failures: tuple[Failure, ...] = field(default=())
    node_groups: tuple[NodeGroup, ...] = ()
    node_pools: tuple[NodePool, ...] = ()
    load: LoadOutcome | None = None

    @property
    def series(self) -> Series:
        """The curves over time."""
        return Series(self)

    @cached_property
    def _digest(self) -> str:
        total = hashlib.sha256(self.metadata["trace_hash"].encode())
        total.update(f"{self.name} {self.end_ns} {self.is_complete}\n".encode())
        for table in (self.pods, self.nodes):
            table.add_to(total)
        for kind in self.kinds:
            total.update(content_digest(kind))
        for entry in (*self.acts, *self.failures):
            total.update(content_digest(entry))
        if self.load is not None:
            self.load.add_to(total)
        total.update(self.node_cost_nano.astype("<i8").tobytes())
        return total.hexdigest()

    def digest(self) -> str:
        """Return the SHA-256 of all that happened, in hexadecimal.

        Equal trace, policy, catalogue, seed and options give the same on every machine; the time
        that decisions took does not count.
        """
        return self._digest

    def to_dict(self) -> dict[str, Any]:
        """Return figures, metadata, actions, failures and machines as plain data."""
        columns = {name: some.tolist() for name, some in self.nodes.arrays().items()}
        kinds = [
            {
                "instance_type": kind.instance_type,
                "zone": kind.zone,
                "capacity_type": kind.capacity_type,
                "group": kind.group,
                "pool": kind.pool,
            }
            for kind in self.kinds
        ]
        return {
            "name": self.name,
            "is_complete": self.is_complete,
            "end_ns": self.end_ns,
            "metrics": self.metrics.to_dict(),
            "metadata": self.metadata,
            "digest": self.digest(),
            "kinds": kinds,
            "nodes": {**columns, "cost_nano": self.node_cost_nano.tolist()},
            "acts": [asdict(act) for act in self.acts],
            "failures": [asdict(failure) for failure in self.failures],
            **({} if self.load is None else {"load": self.load.to_dict()}),
        }

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """Offer the pods to any library that reads Arrow streams; ``nodes`` does the same."""
        return self.pods.__arrow_c_stream__(requested_schema)

    def lines(self) -> list[tuple[str, str]]:
        """Return the figures for people, each with its name."""
        return metric_lines(self.metrics)

    def __repr__(self) -> str:
        cost = self.metrics.cost_usd
        return f"Result({self.name!r}, cost_usd={cost:.2f}, n_pods={len(self.pods)})"

    def __str__(self) -> str:
        lines = self.lines()
        width = max(len(label) for label, _ in lines)
        body = "\n".join(f"{label:<{width}}  {value}" for label, value in lines)
        return f"{self._title()}\n{body}"

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><th>{html.escape(label)}</th><td>{html.escape(value)}</td></tr>"
            for label, value in self.lines()
        )
        return f"<table><caption>{html.escape(self._title())}</caption>{rows}</table>"

    def _title(self) -> str:
        title = f"{self.name} on {self.metadata['trace']}"
        if not self.is_complete:
            title += f", interrupted after {format_ns(self.end_ns)}"
        return title


def metric_lines(metrics: Metrics) -> list[tuple[str, str]]:
    """Return the figures for people, each with its name, in the order of the table."""
    lines = [
        ("cost", f"${metrics.cost_usd:,.2f}"),
        ("cost per useful vCPU-hour", f"${metrics.cost_per_vcpu_hour:.4f}"),
        ("node-hours", f"{metrics.node_hours:,.1f}"),
        ("nodes at peak", f"{metrics.nodes_at_peak:,}"),
    ]
    for name, use in metrics.resources.items():
        if use.bought and name != "pods":
            lines.append((f"{name} allocated", f"{use.allocation:.1%}"))
            lines.append((f"{name} wasted", _waste(name, use.waste)))
    return [
        *lines,
        ("pending time p50", format_ns(metrics.pending_p50_ns)),
        ("pending time p95", format_ns(metrics.pending_p95_ns)),
        ("pending time p99", format_ns(metrics.pending_p99_ns)),
        ("pending time max", format_ns(metrics.pending_max_ns)),
        ("unschedulable pods", f"{metrics.unschedulable_pods:,} of {metrics.pods:,}"),
        *([("gated pods", f"{metrics.gated_pods:,}")] if metrics.gated_pods else []),
        ("evictions", f"{metrics.evictions:,}"),
        *([("preemptions", f"{metrics.preemptions:,}")] if metrics.preemptions else []),
        ("nodes launched", f"{metrics.nodes_launched:,}"),
        ("nodes removed", f"{metrics.nodes_removed:,}"),
        ("node groups maintained", f"{metrics.node_groups:,}"),
        ("NodePools maintained", f"{metrics.node_pools:,}"),
        *([] if metrics.load is None else _load_lines(metrics.load)),
        ("decision time", f"{metrics.decision_seconds:.3f} s in {metrics.decisions:,}"),
    ]


def _load_lines(load: LoadMetrics) -> list[tuple[str, str]]:
    parts = (load.decided_ns, load.scheduled_ns, load.booted_ns, load.started_ns)
    return [
        ("load unserved", f"{load.unserved_share:.3%}"),
        ("time with unserved load", f"{load.short_share:.2%}"),
        ("shortages", f"{load.shortages:,} of {load.workloads:,} workloads"),
        ("load to served p50", format_ns(load.to_served_p50_ns)),
        ("load to served p95", format_ns(load.to_served_p95_ns)),
        ("of it HPA, binding, boot, start", " + ".join(map(format_ns, parts))),
        ("changes of replicas", f"{load.scalings:,}"),
    ]


def _waste(name: str, amount: float) -> str:
    if name == "cpu":
        return f"{amount / 1000:,.1f} vCPU-h"
    if name in ("memory", "ephemeral-storage"):
        return f"{amount / 2**30:,.1f} GiB-h"
    return f"{amount:,.1f} h"


def collect(run: Simulation, is_complete: bool) -> Result:
    """Make the result of a simulation that ended or was interrupted."""
    engine = run.engine
    end_ns = run.end_ns if is_complete else engine.now
    pods = PodColumns(**engine.pod_columns())
    columns = engine.node_columns(all=True)
    names = ("kind", "created_ns", "ready_ns", "gone_ns", "lost_ns")
    nodes = NodeColumns(**{name: columns[name] for name in names})
    kinds = tuple(run.kinds.kinds)
    least = run.options.minimum_billing_ns
    parts = []
    until = nodes.until_ns(end_ns)
    for kind, begin, end in zip(
        nodes.kind.tolist(), nodes.created_ns.tolist(), until.tolist(), strict=True
    ):
        mine = kinds[kind]
        offer = (mine.instance_type, mine.zone, mine.capacity_type)
        parts.append(run.market.cost(offer, begin, max(end, begin + least)))
    use = resource_use(
        pods, nodes, run.setting.resources, run.setting.requests, run.kinds.allocatable, end_ns
    )
    is_gated = gated_classes(run.setting.templates)[pods.class_id]
    waiting = np.sort(pods.waiting_ns(end_ns, ~is_gated))
    cost = dollars(sum(parts))
    vcpu_hours = use["cpu"].used / 1000
    bought = np.array([bool(kind.instance_type) for kind in kinds], np.bool_)
    is_bought = bought[nodes.kind]
    lives = until - nodes.created_ns
    codes = [failure.code for failure in run.recorder.failures]
    never = (pods.pended_until_ns < 0) & ~pods.is_daemon & ~is_gated
    load = None
    if isinstance(engine, ScaledEngine) and run.scaling is not None:
        load = outcome_of(engine, run.scaling)
    metrics = Metrics(
        cost_nano=cost,
        cost_per_vcpu_hour=cost / 1e9 / vcpu_hours if vcpu_hours else 0.0,
        node_hours=sum(exact_sums(nodes.kind[is_bought], lives[is_bought], len(kinds))) / HOUR,
        nodes_at_peak=most_at_once(nodes.created_ns[is_bought], until[is_bought]),
        resources=use,
        pending_p50_ns=percentile(waiting, 50),
        pending_p95_ns=percentile(waiting, 95),
        pending_p99_ns=percentile(waiting, 99),
        pending_max_ns=percentile(waiting, 100),
        unschedulable_pods=int(never.sum()),
        pods=int(((pods.row >= 0) | (pods.origin == REPLICA)).sum()),
        gated_pods=int(is_gated.sum()),
        evictions=run.recorder.n_evicted,
        preemptions=engine.n_preempted,
        lost_pods=run.recorder.n_lost + engine.n_preempted_lost,
        nodes_launched=int(is_bought.sum()),
        nodes_removed=int((is_bought & (nodes.gone_ns >= 0)).sum()),
        launch_failures=codes.count("LaunchFailed") + codes.count("InsufficientCapacity"),
        interruptions=codes.count("Interrupted"),
        node_groups=len(run.cloud.groups),
        node_pools=len(run.kinds.pools),
        decisions=run.recorder.n_decisions,
        decision_seconds=run.recorder.decision_seconds,
        load=None if load is None else load.metrics(pods, nodes, end_ns),
    )
    return Result(
        name=run.policy.name,
        metrics=metrics,
        metadata={
            "version": version("pyscale"),
            "trace": run.trace_name,
            "trace_hash": run.trace_digest,
            "catalog": run.setting.catalog.name,
            "scheduler": run.scheduler.name,
            "policy": _plain(run.policy),
            "options": run.options.to_dict(),
            "seed": run.setting.seed,
            "epoch_ns": run.setting.epoch_ns,
            "events": engine.n_events,
            **({} if run.autoscaling is None else {"pod_autoscaler": run.autoscaling.to_dict()}),
        },
        end_ns=end_ns,
        is_complete=is_complete,
        pods=pods,
        nodes=nodes,
        kinds=kinds,
        resources=run.setting.resources,
        requests=run.setting.requests,
        allocatable=run.kinds.allocatable,
        node_cost_nano=np.array([dollars(part) for part in parts], np.int64),
        acts=tuple(run.recorder.acts),
        failures=tuple(run.recorder.failures),
        node_groups=tuple(state.group for state in run.cloud.groups),
        node_pools=run.kinds.pools,
        load=load,
    )


def _plain(policy: object) -> Any:
    # The policy's options as JSON data, for the record.
    if not is_dataclass(policy) or isinstance(policy, type):
        return repr(policy)
    return json.loads(json.dumps(asdict(policy), default=str))
