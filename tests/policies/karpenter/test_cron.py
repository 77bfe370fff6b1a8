"""Cron schedules: when they hit, compared with a search minute by minute."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyscale.errors import InvalidObjectError
from pyscale.model.times import MINUTE, SECOND, parse_timestamp
from pyscale.policies.karpenter.cron import CronSchedule


def after(schedule, moment):
    hit = CronSchedule.parse(schedule).next_after(parse_timestamp(moment))
    return None if hit is None else datetime.fromtimestamp(hit // SECOND, UTC).isoformat()


def test_the_next_hit_is_strictly_later():
    assert after("0 12 * * *", "2026-01-05T12:00:00Z") == "2026-01-06T12:00:00+00:00"
    assert after("0 12 * * *", "2026-01-05T11:59:59Z") == "2026-01-05T12:00:00+00:00"


def test_words_stand_for_schedules():
    assert after("@hourly", "2026-01-05T12:10:00Z") == "2026-01-05T13:00:00+00:00"
    assert after("@weekly", "2026-01-05T12:10:00Z") == "2026-01-11T00:00:00+00:00"
    assert after("@yearly", "2026-01-05T12:10:00Z") == "2027-01-01T00:00:00+00:00"


def test_two_given_day_fields_are_alternatives():
    # The 5th is a Monday: either the 8th or the next Sunday.
    assert after("0 0 8 * sun", "2026-01-05T12:00:00Z") == "2026-01-08T00:00:00+00:00"
    assert after("0 0 20 * sun", "2026-01-05T12:00:00Z") == "2026-01-11T00:00:00+00:00"


def test_a_star_in_a_day_field_makes_the_other_one_rule():
    assert after("0 0 20 * *", "2026-01-05T12:00:00Z") == "2026-01-20T00:00:00+00:00"
    assert after("0 0 * * sun", "2026-01-05T12:00:00Z") == "2026-01-11T00:00:00+00:00"


def test_a_star_with_a_step_is_no_star():
    # Every other day from the 1st, or a Sunday.
    assert after("0 0 */2 * sun", "2026-01-09T12:00:00Z") == "2026-01-11T00:00:00+00:00"
    assert after("0 0 */2 * sun", "2026-01-11T12:00:00Z") == "2026-01-13T00:00:00+00:00"


def test_a_number_with_a_step_runs_to_the_end():
    assert after("50/5 * * * *", "2026-01-05T12:51:00Z") == "2026-01-05T12:55:00+00:00"


def test_a_day_that_never_comes_has_no_hit():
    assert after("0 0 30 2 *", "2026-01-05T12:00:00Z") is None


@pytest.mark.parametrize(
    "text", ["", "bad cron", "60 * * * *", "* * * * 7", "@every 5m", "*/0 * * * *"]
)
def test_what_is_no_schedule_is_refused(text):
    with pytest.raises(InvalidObjectError, match="expected"):
        CronSchedule.parse(text)


FIELDS = st.tuples(
    st.sampled_from(["*", "0", "*/15", "3-7", "59"]),
    st.sampled_from(["*", "0", "9-17", "*/6", "23"]),
    st.sampled_from(["*", "1", "28-31", "*/10", "?"]),
    st.sampled_from(["*", "jan", "2-3", "12"]),
    st.sampled_from(["*", "mon-fri", "0", "sat", "1/2"]),
)


@given(FIELDS, st.integers(0, 60 * 24 * 60), st.integers(0, 59))
def test_the_next_hit_is_the_first_minute_that_matches(fields, minutes, seconds):
    schedule = CronSchedule.parse(" ".join(fields))
    moment = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes, seconds=seconds)
    start_ns = int(moment.timestamp()) * SECOND
    hit = schedule.next_after(start_ns)
    assert hit is not None
    assert hit > start_ns
    assert hit % MINUTE == 0
    found = datetime.fromtimestamp(hit // SECOND, UTC)
    assert matches(schedule, found)
    probe = moment.replace(second=0) + timedelta(minutes=1)
    for _ in range(200):
        if probe >= found:
            break
        assert not matches(schedule, probe)
        probe += timedelta(minutes=1)


def matches(schedule, moment):
    return (
        moment.minute in schedule.minutes
        and moment.hour in schedule.hours
        and schedule.is_day(moment.date())
    )
