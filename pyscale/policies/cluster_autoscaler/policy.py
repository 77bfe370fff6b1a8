"""Cluster Autoscaler as a policy of a simulation, and for one decision on written objects."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Literal

import numpy as np

from ...errors import InvalidObjectError, UnsupportedError
from ...model.catalog import Catalog
from ...model.disruption import PodDisruptionBudget
from ...model.groups import NodeGroup
from ...model.nodes import Node
from ...model.pods import Pod
from ...model.resources import CPU, MEMORY
from ...model.times import HOUR
from ..base import ClusterView, Failure, Policy, Setting
from ..decision import Action, AddNodes, Decision, Keep, WakeOn
from ..snapshot import view_of
from .expander import Expander
from .expander.priority import parse_priorities
from .explain import GroupVerdict, group_verdicts, node_verdicts
from .kernel_placement import KernelPlacement
from .loop import Autoscaler, Iteration
from .options import Options, group_options
from .scale_down import STARTED
from .scale_up import NO_OPTIONS, NOT_NEEDED
from .similar import AWS_IGNORED_LABELS
from .simulated_actuator import SimulatedActuator
from .simulated_world import GPU_LABEL, SimulatedWorld

_EVENTS = (
    WakeOn.POD_PENDING | WakeOn.POD_GONE | WakeOn.NODE_READY | WakeOn.NODE_GONE | WakeOn.NODE_FAILED
)


@dataclass(frozen=True, slots=True)
class ClusterAutoscaler(Policy):
    """Cluster Autoscaler over EC2 Auto Scaling groups.

    Decisions are those of the real program (core of the 1.37 line).  Where that one is not
    deterministic, nodes, groups and pods keep their order and ties go to the first.

    Parameters
    ----------
    node_groups : sequence of NodeGroup, optional
        The groups; without them those that a careful operator would set up for the pods of the
        run (``pyscale.catalog.node_groups_from_catalog``).
    priority_expander_config : str, optional
        YAML of the ConfigMap's key ``priorities``.
    order : ``"canonical"`` or ``"random"``
        What upstream leaves to chance, since it goes through maps: which of the nodes that take a
        pod is tried first, which of equal nodes goes first, the order of equal groups of pods, and
        ties of the expander.  Canonical keeps the order given; random draws, seeded by the run's
        seed, and is slower, since pods of an estimate are looked at one by one.
    **flags
        Flags of Cluster Autoscaler by name, with underscores; durations as text (``"10m"``) or in
        nanoseconds.  See :class:`Options` for all of them.

    Raises
    ------
    InvalidObjectError
        If a flag, a group or the priority configuration is invalid.

    Notes
    -----
    In a simulation iterations run at multiples of ``scan_interval``.  Quiet ones are skipped: after
    an iteration that found nothing to do the next one runs when a pod pends or ends, a node comes,
    goes or fails, or a timer runs out, since those in between could only find the same.  Three
    steps of the real program are one in the simulated world: a node is cordoned, drained and given
    back by one action, without the five seconds between taint and drain; soft taints have no
    effect; and the deletion batcher does not wait.
    """

    name: ClassVar[str] = "cluster-autoscaler"

    groups: tuple[NodeGroup, ...] | None = None
    options: Options = field(default_factory=Options)
    priority_expander_config: str | None = None
    order: Literal["canonical", "random"] = "canonical"

    def __init__(
        self,
        node_groups: Sequence[NodeGroup] | None = None,
        *,
        priority_expander_config: str | None = None,
        order: Literal["canonical", "random"] = "canonical",
        **flags: Any,
    ) -> None:
        options = Options.from_flags(flags)
        groups = None if node_groups is None else tuple(node_groups)
        if groups is not None:
            check_groups(groups, options)
        if priority_expander_config is not None:
            parse_priorities(priority_expander_config)
        if order not in ("canonical", "random"):
            raise InvalidObjectError("order", f"expected canonical or random, found {order!r}")
        for name, value in (
            ("groups", groups),
            ("options", options),
            ("priority_expander_config", priority_expander_config),
            ("order", order),
        ):
            object.__setattr__(self, name, value)

    def node_groups(self) -> tuple[NodeGroup, ...]:
        """Return the groups given; those of a run are known once it begins."""
        return self.groups or ()

    def begin(self, setting: Setting) -> Policy:
        """Return the autoscaler of one run, with its memory."""
        groups = self.groups
        if groups is None:
            from pyscale.catalog import node_groups_from_catalog

            counts = setting.expected_running
            if len(counts) != len(setting.templates):
                counts = np.ones(len(setting.templates))
            pods = [
                (template, max(1, round(float(count))))
                for number, (template, count) in enumerate(
                    zip(setting.templates, counts, strict=True)
                )
                if number not in setting.daemon_classes
            ]
            groups = node_groups_from_catalog(pods, setting.catalog)
            check_groups(groups, self.options)
        return AutoscalerRun(self, setting, groups)

    def decide(self, view: ClusterView) -> Decision:
        """Take one decision without memory, as the first iteration of a fresh process does."""
        fresh = replace_groups(self, view.groups) if self.groups is None else self
        return fresh.begin(view.setting).decide(view)

    def scale_up(
        self,
        pods: Iterable[Pod],
        nodes: Sequence[Node] = (),
        *,
        catalog: Catalog,
        disruption_budgets: Sequence[PodDisruptionBudget] = (),
    ) -> ScaleUpPlan:
        """Say which groups would grow for pods that pend, without a simulation.

        Parameters
        ----------
        pods : iterable of Pod
            Those without a node pend; how long they have does not matter here.
        nodes : sequence of Node
            The cluster; a node belongs to the group of its machine type, zone and labels.
        catalog : Catalog
            The machines.
        disruption_budgets : sequence of PodDisruptionBudget

        Raises
        ------
        InvalidObjectError
            If no node groups were given.
        """
        if self.groups is None:
            raise InvalidObjectError("scale_up", "expected node_groups, found none")
        pods = list(pods)
        created = max((pod.creation_ns or 0 for pod in pods), default=0)
        view = view_of(
            pods,
            nodes,
            catalog,
            now_ns=created + HOUR,
            groups=self.groups,
            disruption_budgets=disruption_budgets,
        )
        run = AutoscalerRun(self, view.setting, self.groups)
        decision = run.decide(view)
        growth = {a.group: a.count for a in decision.actions if isinstance(a, AddNodes)}
        verdicts, _ = run.explain()
        return ScaleUpPlan(growth, tuple(verdicts))


@dataclass(frozen=True, slots=True)
class ScaleUpPlan:
    """What one scale-up would do.

    Attributes
    ----------
    growth : mapping
        Nodes to add, by group.
    verdicts : tuple of GroupVerdict
        What became of every group that was looked at.
    """

    growth: Mapping[str, int]
    verdicts: tuple[GroupVerdict, ...]


def replace_groups(policy: ClusterAutoscaler, groups: Sequence[NodeGroup]) -> ClusterAutoscaler:
    """Return the policy with other groups."""
    fresh = ClusterAutoscaler(
        groups, priority_expander_config=policy.priority_expander_config, order=policy.order
    )
    object.__setattr__(fresh, "options", policy.options)
    return fresh


def check_groups(groups: Sequence[NodeGroup], options: Options) -> None:
    """Refuse groups that cannot be.

    Raises
    ------
    InvalidObjectError
        Two groups of one name, a size out of order, or an option that cannot be read.
    """
    seen: set[str] = set()
    for group in groups:
        where = f"node group {group.name}"
        if group.name in seen:
            raise InvalidObjectError(where, "another group has the same name")
        seen.add(group.name)
        if not 0 <= group.min_size <= group.max_size:
            raise InvalidObjectError(
                where,
                f"expected 0 <= min_size <= max_size, found {group.min_size} and {group.max_size}",
            )
        group_options(options, group.options, where)


class AutoscalerRun(Policy):
    """One run of :class:`ClusterAutoscaler`: the process with its memory.

    ``last`` is the latest iteration, for explanations.
    """

    name: ClassVar[str] = ClusterAutoscaler.name

    def __init__(
        self, policy: ClusterAutoscaler, setting: Setting, groups: tuple[NodeGroup, ...]
    ) -> None:
        for index, template in enumerate(setting.templates):
            if template.spec.claims_volumes:
                raise UnsupportedError(
                    "volume claims under Cluster Autoscaler", f"pod class {index}"
                )
        self._policy = policy
        self._setting = setting
        self._groups = groups
        self._options = replace(policy.options, max_bulk_soft_taint_count=0)
        self._world = SimulatedWorld(setting, policy.options)
        self._autoscaler: Autoscaler | None = None
        self._actuator = SimulatedActuator(self._world)
        self._last_ns: int | None = None
        self._failures: tuple[Failure, ...] = ()
        self.last: Iteration | None = None

    def node_groups(self) -> tuple[NodeGroup, ...]:
        """Return the groups of the run."""
        return self._groups

    def decide(self, view: ClusterView) -> Decision:
        """Run an iteration if one is due, and say when the next one may matter."""
        interval = self._options.scan_interval
        now = view.now_ns
        if self._last_ns is not None and now % interval:
            self._failures += view.failures
            return Decision(wake_ns=(now // interval + 1) * interval)
        failures = (*self._failures, *view.failures)
        self._failures = ()
        self._world.look_at(view, failures)
        self._actuator.update(view, failures)
        if self._autoscaler is None:
            self._autoscaler = self._start(view)
        if self._last_ns is not None:
            self._autoscaler.planner.skip_to(now - interval)
        self._last_ns = now
        self._world.reason = "pods are pending"
        done = self.last = self._autoscaler.run_once()
        actions: tuple[Action, ...] = tuple(self._world.actions)
        if not actions and done.scale_ups[-1].result == NO_OPTIONS:
            actions = (Keep("no node group can take the pending pods"),)
        wake, wake_on = self._next(done, now)
        return Decision(actions, wake, wake_on)

    def explain(self) -> tuple[list[GroupVerdict], dict[str, str]]:
        """Say of the last iteration what became of each group, and of each node.

        Nodes are named ``node-<id>``, with the id of the view.
        """
        if self.last is None or self._autoscaler is None:
            return [], {}
        groups = [v for status in self.last.scale_ups for v in group_verdicts(status)]
        return groups, node_verdicts(self.last, self._autoscaler.planner)

    def _start(self, view: ClusterView) -> Autoscaler:
        policy = self._policy
        generator = np.random.default_rng(self._setting.seed) if policy.order == "random" else None
        for group in self._groups:
            shape = self._world.template(group)
            for name in (CPU, MEMORY):
                if shape.capacity.get(name, 0) <= 0:
                    raise InvalidObjectError(
                        f"node group {group.name}", f"expected a machine with {name}"
                    )
        draw_seed = None if generator is None else int(generator.integers(2**63))
        expander = Expander(
            policy.options.expander,
            policy.priority_expander_config,
            gpu_label=GPU_LABEL,
            generator=generator,
        )
        return Autoscaler(
            self._options,
            self._world,
            KernelPlacement(draw_seed=draw_seed),
            expander,
            self._actuator,
            GPU_LABEL,
            AWS_IGNORED_LABELS,
            generator,
        )

    def _next(self, done: Iteration, now: int) -> tuple[int, WakeOn]:
        """Return when the next iteration may decide something new, and what may bring it forward.

        The next one, unless nothing is pending (or nothing can help), nothing is planned to go,
        and no clock runs; then the first clock that runs out.
        """
        assert self._autoscaler is not None
        interval = self._options.scan_interval
        soon = (now // interval + 1) * interval
        quiet = (
            all(status.result in (NOT_NEEDED, NO_OPTIONS) for status in done.scale_ups)
            and done.scale_down.result != STARTED
            and done.is_planned
            and not done.has_young_pods
            and not self._autoscaler.planner.was_limited
        )
        if not quiet:
            return soon, WakeOn.NOTHING
        times = self._autoscaler.clocks()
        later = min((time for time in times if time > now), default=now + HOUR)
        wake = max(soon, (later // interval + 1) * interval)
        return wake, _EVENTS
