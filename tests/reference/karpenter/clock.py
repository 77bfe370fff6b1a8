"""Points in time, Go durations and cron schedules. Everything is UTC."""

import re
from datetime import datetime, timedelta
from functools import cache

UNIT_SECONDS = {"h": 3600, "m": 60, "s": 1, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}
PART = re.compile(r"([0-9]+\.?[0-9]*|\.[0-9]+)(ms|us|ns|h|m|s)")
CRON_ALIASES = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
MONTHS = {
    name: i + 1
    for i, name in enumerate(
        ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
    )
}
WEEKDAYS = {name: i for i, name in enumerate(["sun", "mon", "tue", "wed", "thu", "fri", "sat"])}
CRON_FIELDS = ((0, 59, {}), (0, 23, {}), (1, 31, {}), (1, 12, MONTHS), (0, 6, WEEKDAYS))
SEARCHED_DAYS = 5 * 366


def parse_time(text):
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ")


@cache
def parse_duration(text):
    """A Go duration in seconds, or None if it is none."""
    if text == "0":
        return 0
    unsigned = text.lstrip("+-")
    if len(text) - len(unsigned) > 1 or not re.fullmatch(f"({PART.pattern})+", unsigned):
        return None
    seconds = sum(float(number) * UNIT_SECONDS[unit] for number, unit in PART.findall(unsigned))
    return -seconds if text.startswith("-") else seconds


class CronSchedule:
    """A five-field schedule. Raises ValueError if it is not one."""

    def __init__(self, text):
        fields = CRON_ALIASES.get(text, text).split()
        if len(fields) != 5:
            raise ValueError(f"{text!r} has not five fields")
        parsed = [
            self.parse_field(field, *bounds)
            for field, bounds in zip(fields, CRON_FIELDS, strict=False)
        ]
        self.minutes, self.hours, self.days, self.months, self.weekdays = [
            values for values, _ in parsed
        ]
        # If either day field is a star both must match, otherwise one of them is enough.
        self.both_days = parsed[2][1] or parsed[4][1]

    @staticmethod
    def parse_field(text, low, high, names):
        """The allowed numbers, and whether the field contains a star."""
        values, star = set(), False
        for part in text.split(","):
            span, _, step = part.partition("/")
            if span in ("*", "?"):
                first, last, star = low, high, True
            else:
                ends = [
                    names[end.lower()] if end.lower() in names else int(end)
                    for end in span.split("-")
                ]
                first, last = ends[0], ends[-1]
                if step and len(ends) == 1:
                    last = high
            if len(span.split("-")) > 2 or first < low or last > high or first > last:
                raise ValueError(f"{text!r} is out of range")
            values |= set(range(first, last + 1, int(step) if step else 1))
        return values, star

    def day_matches(self, time):
        day, weekday = time.day in self.days, time.isoweekday() % 7 in self.weekdays
        return time.month in self.months and (
            (day and weekday) if self.both_days else (day or weekday)
        )

    def next_after(self, time):
        """The first hit strictly after the time."""
        time = time.replace(second=0, microsecond=0) + timedelta(minutes=1)
        end = time + timedelta(days=SEARCHED_DAYS)
        while time < end:
            if not self.day_matches(time):
                time = (time + timedelta(days=1)).replace(hour=0, minute=0)
            elif time.hour not in self.hours:
                time = (time + timedelta(hours=1)).replace(minute=0)
            elif time.minute not in self.minutes:
                time += timedelta(minutes=1)
            else:
                return time
        return datetime.max
