"""What holds of the horizontal controller, whatever its metrics say."""

import math
from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pyscale.model.autoscaling import (
    EXTERNAL,
    HorizontalPodAutoscaler,
    MetricSpec,
    ScalingBehavior,
    ScalingPolicy,
    ScalingRules,
)
from pyscale.policies.pod_autoscaler.horizontal import HorizontalController

SECOND = 10**9
PERIOD = 15 * SECOND

POLICIES = st.lists(
    st.builds(
        ScalingPolicy,
        st.sampled_from(("Pods", "Percent")),
        st.integers(1, 150),
        st.sampled_from((15, 60, 200)).map(lambda seconds: seconds * SECOND),
    ),
    min_size=1,
    max_size=3,
).map(tuple)
RULES = st.builds(
    ScalingRules,
    st.sampled_from((None, 0, 90 * SECOND)),
    st.sampled_from((None, "Max", "Min", "Disabled")),
    st.none() | POLICIES,
    st.sampled_from((None, 0.0, 0.3)),
)
AUTOSCALERS = st.builds(
    lambda least, more, behavior: HorizontalPodAutoscaler(
        "a",
        least + more,
        (MetricSpec(EXTERNAL, "load", "AverageValue", 1000),),
        min_replicas=least,
        behavior=behavior,
    ),
    st.integers(1, 20),
    st.integers(0, 60),
    st.none() | st.builds(ScalingBehavior, RULES, RULES),
)


def drive(autoscaler, loads, replicas):
    """Return the replicas after each sync, the first ones first."""
    controller = HorizontalController([autoscaler])
    path = [replicas]
    for number, load in enumerate(loads):
        controller.metrics["valid"] = 1
        controller.metrics["usage"] = load * 1000
        current = np.array([path[-1]], np.int32)
        now = (number + 1) * PERIOD
        path.append(int(controller.reconcile(now, current, current).desired[0]))
    return path


@given(AUTOSCALERS, st.lists(st.integers(0, 120), min_size=1, max_size=40), st.integers(1, 90))
def test_replicas_stay_within_their_limits(autoscaler, loads, start):
    path = drive(autoscaler, loads, start)
    least, most = autoscaler.min_replicas, autoscaler.max_replicas
    assert all(least <= replicas <= most for replicas in path[1:])


@given(AUTOSCALERS, st.integers(1, 90), st.integers(0, 120))
def test_constant_recommendations_lead_to_a_constant_count(autoscaler, start, load):
    path = drive(autoscaler, [load] * 150, start)
    changes = np.diff(path)
    assert (changes >= 0).all() or (changes <= 0).all()
    if autoscaler.behavior is None:
        assert len(set(path[-40:])) == 1
    # Policies may make the way long, but nothing moves away from what is recommended.
    goal = min(max(load, autoscaler.min_replicas), autoscaler.max_replicas)
    distance = np.abs(np.array(path[1:]) - goal)
    assert (np.diff(distance) <= 0).all()


@given(AUTOSCALERS, st.lists(st.integers(0, 120), min_size=1, max_size=60), st.integers(1, 20))
def test_policies_are_never_exceeded_within_their_period(autoscaler, loads, more):
    behavior = autoscaler.behavior
    if behavior is None:
        return
    start = min(autoscaler.min_replicas + more, autoscaler.max_replicas)
    path = drive(autoscaler, loads, start)
    for rules, sign in ((behavior.scale_up, 1), (behavior.scale_down, -1)):
        if rules.select_policy == "Disabled":
            assert all(sign * (b - a) <= 0 for a, b in pairwise(path))
            continue
        if rules.policies is None:
            continue
        for now in range(1, len(path)):
            change = sign * (path[now] - path[now - 1])
            if change <= 0:
                continue
            allowed = []
            for policy in rules.policies:
                # Changes strictly newer than now - period count, this one included.
                first = max(now - math.ceil(policy.period_ns / PERIOD), 0)
                base = path[first]
                if policy.type == "Pods":
                    limit = base + sign * policy.value
                elif sign > 0:
                    limit = math.ceil(base * (1 + policy.value / 100))
                else:
                    limit = int(base * (1 - policy.value / 100))
                allowed.append(limit)
            largest = (rules.select_policy != "Min") == (sign > 0)
            limit = max(allowed) if largest else min(allowed)
            assert sign * (path[now] - limit) <= 0
