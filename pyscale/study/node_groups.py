"""What more and more node groups cost: the same pods over 1, 2, 4, ... groups and one NodePool."""

from __future__ import annotations

import html
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from pyscale.catalog import (
    GroupRules,
    NodeGroupPlan,
    default_node_pool,
    ec2,
    node_group_to_dict,
    plan_node_groups,
)
from pyscale.errors import MissingDependencyError
from pyscale.model.catalog import Catalog
from pyscale.model.groups import NodeGroup, NodePool
from pyscale.model.pod_table import PodTable
from pyscale.model.requests import effective_request
from pyscale.model.words import plural
from pyscale.policies.base import Policy, Scheduler
from pyscale.policies.registry import find_policy
from pyscale.simulation.clock import format_ns
from pyscale.simulation.inputs import PodSource
from pyscale.simulation.options import SimulationOptions
from pyscale.simulation.pod_autoscaling import PodAutoscaling
from pyscale.simulation.result import Result

from .comparing import compare
from .mixed_groups import MixedGroupUse, mixed_group_lines, mixed_group_use
from .tables import html_table, text_table

GroupPolicy = Callable[[Sequence[NodeGroup]], Policy]
PoolPolicy = Callable[[Sequence[NodePool]], Policy]


@dataclass(frozen=True, eq=False)
class NodeGroupRun:
    """One run of the study.

    Attributes
    ----------
    asked : tuple of int
        Numbers of groups that were asked for and came to this run; empty for the NodePool.
    groups : tuple of NodeGroup
        Those of the run, sorted by name; empty for the NodePool.
    result : Result
    mixed : MixedGroupUse or None
        What mixed groups launched, None if there are none.
    """

    asked: tuple[int, ...]
    groups: tuple[NodeGroup, ...]
    result: Result
    mixed: MixedGroupUse | None = None

    @property
    def name(self) -> str:
        """The run's name, such as ``4 groups``."""
        return self.result.name

    @property
    def is_pool(self) -> bool:
        """Whether this is the run with the NodePool."""
        return not self.asked

    def waste(self, resource: str) -> float:
        """Return the share of what was bought of a resource that no pod asked for."""
        use = self.result.metrics.resources.get(resource)
        return 1.0 - use.allocation if use is not None and use.bought else 0.0

    def figures(self) -> dict[str, Any]:
        """Return the figures as plain data, one flat row."""
        row = self.result.metrics.to_dict()
        for resource, use in row.pop("resources").items():
            row |= {f"{resource}_{key}": value for key, value in use.items()}
        return {"name": self.name, "asked": max(self.asked, default=0), **row}

    def to_dict(self) -> dict[str, Any]:
        """Return the run as plain data: figures, groups, metadata and digest."""
        return {
            "name": self.name,
            "asked": list(self.asked),
            "is_complete": self.result.is_complete,
            "groups": [node_group_to_dict(group) for group in self.groups],
            "mixed": None if self.mixed is None else self.mixed.to_dict(),
            "metrics": self.result.metrics.to_dict(),
            "metadata": self.result.metadata,
            "digest": self.result.digest(),
        }


@dataclass(frozen=True, eq=False, repr=False)
class NodeGroupStudy:
    """The same pods over more and more node groups, and over one NodePool; immutable, picklable.

    Attributes
    ----------
    runs : tuple of NodeGroupRun
        From the fewest groups to the most, the NodePool last.  After Ctrl-C some lack.
    planned : tuple of str
        Names of all runs that were to be.
    fewest : int
        The fewest groups that serve all pods that a group can serve.
    most : int
        The groups that a careful operator would keep, without a limit on their number.
    unserved_pods : int
        Pods of the trace that no machine of the catalogue can hold: no group is made for them.
    unserved_classes : int
        How many kinds of pods these are.
    rules : GroupRules
        What the groups and the NodePool were made by.
    """

    runs: tuple[NodeGroupRun, ...]
    planned: tuple[str, ...]
    fewest: int
    most: int
    unserved_pods: int
    unserved_classes: int
    rules: GroupRules

    @property
    def is_complete(self) -> bool:
        """Whether all runs came to their end."""
        return len(self.runs) == len(self.planned) and all(
            run.result.is_complete for run in self.runs
        )

    @property
    def group_runs(self) -> tuple[NodeGroupRun, ...]:
        """The runs over node groups, from the fewest groups to the most."""
        return tuple(run for run in self.runs if not run.is_pool)

    @property
    def pool_run(self) -> NodeGroupRun | None:
        """The run with the NodePool, None if it was interrupted before it began."""
        return next((run for run in self.runs if run.is_pool), None)

    @property
    def wasted_resources(self) -> tuple[str, ...]:
        """Resources whose waste is shown: cores, memory, and devices that were bought."""
        found: dict[str, None] = {}
        for run in self.runs:
            for name, use in run.result.metrics.resources.items():
                if use.bought and name not in ("pods", "ephemeral-storage"):
                    found[name] = None
        return tuple(found)

    def __len__(self) -> int:
        return len(self.runs)

    def __iter__(self) -> Iterator[NodeGroupRun]:
        return iter(self.runs)

    def __getitem__(self, name: str) -> NodeGroupRun:
        """Return a run by its name, such as ``4 groups`` or ``1 NodePool``."""
        for run in self.runs:
            if run.name == name:
                return run
        raise KeyError(name)

    def head(self) -> list[str]:
        """Return the headings of the table; the first one is empty."""
        waste = [f"{name} wasted" for name in self.wasted_resources]
        return [
            "",
            "cost",
            "per vCPU-hour",
            "pending p50",
            "pending p99",
            "unschedulable",
            *waste,
            "nodes at peak",
            "launched",
        ]

    def rows(self) -> list[list[str]]:
        """Return the table for people, one row of texts per run, under :meth:`head`."""
        rows = []
        for run in self.runs:
            metrics = run.result.metrics
            rows.append(
                [
                    run.name if run.result.is_complete else f"{run.name} (interrupted)",
                    f"${metrics.cost_usd:,.2f}",
                    f"${metrics.cost_per_vcpu_hour:.4f}",
                    format_ns(metrics.pending_p50_ns),
                    format_ns(metrics.pending_p99_ns),
                    f"{metrics.unschedulable_pods:,}",
                    *(f"{run.waste(name):.1%}" for name in self.wasted_resources),
                    f"{metrics.nodes_at_peak:,}",
                    f"{metrics.nodes_launched:,}",
                ]
            )
        return rows

    def notes(self) -> list[str]:
        """Return what the table does not say, a sentence each: nothing is left out in silence."""
        notes = []
        below = [count for run in self.group_runs for count in run.asked if count < self.fewest]
        if below:
            notes.append(
                f"{plural(self.fewest, 'group')} are the fewest that serve all pods: some of "
                "them agree in no machine, zone, purchase option or label."
            )
        if self.unserved_pods:
            notes.append(
                f"{plural(self.unserved_pods, 'pod')} of "
                f"{plural(self.unserved_classes, 'kind')} can be held by no machine of the "
                "catalogue: no group was made for them, and they wait in every run."
            )
        notes += mixed_group_lines(run.mixed for run in self.runs if run.mixed is not None)
        done = {run.name for run in self.runs}
        missing = [name for name in self.planned if name not in done]
        if missing:
            notes.append(f"Interrupted before these runs: {', '.join(missing)}.")
        return notes

    def to_dict(self) -> dict[str, Any]:
        """Return the study as plain data: figures, groups and metadata of every run."""
        return {
            "study": "node-groups",
            "is_complete": self.is_complete,
            "planned": list(self.planned),
            "fewest": self.fewest,
            "most": self.most,
            "unserved_pods": self.unserved_pods,
            "unserved_classes": self.unserved_classes,
            "rules": _plain_rules(self.rules),
            "runs": [run.to_dict() for run in self.runs],
        }

    def digest(self) -> dict[str, str]:
        """Return each run's digest by name."""
        return {run.name: run.result.digest() for run in self.runs}

    def to_arrow(self) -> Any:
        """Return the figures as a ``pyarrow.Table``, one row per run.

        Raises
        ------
        MissingDependencyError
            pyarrow is not installed.
        """
        try:
            import pyarrow as pa
        except ImportError:
            raise MissingDependencyError("pyarrow", "io") from None
        return pa.Table.from_pylist([run.figures() for run in self.runs])

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """Offer the figures to any library that reads Arrow streams."""
        stream: object = self.to_arrow().__arrow_c_stream__(requested_schema)
        return stream

    def report(self, path: str | Path) -> Path:
        """Write the report as one self-contained HTML page and return its path.

        Raises
        ------
        MissingDependencyError
            plotly is not installed.
        PyscaleError
            If the file cannot be written.
        """
        # Pages stand above studies: this one is looked up by name, when somebody asks for it.
        pages = import_module("pyscale.report.node_groups")
        written: Path = pages.node_group_page(self).write(path)
        return written

    def __repr__(self) -> str:
        return f"NodeGroupStudy({', '.join(run.name for run in self.runs)})"

    def __str__(self) -> str:
        return "\n".join([text_table(self.head(), self.rows()), *self.notes()])

    def _repr_html_(self) -> str:
        notes = "".join(f"<p>{html.escape(note)}</p>" for note in self.notes())
        return html_table(self.head(), self.rows()) + notes


def study_node_groups(
    trace: PodTable | PodSource,
    *,
    catalog: Catalog | None = None,
    counts: Iterable[int] | None = None,
    max_groups: int | None = None,
    rules: GroupRules | None = None,
    group_policy: GroupPolicy | None = None,
    pool_policy: PoolPolicy | None = None,
    scheduler: Scheduler | str | None = None,
    seed: int = 0,
    options: SimulationOptions | None = None,
    pod_autoscaler: PodAutoscaling | str | None = None,
    jobs: int = 1,
    on_result: Callable[[Result], None] | None = None,
) -> NodeGroupStudy:
    """Serve the same pods with more and more node groups, and with one NodePool.

    Parameters
    ----------
    trace : Trace or PodTable
    catalog : Catalog, optional
        ``pyscale.catalog.ec2("us-east-1")`` by default.
    counts : iterable of int, optional
        Numbers of groups; by default 1, 2, 4, ... and the number that a careful operator would
        keep (``plan_node_groups`` without a limit).
    max_groups : int, optional
        The largest number by default.
    rules : GroupRules, optional
        How groups and NodePool are made; without a ``reserve``, that of the trace's DaemonSets
        is taken.
    group_policy : callable, optional
        Makes a policy of node groups; ``ClusterAutoscaler`` by default.
        ``functools.partial(ClusterAutoscaler, expander="random")`` sets its flags.
    pool_policy : callable, optional
        Makes a policy of NodePools; ``Karpenter`` by default.
    scheduler, seed, options, pod_autoscaler
        The same for all runs, as for :func:`compare`.
    jobs : int
        Runs at a time, in processes; as for :func:`compare`.
    on_result : callable, optional
        Told of every run when it ends.

    Returns
    -------
    NodeGroupStudy
        Equal for equal arguments, whatever ``jobs`` is.  After Ctrl-C it has what was finished.

    Raises
    ------
    ValueError
        If a number of groups is below 1, or no machine can hold any pod; and as :func:`compare`.

    Notes
    -----
    Fewer groups come from merging, see ``plan_node_groups``; where pods cannot share a group, more
    groups than asked for are left, and numbers that come to the same groups are one run.  The
    NodePool is ``default_node_pool``: the same machines, zones and purchase options.
    """
    catalog = ec2("us-east-1") if catalog is None else catalog
    table = trace if isinstance(trace, PodTable) else trace.pods
    if not len(table):
        raise ValueError("trace: expected at least one pod, found none")
    pods, rules = _without_daemons(table, rules or GroupRules())
    full = plan_node_groups(pods, catalog, rules)
    if not full.groups:
        raise ValueError("trace: no machine of the catalogue can hold any of its pods")
    wanted = _counts(counts, max_groups, len(full.groups))
    plans, asked = _plans(wanted, full, pods, catalog, rules)

    make_group = group_policy or find_policy("cluster-autoscaler")
    make_pool = pool_policy or find_policy("karpenter")
    policies = {plural(n, "group"): make_group(plan.groups) for n, plan in plans.items()}
    pool_name = "1 NodePool"
    policies[pool_name] = make_pool((default_node_pool(pods, catalog, rules),))
    comparison = compare(
        trace,
        policies,
        catalog=catalog,
        scheduler=scheduler,
        seed=seed,
        options=options,
        pod_autoscaler=pod_autoscaler,
        jobs=jobs,
        on_result=on_result,
    )
    runs = []
    plan_of_name = {plural(n, "group"): (n, plan) for n, plan in plans.items()}
    for result in comparison:
        if result.name == pool_name:
            runs.append(NodeGroupRun((), (), result))
            continue
        n, plan = plan_of_name[result.name]
        mixed = mixed_group_use(result, plan.groups, catalog)
        runs.append(NodeGroupRun(asked[n], plan.groups, result, mixed))
    unserved = np.isin(pods.class_id, full.unserved)
    return NodeGroupStudy(
        runs=tuple(runs),
        planned=tuple(policies),
        fewest=len(plan_node_groups(pods, catalog, rules, max_groups=1).groups),
        most=len(full.groups),
        unserved_pods=int(pods.count[unserved].sum()),
        unserved_classes=len(full.unserved),
        rules=rules,
    )


def _without_daemons(pods: PodTable, rules: GroupRules) -> tuple[PodTable, GroupRules]:
    """Return the pods that groups are made for, and rules that leave room for DaemonSets."""
    daemons = [
        index
        for index, template in enumerate(pods.templates)
        if template.controller is not None and template.controller.kind == "DaemonSet"
    ]
    if not daemons:
        return pods, rules
    if not rules.reserve:
        reserve: dict[str, int] = {}
        for index in daemons:
            for name, amount in effective_request(pods.templates[index].spec).items():
                reserve[name] = reserve.get(name, 0) + amount
        rules = replace(rules, reserve=reserve)
    return pods.select(~np.isin(pods.class_id, daemons)), rules


def _counts(counts: Iterable[int] | None, max_groups: int | None, most: int) -> tuple[int, ...]:
    if max_groups is not None and max_groups < 1:
        raise ValueError(f"max_groups must be >= 1, found {max_groups}")
    if counts is None:
        last = most if max_groups is None else min(most, max_groups)
        return (*(2**power for power in range((last - 1).bit_length())), last)
    found = tuple(sorted(set(counts)))
    if not found:
        raise ValueError("counts: expected at least one number of groups, found none")
    if found[0] < 1:
        raise ValueError(f"counts: expected numbers of groups >= 1, found {found[0]}")
    return found


def _plans(
    counts: Sequence[int],
    full: NodeGroupPlan,
    pods: PodTable,
    catalog: Catalog,
    rules: GroupRules,
) -> tuple[dict[int, NodeGroupPlan], dict[int, tuple[int, ...]]]:
    """Return the distinct plans, and which counts came to them, by their number of groups.

    Merging goes down one path, whatever the limit: equal numbers are equal groups.
    """
    plans: dict[int, NodeGroupPlan] = {}
    asked: dict[int, tuple[int, ...]] = {}
    for count in counts:
        plan = full
        if count < len(full.groups):
            plan = plan_node_groups(pods, catalog, rules, max_groups=count)
        number = len(plan.groups)
        plans.setdefault(number, plan)
        asked[number] = (*asked.get(number, ()), count)
    return dict(sorted(plans.items())), asked


def _plain_rules(rules: GroupRules) -> dict[str, Any]:
    plain = asdict(rules)
    plain["machine_requirements"] = [
        f"{one.key} {one.operator} {' '.join(one.values)}" for one in rules.machine_requirements
    ]
    return plain
