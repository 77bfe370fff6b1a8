"""Vertical pod autoscaling in a run: CPU use becomes the request of new pods.

A recommendation is the end of a histogram's bucket with margin and caps, so a workload's possible
requests are known beforehand: each is a pod class of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from pyscale.errors import UnsupportedError
from pyscale.kernel._scaled import ScaledEngine
from pyscale.model.pods import Pod, PodTemplate
from pyscale.model.resources import CPU
from pyscale.model.vertical import ContainerRecommendation, VerticalPodAutoscaler
from pyscale.policies.pod_autoscaler.capping import REQUESTS_ONLY, admit, process
from pyscale.policies.pod_autoscaler.recommender import RecommenderOptions, recommend
from pyscale.policies.pod_autoscaler.usage import Aggregate, Banks

from .clock import SECOND

_NANO_PER_MILLI = 1_000_000
_WEIGHT = 0.1  # of a CPU sample, as upstream's recommender adds it
_MODES = ("Off", "Initial")


def check_vertical(vpa: VerticalPodAutoscaler, template: PodTemplate) -> None:
    """Refuse what a simulation does not know.

    Raises
    ------
    UnsupportedError
        If pods are to be updated while they run, memory is controlled, a pod has several
        containers, or limits follow requests.
    """
    where = f"VerticalPodAutoscaler {vpa.namespace}/{vpa.name}"
    if vpa.update_mode not in _MODES:
        raise UnsupportedError(f"update mode {vpa.update_mode} in a simulation", where)
    if len(template.spec.containers) != 1:
        raise UnsupportedError("pods of several containers in a simulation", where)
    container = template.spec.containers[0]
    policy = vpa.policy_of(container.name)
    if policy.mode != "Off" and policy.controlled_resources != (CPU,):
        raise UnsupportedError("controlledResources other than cpu in a simulation", where)
    if CPU in container.limits and policy.controlled_values != REQUESTS_ONLY:
        raise UnsupportedError("limits that follow requests in a simulation", where)


def target_of(
    vpa: VerticalPodAutoscaler, container: str, aggregate: Aggregate, options: RecommenderOptions
) -> int | None:
    """Return the recommended CPU in thousandths of a core, None where the policy is Off."""
    found = recommend(vpa, {container: aggregate}, options).get(container)
    return None if found is None else found.target[CPU]


def ladder_of(
    vpa: VerticalPodAutoscaler, template: PodTemplate, options: RecommenderOptions
) -> dict[int, PodTemplate]:
    """Return the pod for every recommendation that there can be, by its CPU, rising."""
    container = template.spec.containers[0].name
    banks = Banks(options.histogram_decay_half_life_s)
    found: dict[int, PodTemplate] = {}
    for bucket in range(banks.cpu.n_buckets):
        one = Banks(options.histogram_decay_half_life_s).new()
        # The middle of the bucket's start and the next one's lies surely in the bucket.
        begin = banks.cpu.start(bucket)
        end = banks.cpu.start(bucket + 1) if bucket + 1 < banks.cpu.n_buckets else 2 * begin
        one.banks.cpu.add(one.row, (begin + end) / 2, 1.0, 0)
        target = target_of(vpa, container, one, options)
        if target is not None and target not in found:
            found[target] = admitted(vpa, template, target)
    return dict(sorted(found.items()))


def admitted(vpa: VerticalPodAutoscaler, template: PodTemplate, target: int) -> PodTemplate:
    """Return a pod as the admission controller changes it for a recommendation."""
    (container,) = template.spec.containers
    amounts = {CPU: target * _NANO_PER_MILLI}
    advice = ContainerRecommendation(container.name, amounts, amounts, amounts, amounts)
    advised, pod = replace(vpa, recommendation=(advice,)), Pod("", template)
    (changed,) = admit(advised, pod, process(advised, pod, ()), ())
    requests = {
        **container.requests,
        **{name: milli * _NANO_PER_MILLI for name, milli in changed.requests.items()},
    }
    return replace(
        template,
        spec=replace(template.spec, containers=(replace(container, requests=requests),)),
    )


class VerticalScaling:
    """The recommender of one run.

    Parameters
    ----------
    autoscalers : mapping of int to VerticalPodAutoscaler
        By workload.
    containers : mapping of int to str
        Name of each one's container.
    ladders : mapping of int to mapping of int to int
        Pod class of every recommendation of a workload.
    options : RecommenderOptions
    """

    def __init__(
        self,
        autoscalers: Mapping[int, VerticalPodAutoscaler],
        containers: Mapping[int, str],
        ladders: Mapping[int, Mapping[int, int]],
        options: RecommenderOptions,
    ) -> None:
        self._autoscalers, self._containers, self._ladders = autoscalers, containers, ladders
        self._options = options
        self._banks = Banks(options.histogram_decay_half_life_s)
        self._aggregates = {number: self._banks.new() for number in sorted(autoscalers)}
        self._last: dict[int, int] = {}
        self.changes: list[tuple[int, int, int]] = []

    def act(self, engine: ScaledEngine, epoch_ns: int) -> None:
        """Add the last sample of every pod, recommend, and set the class of new pods."""
        if engine.sampled < 0:
            return
        use = np.zeros(engine.n_workloads, np.int64)
        n_pods = np.zeros(engine.n_workloads, np.int32)
        engine.pod_use(use, n_pods)
        second = (epoch_ns + engine.sampled) // SECOND
        numbers = np.array(sorted(self._aggregates), np.int64)
        rows = np.array([self._aggregates[number].row for number in numbers.tolist()], np.int32)
        counts = n_pods[numbers]
        rows, cores = np.repeat(rows, counts), np.repeat(use[numbers] / 1000.0, counts)
        self._banks.cpu.add_many(rows, cores, _WEIGHT, np.full(len(rows), second, np.int64))
        for number, count in zip(numbers.tolist(), counts.tolist(), strict=True):
            aggregate = self._aggregates[number]
            if count == 0:
                continue
            aggregate.note_cpu_sample(second)
            aggregate.n_samples += count - 1
            vpa = self._autoscalers[number]
            target = target_of(vpa, self._containers[number], aggregate, self._options)
            if target is None or target == self._last.get(number):
                continue
            self._last[number] = target
            self.changes.append((engine.now, number, target))
            if vpa.update_mode != "Off":
                engine.set_class(number, self._ladders[number][target])
