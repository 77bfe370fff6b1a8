"""One run: the event loop, the world around it, and the policy that is asked now and then."""

from __future__ import annotations

import time

from pyscale.kernel._scaled import ScaledEngine
from pyscale.model.catalog import Catalog
from pyscale.model.pod_table import PodTable
from pyscale.policies.base import Policy, Scheduler
from pyscale.policies.check import check_decision
from pyscale.policies.decision import Decision, WakeOn
from pyscale.policies.disruption_budgets import BudgetTable
from pyscale.policies.registry import resolve_policy, resolve_scheduler

from .cloud import Cloud
from .inputs import (
    PodSource,
    budgets_of,
    end_of,
    engine_of,
    loads_of,
    objects_of,
    setting_for,
    without_daemons,
)
from .kinds import KindTable
from .options import SimulationOptions
from .pod_autoscaling import PodAutoscaling, resolve_pod_autoscaling
from .prices import Market
from .recorder import Recorder
from .removal import Removal
from .result import Result, collect
from .scaling import PodScaling
from .views import ViewMaker
from .workload_plan import plan_of
from .world import World

MOST_DECISIONS_AT_ONCE = 1000

# To make a WakeOn of a number takes longer than to look it up.
_WAKES = tuple(WakeOn(bits) for bits in range(2 * WakeOn.CHANGED))


def simulate(
    trace: PodTable | PodSource,
    policy: Policy | str,
    catalog: Catalog,
    *,
    scheduler: Scheduler | str | None = None,
    seed: int = 0,
    options: SimulationOptions | None = None,
    pod_autoscaler: PodAutoscaling | str | None = None,
) -> Result:
    """Run a trace through a scheduler and an autoscaler in virtual time.

    Parameters
    ----------
    trace : Trace or PodTable
        Pods that arrive and leave; disruption budgets among the trace's objects count.
    policy : Policy or str
        The autoscaler, or its name in the registry for its default options.
    catalog : Catalog
        The machines that can be bought.
    scheduler : Scheduler or str, optional
        What binds pods; kube-scheduler by default.
    seed : int
        Seed of everything that is drawn at random.
    options : SimulationOptions, optional
        How the world behaves.
    pod_autoscaler : PodAutoscaling or str, optional
        What decides on replicas from the trace's load: its options, or ``"hpa"`` or ``"keda"`` for
        the default ones.  It replaces the pods that the trace gives to the same workloads.

    Returns
    -------
    Result
        Interrupted by Ctrl-C, what was finished: ``result.is_complete`` is false then.

    Raises
    ------
    ValueError
        If the trace has no pods, or the policy's decision makes no sense.
    UnsupportedError
        If a pod asks for something that the scheduler or the policy does not know.

    Notes
    -----
    Equal trace, policy, catalogue, seed and options give equal bytes: ``result.digest()``.
    An evicted pod comes back as a new one if it has a controller: a Job's runs its whole duration
    again, others for what was left.  A duration counts from the binding.
    """
    return Simulation(trace, policy, catalog, scheduler, seed, options, pod_autoscaler).run()


class Simulation:
    """One run, for those who want to look between its steps; see :func:`simulate`."""

    def __init__(
        self,
        trace: PodTable | PodSource,
        policy: Policy | str,
        catalog: Catalog,
        scheduler: Scheduler | str | None = None,
        seed: int = 0,
        options: SimulationOptions | None = None,
        pod_autoscaler: PodAutoscaling | str | None = None,
    ) -> None:
        self.options = options = options or SimulationOptions()
        self.autoscaling = autoscaling = resolve_pod_autoscaling(pod_autoscaler)
        pods = trace if isinstance(trace, PodTable) else trace.pods
        self.trace_name = "pods" if isinstance(trace, PodTable) else trace.name
        self.trace_digest = trace.digest() if hasattr(trace, "digest") else pods.digest()
        if not len(pods) and autoscaling is None:
            raise ValueError(f"trace {self.trace_name}: expected at least one pod, found none")
        loads = None if autoscaling is None else loads_of(trace)
        self.end_ns = end_of(pods, loads) if options.end_ns is None else options.end_ns
        self.scaling: PodScaling | None = None
        expected = None
        if autoscaling is not None:
            pods, plan = plan_of(trace, pods, autoscaling, self.end_ns)
            self.scaling = PodScaling(plan, autoscaling)
            expected = plan.expected_running
        pods = pods.sorted_by_arrival()
        epoch = catalog.priced_at_ns if options.epoch_ns is None else options.epoch_ns
        self.setting = setting_for(
            pods,
            catalog,
            budgets_of(trace),
            options.nodes,
            self.end_ns,
            epoch,
            seed,
            expected,
            objects_of(trace),
        )
        self.policy = resolve_policy(policy)
        self.scheduler = resolve_scheduler(scheduler)
        self.controller = self.policy.begin(self.setting)
        self.recorder = Recorder()
        self.pods = pods = without_daemons(pods, self.setting)
        groups, pools = self.controller.node_groups(), self.controller.node_pools()
        self.engine = engine = engine_of(pods, self.setting, self.scheduler, self.scaling)
        self.kinds = KindTable(self.setting, groups, pools, engine.placer)
        self.market = Market(catalog, epoch)
        self.cloud = Cloud(
            engine, self.kinds, self.market, groups, options, self.recorder, seed, self.end_ns
        )
        budgets = BudgetTable(self.setting.disruption_budgets, self.setting.templates)
        self.removal = Removal(engine, self.cloud, budgets, options, self.recorder)
        self.views = ViewMaker(
            self.setting,
            engine,
            self.kinds,
            self.market,
            self.cloud,
            self.removal,
            pools,
            self.recorder,
        )
        self.world = World(engine, self.cloud, self.removal, self.recorder)
        for node in options.nodes:
            engine.add_node(self.kinds.of_node(node), 0)
        self.cloud.start()
        if isinstance(engine, ScaledEngine) and self.scaling is not None:
            self.scaling.begin(engine, epoch)
        self._at_once = 0
        self._last_ns = -1

    def run(self) -> Result:
        """Run to the end, or to the first Ctrl-C, and return what happened."""
        is_complete = True
        try:
            self._loop()
        except KeyboardInterrupt:
            is_complete = False
        return collect(self, is_complete)

    def _loop(self) -> None:
        engine, end_ns = self.engine, self.end_ns
        wake_ns: int | None = 0
        wake_bits = 0
        while True:
            until = end_ns if wake_ns is None or wake_ns > end_ns else wake_ns
            why, kind, payload = engine.run(until, wake_bits)
            if why == 2:
                self.world.handle(kind, payload)
                continue
            if why == 0 and (wake_ns is None or wake_ns > end_ns):
                return
            decision = self._ask(_WAKES[engine.take_woken() & wake_bits])
            wake_ns, wake_bits = decision.wake_ns, int(decision.wake_on)
            if wake_ns is None and not wake_bits and engine.now >= end_ns:
                return

    def _ask(self, woken_by: WakeOn) -> Decision:
        now = self.engine.now
        self._at_once = self._at_once + 1 if now == self._last_ns else 1
        self._last_ns = now
        if self._at_once > MOST_DECISIONS_AT_ONCE:
            raise ValueError(
                f"{self.policy.name}: expected time to pass, found {MOST_DECISIONS_AT_ONCE} "
                f"decisions at {now} ns"
            )
        view = self.views.make(woken_by)
        began = time.perf_counter()
        decision = self.controller.decide(view)
        self.recorder.decision_seconds += time.perf_counter() - began
        self.recorder.n_decisions += 1
        check_decision(decision, view, self.policy.name)
        self.views.close()
        for action in decision.actions:
            self.world.carry_out(action)
        return decision
