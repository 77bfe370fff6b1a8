"""A ScaledObject wakes its target and puts it to sleep after the cooldown."""

from hypothesis import given
from hypothesis import strategies as st

from pyscale.model.autoscaling import ScaledObject
from pyscale.policies.pod_autoscaler.scaled_object import decide_activation

SECOND = 10**9


def test_an_active_trigger_wakes_to_the_minimum():
    scaled = ScaledObject("s", 0, min_replica_count=3)
    decision = decide_activation(scaled, 0, None, 5, is_active=True)
    assert (decision.replicas, decision.last_active_ns, decision.reason) == (3, 5, "ScalerActive")


def test_the_cooldown_ends_strictly_after_its_period():
    scaled = ScaledObject("s", 0, cooldown_period_ns=10 * SECOND)
    at_end = decide_activation(scaled, 2, 0, 10 * SECOND, is_active=False)
    after = decide_activation(scaled, 2, 0, 10 * SECOND + 1, is_active=False)
    assert (at_end.replicas, at_end.reason) == (2, "ScalerCooldown")
    assert (after.replicas, after.reason) == (0, "ScalerNotActive")


def test_pausing_scale_in_keeps_the_replicas():
    annotations = {"autoscaling.keda.sh/paused-scale-in": "true"}
    scaled = ScaledObject("s", 0, annotations=annotations, cooldown_period_ns=0)
    assert decide_activation(scaled, 2, 0, SECOND, is_active=False).replicas == 2


@given(
    replicas=st.integers(0, 5),
    minimum=st.integers(0, 3),
    active=st.booleans(),
    failed=st.booleans(),
    idle=st.none() | st.just(0),
)
def test_replicas_only_move_to_the_minimum_one_or_the_idle_count(
    replicas, minimum, active, failed, idle
):
    scaled = ScaledObject("s", 0, min_replica_count=minimum, idle_replica_count=idle)
    after = decide_activation(scaled, replicas, 0, 10**15, active, failed).replicas
    assert after in {replicas, max(minimum, 1), minimum, idle or 0}
