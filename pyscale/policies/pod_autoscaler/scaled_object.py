"""Activation and cooldown of a KEDA ScaledObject; beyond the first replica an HPA decides.

Follows KEDA ``pkg/scaling/executor/scale_scaledobjects.go:RequestScale``.
"""

from __future__ import annotations

from dataclasses import dataclass

from ...model.autoscaling import ScaledObject

_ANNOTATION = "autoscaling.keda.sh/"
SCALER_ACTIVE = "ScalerActive"
SCALER_NOT_ACTIVE = "ScalerNotActive"
SCALER_COOLDOWN = "ScalerCooldown"


@dataclass(frozen=True, slots=True)
class ActivationDecision:
    """Replicas to write, the last active time to keep (ns), and the reason."""

    replicas: int
    last_active_ns: int | None
    reason: str

    @property
    def is_active(self) -> bool:
        """Whether the condition Active is true."""
        return self.reason == SCALER_ACTIVE


def decide_activation(
    scaled: ScaledObject,
    replicas: int,
    last_active_ns: int | None,
    now_ns: int,
    is_active: bool,
    has_failed: bool = False,
) -> ActivationDecision:
    """Decide the replicas at one poll.

    Parameters
    ----------
    scaled : ScaledObject
    replicas : int
        Replicas of the target now.
    last_active_ns : int or None
        As the previous decision left it.
    now_ns : int
    is_active : bool
        Whether any trigger is active.
    has_failed : bool
        Whether a scaler returned an error.
    """
    if is_active or _is_annotated(scaled, "force-activation"):
        return _active(scaled, replicas, last_active_ns, now_ns, has_failed)
    return _inactive(scaled, replicas, last_active_ns, now_ns, has_failed)


def _is_annotated(scaled: ScaledObject, name: str) -> bool:
    return scaled.annotations.get(_ANNOTATION + name) == "true"


def _active(
    scaled: ScaledObject, replicas: int, last_active: int | None, now: int, has_failed: bool
) -> ActivationDecision:
    target = max(scaled.min_replica_count, 1)
    # Between one replica and the minimum the HPA acts, unless an idle count is set.
    is_asleep = replicas == 0 or (scaled.idle_replica_count is not None and replicas < target)
    if is_asleep:
        if not _is_annotated(scaled, "paused-scale-out"):
            replicas, last_active = target, now
    elif not has_failed:
        last_active = now
    return ActivationDecision(replicas, last_active, SCALER_ACTIVE)


def _inactive(
    scaled: ScaledObject, replicas: int, last_active: int | None, now: int, has_failed: bool
) -> ActivationDecision:
    keep = ActivationDecision(replicas, last_active, SCALER_NOT_ACTIVE)
    if has_failed and scaled.fallback_replicas != 0:
        return keep
    idle = scaled.idle_replica_count
    is_above_idle = idle is not None and replicas > idle
    if is_above_idle or (scaled.min_replica_count == 0 and replicas > 0):
        if _is_annotated(scaled, "paused-scale-in"):
            return keep
        if last_active is None:
            end = scaled.creation_ns + scaled.initial_cooldown_period_ns
        else:
            end = last_active + scaled.cooldown_period_ns
        if end >= now:  # the comparison is strict upstream
            return ActivationDecision(replicas, last_active, SCALER_COOLDOWN)
        return ActivationDecision(idle or 0, last_active, SCALER_NOT_ACTIVE)
    if replicas < scaled.min_replica_count and idle is None:
        return ActivationDecision(scaled.min_replica_count, last_active, SCALER_NOT_ACTIVE)
    return keep
