"""Karpenter as a policy: options, and what decides in one run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from pyscale.errors import InvalidObjectError, UnsupportedError
from pyscale.model.catalog import Catalog
from pyscale.model.groups import NodeGroup, NodePool
from pyscale.model.pods import Pod
from pyscale.model.times import SECOND

from ..base import BOOTING, READY, ClusterView, Setting
from ..decision import Action, AddNodes, Decision, RemoveNodes, ReplaceNodes, WakeOn
from .consolidation import DELETE
from .disruption import Disruption
from .disruption_loop import NEVER_NS, DisruptionLoop, Execution
from .disruption_plan import DisruptionPlan, plan_disruption
from .launch_prices import LaunchPrices
from .launching import order_of
from .parity import LEXICOGRAPHIC, STRICT, Parity, repaired_quirks, tie_break_of
from .plan import Plan, objects_of, provision
from .provisioning import Window
from .result import Solution
from .run_solver import RunCompiler
from .run_standings import RunStandings
from .solver import Solver
from .state import Settings
from .templates import Template
from .view_cluster import Clock, ViewCluster, node_id

_PREFERENCE_POLICIES = ("Respect", "Ignore")
_MIN_VALUES_POLICIES = ("Strict", "BestEffort")
_WAKE_ON = WakeOn.POD_PENDING | WakeOn.NODE_FAILED
_WAKE_ON_CHANGE = _WAKE_ON | WakeOn.CHANGED


@dataclass(frozen=True)
class Karpenter:
    """Karpenter 1.14: machines bought directly from NodePool requirements.

    Parameters
    ----------
    node_pools : sequence of NodePool
        Without any, a run uses the one that a careful operator would set up for its pods
        (``pyscale.catalog.default_node_pool``), and a single decision those of the cluster.
    batch_idle_duration_ns, batch_max_duration_ns : int
        The batching window of provisioning.
    preference_policy : {"Respect", "Ignore"}
    min_values_policy : {"Strict", "BestEffort"}
    reserved_capacity, spot_to_spot_consolidation : bool
        Feature gates.
    parity : {"strict", "sane"} or iterable of str
        Whether upstream's quirks are reproduced (the default), repaired, or which of them are
        repaired: names from :data:`pyscale.policies.karpenter.parity.QUIRKS`.
    tie_break : {"lexicographic", "random"}
        Who is first where upstream leaves it to a hash map: the first name, or as
        ``tie_break_seed`` draws.
    tie_break_seed : int
    interruption_queue : str
        Name of the queue of interruption notices; with one, spot machines that the cloud announces
        to take back are drained at once.

    Raises
    ------
    InvalidObjectError
        For an unknown word, a negative duration, or two pools of one name.
    UnsupportedError
        For a static pool.

    Notes
    -----
    Follows Karpenter core at revision 2266468.  Machine-dependent time limits are not emulated.
    """

    name: ClassVar[str] = "karpenter"

    pools: tuple[NodePool, ...] = ()
    batch_idle_duration_ns: int = SECOND
    batch_max_duration_ns: int = 10 * SECOND
    preference_policy: str = "Respect"
    min_values_policy: str = "Strict"
    reserved_capacity: bool = True
    spot_to_spot_consolidation: bool = False
    interruption_queue: str = ""
    parity: Parity = STRICT
    tie_break: str = LEXICOGRAPHIC
    tie_break_seed: int = 0

    def __init__(
        self,
        node_pools: Sequence[NodePool] = (),
        *,
        batch_idle_duration_ns: int = SECOND,
        batch_max_duration_ns: int = 10 * SECOND,
        preference_policy: str = "Respect",
        min_values_policy: str = "Strict",
        reserved_capacity: bool = True,
        spot_to_spot_consolidation: bool = False,
        interruption_queue: str = "",
        parity: Parity = STRICT,
        tie_break: str = LEXICOGRAPHIC,
        tie_break_seed: int = 0,
    ) -> None:
        options = {
            "pools": tuple(node_pools),
            "batch_idle_duration_ns": batch_idle_duration_ns,
            "batch_max_duration_ns": batch_max_duration_ns,
            "preference_policy": preference_policy,
            "min_values_policy": min_values_policy,
            "reserved_capacity": reserved_capacity,
            "spot_to_spot_consolidation": spot_to_spot_consolidation,
            "interruption_queue": interruption_queue,
            "parity": parity if isinstance(parity, str) else tuple(parity),
            "tie_break": tie_break,
            "tie_break_seed": tie_break_seed,
        }
        for name, value in options.items():
            object.__setattr__(self, name, value)
        self._check()

    def _check(self) -> None:
        for option, allowed in (
            ("preference_policy", _PREFERENCE_POLICIES),
            ("min_values_policy", _MIN_VALUES_POLICIES),
        ):
            found = getattr(self, option)
            if found not in allowed:
                expected = " or ".join(allowed)
                raise InvalidObjectError(option, f"expected {expected}, found {found!r}")
        self.settings()
        for option in ("batch_idle_duration_ns", "batch_max_duration_ns"):
            found = getattr(self, option)
            if found < 0:
                raise InvalidObjectError(option, f"expected at least 0, found {found}")
        seen: set[str] = set()
        for pool in self.pools:
            if pool.name in seen:
                raise InvalidObjectError(f"node pool {pool.name}", "the name is taken twice")
            if pool.replicas is not None:
                raise UnsupportedError("static capacity", f"node pool {pool.name}")
            seen.add(pool.name)

    def settings(self) -> Settings:
        """Return what a round reads of the options."""
        return Settings(
            self.preference_policy,
            self.min_values_policy,
            self.reserved_capacity,
            self.spot_to_spot_consolidation,
            repaired_quirks(self.parity),
            tie_break_of(self.tie_break, self.tie_break_seed),
        )

    def provision(
        self,
        pods: Iterable[Pod] = (),
        cluster: Any = None,
        *,
        catalog: Catalog,
        now_ns: int = 0,
    ) -> Plan:
        """Return what one provisioning round would do, with its reasons; nothing is simulated.

        Parameters
        ----------
        pods : iterable of Pod
            Pods that wait for a node, beside those of the cluster.
        cluster : object, optional
            What :func:`pyscale.manifests.load_cluster` returns, or anything with the same names.
        catalog : Catalog
        now_ns : int
            The moment, in Unix time.
        """
        return provision(objects_of(cluster, self.pools, catalog, pods, now_ns), self.settings())

    def disrupt(
        self,
        cluster: Any,
        *,
        catalog: Catalog,
        pods: Iterable[Pod] = (),
        now_ns: int | None = None,
    ) -> DisruptionPlan:
        """Return which nodes would be deleted or replaced now, and why the others would not.

        Parameters
        ----------
        cluster, catalog, pods
            As for :meth:`provision`.
        now_ns : int, optional
            The moment, in Unix time; by default the latest that the cluster's objects tell of.
        """
        if now_ns is None:
            now_ns = getattr(cluster, "moment_ns", None) or 0
        objects = objects_of(cluster, self.pools, catalog, pods, now_ns)
        return plan_disruption(objects, self.settings())

    def begin(self, setting: Setting) -> KarpenterRun:
        """Return what decides in one run."""
        return KarpenterRun(self, setting, self.pools or _planned(setting))

    def node_groups(self) -> tuple[NodeGroup, ...]:
        """Return no groups: Karpenter needs none."""
        return ()

    def node_pools(self) -> tuple[NodePool, ...]:
        """Return the pools."""
        return self.pools

    def decide(self, view: ClusterView) -> Decision:
        """Decide once, as at the start of a run."""
        return self.begin(view.setting).decide(view)


def _planned(setting: Setting) -> tuple[NodePool, ...]:
    from pyscale.catalog import default_node_pool

    counts = setting.expected_running
    pods = [
        (template, max(1, round(float(counts[number]))))
        for number, template in enumerate(setting.templates)
        if number not in setting.daemon_classes
    ]
    return (default_node_pool(pods, setting.catalog),)


@dataclass
class KarpenterRun:
    """Karpenter within one run, with what it remembers from look to look."""

    name: ClassVar[str] = Karpenter.name

    policy: Karpenter
    setting: Setting
    pools: tuple[NodePool, ...]

    def __post_init__(self) -> None:
        policy = self.policy
        self._settings = policy.settings()
        self._cluster = ViewCluster(self.setting)
        self._clock = Clock()
        self._compiler = RunCompiler(self._cluster, self._settings)
        self._prices = LaunchPrices()
        self._priced: Sequence[Template] = ()
        self._standings = RunStandings()
        self._window = Window(policy.batch_idle_duration_ns, policy.batch_max_duration_ns)
        self._disruption = DisruptionLoop()
        # What the last round came to in which nothing was bought: state, numbers of nodes.
        self._placed: tuple[object, list[int]] = (None, [])
        self._pool_of_kind = np.empty(0, np.int32)
        # No node expires before.
        self._expiry_ns = 0
        # When something else than a poll is due.
        self._appointment_ns = 0
        #: How long a node is spared on which a round has placed pods.
        self._nomination_ns = max(2 * policy.batch_max_duration_ns, 10 * SECOND)

    def begin(self, setting: Setting) -> KarpenterRun:
        """Return a fresh run."""
        return self.policy.begin(setting)

    def node_groups(self) -> tuple[NodeGroup, ...]:
        """Return no groups."""
        return ()

    def node_pools(self) -> tuple[NodePool, ...]:
        """Return the pools."""
        return self.pools

    def decide(self, view: ClusterView) -> Decision:
        """Provision when a window closes, disrupt when a look is due, expire what is too old."""
        self._clock.time_ns = self._disruption.wake_up(view.now_ns, self._clock.time_ns)
        due = min(self._disruption.wake_ns, self._appointment_ns)
        if view.woken_by == WakeOn.CHANGED and view.now_ns < due and not view.failures:
            # The next poll will see what has changed.
            return Decision((), due, _WAKE_ON)
        solver: Solver | None = None

        def look() -> Solver:
            nonlocal solver
            if solver is None:
                solver = self._compiler.compile(view)
                if solver.templates is not self._priced:
                    # Prices of templates that are gone would be kept for good.
                    self._priced, self._prices = solver.templates, LaunchPrices()
            return solver

        actions: list[Action] = []
        expired, next_expiry = self._expire(view)
        actions += expired
        actions += self._interruptions(view)
        if self._window.is_over(view):
            actions += self._provision(view, look())
            self._window.close(view.now_ns)
        clock = self._clock.look(view)
        if not actions:
            for execution in self._disruption.step(
                view.now_ns,
                clock,
                lambda: Disruption(look(), self._prices, self._standings, reasons=False),
            ):
                actions.append(_action(execution))
        closing = self._window.wake_ns
        self._appointment_ns = next_expiry if closing is None else min(closing, next_expiry)
        wake_on = _WAKE_ON
        if actions:
            # What was just done is not in this view yet.
            poll = self._disruption.wake_ns
        else:
            matters = self._cluster.spot_matters(view)
            poll = self._disruption.rest(clock, view.prices_change_ns if matters else None)
            if poll > self._disruption.wake_ns:
                wake_on = _WAKE_ON_CHANGE
        wake = max(min(poll, self._appointment_ns), view.now_ns + 1)
        return Decision(tuple(actions), wake, wake_on)

    def _provision(self, view: ClusterView, solver: Solver) -> list[Action]:
        until = solver.now_ns + self._nomination_ns
        state, nominated = self._placed
        orders: list[Action] = []
        if state is not solver.state:
            solution = solver.solve()
            nominated = solution.nominated
            orders += self._bought(solver, solution)
            # Where something is bought the next round is another one, even if nothing comes of it.
            self._placed = (None if orders else solver.state), nominated
        for number in nominated:
            self._cluster.roster.nominate(number, until)
        return orders

    @staticmethod
    def _bought(solver: Solver, solution: Solution) -> list[AddNodes]:
        ids = solver.pending.ids
        assert ids is not None
        orders = []
        for claim in solution.claims:
            pods = [int(ids[i]) for i in claim.pods if i < len(ids)]
            reason = f"Provision: {len(claim.pods)} pods need a node of {claim.pool}"
            orders.append(order_of(claim, reason, pods))
        return orders

    def _expire(self, view: ClusterView) -> tuple[list[Action], int]:
        """Remove what has outlived its pool's ``expireAfter``, whatever the budgets say.

        Returns also when to ask again.
        """
        if view.now_ns < self._expiry_ns:
            return [], self._expiry_ns
        # A node that is bought later lives longer than this.
        soonest = NEVER_NS
        actions: list[Action] = []
        for index, pool in enumerate(view.pools):
            if pool.expire_after_ns is None:
                continue
            if len(self._pool_of_kind) != len(view.kinds):
                self._pool_of_kind = np.array([kind.pool for kind in view.kinds], np.int32)
            rows = (view.node_state == READY) | (view.node_state == BOOTING)
            rows &= self._pool_of_kind[view.node_kind] == index
            ends = view.node_created_ns[rows] + pool.expire_after_ns
            over = ends <= view.now_ns
            nodes = tuple(view.node_id[rows][over].tolist())
            if nodes:
                grace = pool.termination_grace_period_ns
                actions.append(RemoveNodes(nodes, f"Expired: {len(nodes)} nodes", grace))
            soonest = min(soonest, view.now_ns + pool.expire_after_ns)
            if not over.all():
                soonest = min(soonest, int(ends[~over].min()))
        self._expiry_ns = soonest
        return actions, soonest

    def _interruptions(self, view: ClusterView) -> list[Action]:
        """Drain what the cloud has announced to take back."""
        if not self.policy.interruption_queue:
            return []
        nodes = tuple(
            failure.node
            for failure in view.failures
            if failure.code == "Interrupted" and failure.pool >= 0
        )
        return [RemoveNodes(nodes, "Interrupted: the cloud takes them back")] if nodes else []


def _action(execution: Execution) -> Action:
    command = execution.command
    nodes = tuple(sorted(node_id(candidate.name) for candidate in command.candidates))
    # Claims have it from their pools, which stay as they are.
    grace = [candidate.pool.termination_grace_period_ns for candidate in command.candidates]
    # All nodes of a command are drained alike: as long as the most patient one.
    grace_ns = None if None in grace else max(period for period in grace if period is not None)
    if command.decision == DELETE:
        return RemoveNodes(nodes, execution.reason, grace_ns)
    orders: tuple[AddNodes, ...] = tuple(
        order_of(claim, execution.reason) for claim in command.replacements
    )
    return ReplaceNodes(nodes, orders, execution.reason, execution.timeout_ns, grace_ns)
