"""Who decides on replicas while a run goes on: samples, then KEDA, HPA and VPA, in this order."""

from __future__ import annotations

import numpy as np

from pyscale.kernel._scaled import ScaledEngine
from pyscale.model.autoscaling import ScaledObject
from pyscale.policies.base import Int32s
from pyscale.policies.pod_autoscaler.horizontal import HorizontalController
from pyscale.policies.pod_autoscaler.scaled_object import decide_activation

from .pod_autoscaling import PodAutoscaling
from .vertical import VerticalScaling
from .workloads import WorkloadPlan


class PodScaling:
    """The pod autoscalers of one run.

    Parameters
    ----------
    plan : WorkloadPlan
    options : PodAutoscaling
    """

    def __init__(self, plan: WorkloadPlan, options: PodAutoscaling) -> None:
        self.plan, self.options = plan, options
        self._controller = HorizontalController(plan.horizontal, options.horizontal)
        self._replicas = np.zeros(len(plan), np.int32)
        self._activation = Activation(plan)
        self._engine: ScaledEngine | None = None
        self.vertical: VerticalScaling | None = None
        if plan.vertical:
            self.vertical = VerticalScaling(
                plan.vertical, plan.containers, plan.ladders, options.recommender
            )
        self._epoch_ns = 0
        self._period_of_poll: dict[int, int] = {}

    def begin(self, engine: ScaledEngine, epoch_ns: int) -> None:
        """Create the first replicas, and say what happens when; the epoch is that of time 0."""
        self._engine, self._epoch_ns = engine, epoch_ns
        options, plan = self.options, self.plan
        engine.scale(plan.initial)
        # In the order in which those of one instant act.
        engine.sample_every(options.sample_ns)
        for period in self._activation.periods:
            self._period_of_poll[engine.call_every(period)] = period
        self._controller.drive(engine, plan.metric_workload, plan.measure)
        if self.vertical is not None:
            engine.call_every(options.recommender_ns)

    def __call__(self, number: int) -> None:
        """Do what the event loop was asked for under this number."""
        engine = self._engine
        assert engine is not None
        period = self._period_of_poll.get(number)
        if period is not None:
            engine.replica_counts(self._replicas)
            if self._activation.poll(engine, period, self._replicas):
                engine.scale(self._replicas)
        elif self.vertical is not None:
            self.vertical.act(engine, self._epoch_ns)


class Activation:
    """KEDA's polls: workloads to and from zero."""

    def __init__(self, plan: WorkloadPlan) -> None:
        self._objects = plan.scaled_objects
        by_period: dict[int, list[int]] = {}
        for number, scaled in sorted(self._objects.items()):
            by_period.setdefault(scaled.polling_interval_ns, []).append(number)
        self._of_period = {
            period: np.array(numbers, np.int64) for period, numbers in by_period.items()
        }
        self.periods = sorted(by_period)
        self._load = np.zeros(len(plan), np.int64)
        self._last_active = np.full(len(plan), -1, np.int64)
        self._threshold = np.full(len(plan), np.iinfo(np.int64).max)
        self._may_sleep = np.zeros(len(plan), np.bool_)
        self._is_special = np.zeros(len(plan), np.bool_)
        for number, scaled in self._objects.items():
            least = [it.activation for it in scaled.triggers if it.activates]
            if least:
                self._threshold[number] = min(least)
            if scaled.last_active_ns is not None:
                self._last_active[number] = scaled.last_active_ns
            self._may_sleep[number] = scaled.min_replica_count == 0
            self._is_special[number] = _is_special(scaled)

    def poll(self, engine: ScaledEngine, period: int, replicas: Int32s) -> bool:
        """Poll the objects of a period; change ``replicas`` in place and tell whether they did."""
        numbers = self._of_period[period]
        engine.loads(self._load)
        is_active = self._load[numbers] > self._threshold[numbers]
        is_awake = replicas[numbers] > 0
        special = self._is_special[numbers]
        # Most polls find nothing to do: awake and active, or asleep and idle.
        self._last_active[numbers[is_active & is_awake & ~special]] = engine.now
        settled = np.where(is_active, is_awake, ~is_awake & self._may_sleep[numbers])
        changed = False
        for number in numbers[~settled | special].tolist():
            changed |= self._decide(number, replicas, engine.now)
        return changed

    def _decide(self, number: int, replicas: Int32s, now: int) -> bool:
        before, last = int(replicas[number]), int(self._last_active[number])
        decision = decide_activation(
            self._objects[number],
            before,
            None if last < 0 else last,
            now,
            bool(self._load[number] > self._threshold[number]),
        )
        replicas[number] = decision.replicas
        self._last_active[number] = (
            -1 if decision.last_active_ns is None else (decision.last_active_ns)
        )
        return decision.replicas != before


def _is_special(scaled: ScaledObject) -> bool:
    return scaled.idle_replica_count is not None or bool(scaled.annotations)
