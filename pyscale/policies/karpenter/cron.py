"""Cron schedules as Karpenter evaluates them: five fields or a word such as ``@daily``, in UTC.

Follows ``robfig/cron`` v3 ``ParseStandard`` and ``SpecSchedule.Next``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

from pyscale.errors import InvalidObjectError
from pyscale.model.times import SECOND
from pyscale.model.validation.cron import schedule_problem

_WORDS = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_FIELDS: tuple[tuple[int, int, dict[str, int]], ...] = (
    (0, 59, {}),
    (0, 23, {}),
    (1, 31, {}),
    (1, 12, {name: i + 1 for i, name in enumerate(_MONTHS)}),
    (0, 6, {name: i for i, name in enumerate(_WEEKDAYS)}),
)
_SEARCHED_YEARS = 5
_EPOCH = date(1970, 1, 1)


@dataclass(frozen=True)
class CronSchedule:
    """The minutes of the week and year at which something happens.

    ``both_days``: day of month and day of week must both match, because one of them was a star;
    else one of them is enough.
    """

    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    both_days: bool

    @staticmethod
    @lru_cache(maxsize=256)
    def parse(text: str) -> CronSchedule:
        """Read a schedule.

        Raises
        ------
        InvalidObjectError
            If the text is no schedule.
        """
        problem = schedule_problem(text)
        if problem is not None:
            raise InvalidObjectError("schedule", problem)
        fields = _WORDS.get(text, text).split()
        parsed = [_field(field, *bounds) for field, bounds in zip(fields, _FIELDS, strict=True)]
        minutes, hours, days, months, weekdays = (values for values, _ in parsed)
        return CronSchedule(
            tuple(sorted(minutes)),
            tuple(sorted(hours)),
            days,
            months,
            weekdays,
            parsed[2][1] or parsed[4][1],
        )

    def is_day(self, day: date) -> bool:
        """Say whether anything happens on the day."""
        if day.month not in self.months:
            return False
        by_date, by_weekday = day.day in self.days, day.isoweekday() % 7 in self.weekdays
        return (by_date and by_weekday) if self.both_days else (by_date or by_weekday)

    def next_after(self, time_ns: int) -> int | None:
        """Return the first hit strictly after a Unix time in ns, None if five years have none."""
        seconds = time_ns // SECOND + 1
        moment = datetime.fromtimestamp(seconds, UTC)
        day = moment.date()
        # A hit has no seconds: within a minute only the next one can be it.
        earliest = moment.hour * 60 + moment.minute + (moment.second > 0)
        last_year = day.year + _SEARCHED_YEARS
        while day.year <= last_year:
            if self.is_day(day):
                for hour in self.hours:
                    if hour * 60 + self.minutes[-1] < earliest:
                        continue
                    minute = next((m for m in self.minutes if hour * 60 + m >= earliest), None)
                    if minute is not None:
                        days = (day - _EPOCH).days
                        return (days * 86_400 + hour * 3600 + minute * 60) * SECOND
            day += timedelta(days=1)
            earliest = 0
        return None


def _field(text: str, low: int, high: int, names: dict[str, int]) -> tuple[frozenset[int], bool]:
    """Return the numbers that a field allows, and whether it has a star (without a step)."""
    values: set[int] = set()
    star = False
    for part in text.split(","):
        span, _, step_text = part.partition("/")
        step = int(step_text) if step_text else 1
        if span in ("*", "?"):
            first, last = low, high
            star = star or step == 1
        else:
            ends = [
                names[end.lower()] if end.lower() in names else int(end) for end in span.split("-")
            ]
            first = ends[0]
            last = high if step_text and len(ends) == 1 else ends[-1]
        values.update(range(first, last + 1, step))
    return frozenset(values), star
