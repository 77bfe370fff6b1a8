"""From a trace to what the event loop takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from pyscale.kernel._engine import Engine
from pyscale.kernel._scaled import ScaledEngine
from pyscale.model.catalog import Catalog
from pyscale.model.disruption import PodDisruptionBudget
from pyscale.model.nodes import Node
from pyscale.model.pod_table import NEVER, PodTable
from pyscale.model.pods import PodTemplate
from pyscale.policies.base import Scheduler, Setting
from pyscale.policies.snapshot import setting_of

from .clock import HOUR

if TYPE_CHECKING:
    from .scaling import PodScaling
    from .workloads import LoadSignals

Float64s = np.ndarray[Any, np.dtype[np.float64]]

LOST, REMAINING, FULL = 0, 1, 2
_MOST_PODS = 2**31 - 1


class PodSource(Protocol):
    """A trace, as far as a run reads it."""

    @property
    def name(self) -> str:
        """What the trace is called."""

    @property
    def pods(self) -> PodTable:
        """The pods."""

    @property
    def objects(self) -> Mapping[str, tuple[Any, ...]]:
        """Other objects by kind."""

    def digest(self) -> str:
        """Return a hash of the content."""


def loads_of(trace: PodTable | PodSource) -> LoadSignals:
    """Return the trace's load signals.

    Raises
    ------
    ValueError
        If it has none.
    """
    loads: LoadSignals | None = getattr(trace, "loads", None)
    if loads is None or not len(loads.workloads):
        name = getattr(trace, "name", "pods")
        raise ValueError(f"trace {name}: expected load signals for pod autoscaling, found none")
    return loads


def end_of(pods: PodTable, loads: LoadSignals | None = None) -> int:
    """Return when a run ends that nobody gave an end.

    The last arrival, or the last end of pods that all start at once; an hour after the last
    arrival where pods stay for ever, and after the last change of a load where there are no pods.
    """
    if loads is not None and not len(pods):
        return int(loads.time_ns.max(initial=0)) + HOUR
    stays = pods.duration_ns == NEVER
    length = np.where(stays, HOUR, pods.duration_ns)
    # Very long durations must not wrap.
    room = np.iinfo(np.int64).max // 2 - pods.arrival_ns
    return max(1, int((pods.arrival_ns + np.minimum(length, room)).max()))


def budgets_of(trace: PodTable | PodSource) -> tuple[PodDisruptionBudget, ...]:
    """Return the trace's disruption budgets."""
    if isinstance(trace, PodTable):
        return ()
    return tuple(trace.objects.get("PodDisruptionBudget", ()))


def objects_of(trace: PodTable | PodSource) -> Mapping[str, tuple[Any, ...]]:
    """Return the trace's objects by kind."""
    return {} if isinstance(trace, PodTable) else trace.objects


def setting_for(
    pods: PodTable,
    catalog: Catalog,
    budgets: tuple[PodDisruptionBudget, ...],
    nodes: tuple[Node, ...],
    end_ns: int,
    epoch_ns: int,
    seed: int,
    expected: Float64s | None = None,
    objects: Mapping[str, tuple[Any, ...]] | None = None,
) -> Setting:
    """Return the setting of a run; ``expected`` adds pods per class that the trace lacks."""
    begins = np.minimum(pods.arrival_ns, end_ns)
    stays = pods.duration_ns == NEVER
    left = end_ns - begins
    lengths = np.where(stays, left, np.minimum(pods.duration_ns, left))
    weights = lengths.astype(np.float64) * pods.count / end_ns
    running = np.zeros(len(pods.templates), np.float64)
    np.add.at(running, pods.class_id, weights)
    if expected is not None:
        running += expected
    return setting_of(
        pods.templates,
        catalog,
        disruption_budgets=budgets,
        nodes=nodes,
        expected_running=running,
        epoch_ns=epoch_ns,
        seed=seed,
        objects=objects,
    )


def without_daemons(pods: PodTable, setting: Setting) -> PodTable:
    """Drop the pods of DaemonSets: the world runs its own on every node."""
    if not setting.daemon_classes:
        return pods
    return pods.select(~np.isin(pods.class_id, setting.daemon_classes))


def engine_of(
    pods: PodTable, setting: Setting, scheduler: Scheduler, scaling: PodScaling | None = None
) -> Engine:
    """Return a fresh event loop over the pods of a trace, sorted by arrival.

    With ``scaling`` it has workloads, too.

    Raises
    ------
    ValueError
        If there are 2**31 pods or more.
    """
    if pods.n_pods > _MOST_PODS:
        raise ValueError(f"expected at most {_MOST_PODS} pods, found {pods.n_pods}")
    templates = setting.templates
    columns = (
        setting.requests,
        np.array([template.spec.priority or 0 for template in templates], np.int32),
        np.array([_restart(template) for template in templates], np.uint8),
        gated_classes(templates).astype(np.uint8),
        pods.class_id,
        pods.arrival_ns,
        pods.duration_ns,
        pods.count,
        _start_nodes(pods, setting.nodes),
        np.array(setting.daemon_classes, np.int32),
        scheduler.placer(setting),
    )
    if scaling is None:
        return Engine(*columns)
    plan, options = scaling.plan, scaling.options
    return ScaledEngine(
        *columns,
        plan.class_id,
        plan.capacity,
        plan.idle,
        plan.cost,
        plan.offset,
        plan.step_time,
        plan.step_value,
        plan.cpu_request,
        options.start_delay_ns,
        options.sample_ns,
        scaling,
    )


def gated_classes(templates: Sequence[PodTemplate]) -> NDArray[np.bool_]:
    """Return which classes have scheduling gates; nothing in a trace takes a gate away."""
    return np.array([bool(template.spec.scheduling_gates) for template in templates], np.bool_)


def _restart(template: PodTemplate) -> int:
    controller = template.controller
    if controller is None:
        return LOST
    return FULL if controller.kind == "Job" else REMAINING


def _start_nodes(pods: PodTable, nodes: tuple[Node, ...]) -> np.ndarray[Any, np.dtype[np.int32]]:
    if pods.node_name is None or not nodes:
        return np.full(len(pods), -1, np.int32)
    number = {node.name: index for index, node in enumerate(nodes)}
    return np.array([number.get(name, -1) for name in pods.node_name], np.int32)
