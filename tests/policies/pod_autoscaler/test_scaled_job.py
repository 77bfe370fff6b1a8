"""ScaledJob arithmetic keeps within its limits."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyscale.model.autoscaling import ScaledJob
from pyscale.policies.pod_autoscaler.scaled_job import TriggerValue, decide_jobs

TRIGGER = TriggerValue(25.0, 5.0, True)


@pytest.mark.parametrize(
    ("strategy", "jobs"),
    [("default", 3), ("custom", 3), ("accurate", 5), ("eager", 5)],
)
def test_strategies_differ_in_what_they_take_off(strategy, jobs):
    job = ScaledJob("j", max_replica_count=10, strategy=strategy)
    assert decide_jobs(job, [TRIGGER], running=2, pending=0).jobs_to_create == jobs


def test_below_the_minimum_only_the_minimum_is_filled_up():
    job = ScaledJob("j", min_replica_count=4, max_replica_count=10)
    assert decide_jobs(job, [TRIGGER], running=1, pending=0).jobs_to_create == 3


def test_an_inactive_trigger_does_not_count():
    job = ScaledJob("j", max_replica_count=10)
    decision = decide_jobs(job, [TriggerValue(25.0, 5.0, False)], 0, 0)
    assert (decision.is_active, decision.jobs_to_create) == (False, 0)


@given(
    values=st.lists(st.integers(0, 1000), max_size=4),
    calculation=st.sampled_from(["max", "min", "avg", "sum"]),
    maximum=st.integers(1, 50),
    running=st.integers(0, 50),
)
def test_the_scale_target_never_passes_the_maximum(values, calculation, maximum, running):
    job = ScaledJob("j", max_replica_count=maximum, calculation=calculation)
    triggers = [TriggerValue(float(value), 5.0, True) for value in values]
    assert decide_jobs(job, triggers, running, 0).max_scale <= maximum
