"""How the number of pods follows the load in a run: autoscalers, and how pods serve and start."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from pyscale.errors import InvalidObjectError
from pyscale.model.autoscaling import HorizontalPodAutoscaler, ScaledObject
from pyscale.model.pods import PodTemplate
from pyscale.model.vertical import VerticalPodAutoscaler
from pyscale.policies.pod_autoscaler.recommender import RecommenderOptions
from pyscale.policies.pod_autoscaler.replica_tables import HorizontalPodAutoscalerOptions

from .clock import SECOND

Autoscaler = HorizontalPodAutoscaler | ScaledObject | VerticalPodAutoscaler

HPA, KEDA, NONE = "hpa", "keda", "none"
_NAMES = (HPA, KEDA)


@dataclass(frozen=True)
class PodAutoscaling:
    """Pod autoscaling of a run; every workload of the trace's load signals may be scaled.

    Attributes
    ----------
    objects : tuple of HorizontalPodAutoscaler, ScaledObject or VerticalPodAutoscaler
        As manifests have them; each goes to the workload of its namespace and target.
    others : str
        What scales the workloads that no horizontal object names: ``"hpa"`` or ``"keda"`` (one
        made for each workload, from its minimum and maximum), or ``"none"``: they keep the pods
        that the trace gives them.
    target_percent : int
        Target of the autoscalers made for others: share of the CPU request, or of ``pod_load``.
    pod_load : int, optional
        What one pod serves, in whole units of the load, for workloads whose load has no CPU cost.
    burst_percent : int
        CPU that a container without a limit uses at most, as a share of its request.
    template : PodTemplate, optional
        Pods of workloads for which the trace has no template.
    start_delay_ns : int
        From the binding of a pod until it is ready and serves.
    sample_ns : int
        Period and window of the metrics server.
    horizontal : HorizontalPodAutoscalerOptions
        Settings of the HPA controller.
    recommender : RecommenderOptions
        Settings of the VPA recommender.
    recommender_ns : int
        How often it recommends.
    """

    objects: tuple[Autoscaler, ...] = ()
    others: str = HPA
    target_percent: int = 65
    pod_load: int | None = None
    burst_percent: int = 100
    template: PodTemplate | None = None
    start_delay_ns: int = 10 * SECOND
    sample_ns: int = 15 * SECOND
    horizontal: HorizontalPodAutoscalerOptions = field(
        default_factory=HorizontalPodAutoscalerOptions
    )
    recommender: RecommenderOptions = field(default_factory=RecommenderOptions)
    recommender_ns: int = 60 * SECOND

    def __post_init__(self) -> None:
        object.__setattr__(self, "objects", tuple(self.objects))
        if self.others not in (*_NAMES, NONE):
            known = ", ".join((*_NAMES, NONE))
            raise ValueError(f"others must be one of {known}, found {self.others!r}")
        for name, least in (
            ("target_percent", 1),
            ("burst_percent", 1),
            ("start_delay_ns", 0),
            ("sample_ns", 1),
            ("recommender_ns", 1),
        ):
            found = getattr(self, name)
            if not isinstance(found, int) or found < least:
                raise ValueError(f"{name} must be an int >= {least}, found {found!r}")
        if self.pod_load is not None and self.pod_load < 1:
            raise ValueError(f"pod_load must be >= 1, found {self.pod_load}")
        if self.horizontal.horizontal_pod_autoscaler_sync_period < 1:
            raise ValueError("horizontal_pod_autoscaler_sync_period must be >= 1")

    def to_dict(self) -> dict[str, Any]:
        """Return the options as plain data; objects and template by name."""
        plain = asdict(self)
        plain["objects"] = [f"{type(it).__name__} {it.namespace}/{it.name}" for it in self.objects]
        plain["template"] = self.template is not None
        return plain


def resolve_pod_autoscaling(given: PodAutoscaling | str | None) -> PodAutoscaling | None:
    """Return the pod autoscaling that is meant by its name; None and ``"none"`` are without.

    Raises
    ------
    InvalidObjectError
        If the name is unknown.
    """
    if given is None or given == NONE:
        return None
    if isinstance(given, PodAutoscaling):
        return given
    if given not in _NAMES:
        known = ", ".join((*_NAMES, NONE))
        raise InvalidObjectError(f"pod autoscaler {given!r}", f"expected one of {known}")
    return PodAutoscaling(others=given)
