"""Cron schedules as NodePool budgets and CronJobs may hold them."""

from __future__ import annotations

import re

MACROS = ("@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly")

_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_DAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]
_FIELDS: tuple[tuple[str, int, int, dict[str, int]], ...] = (
    ("minute", 0, 59, {}),
    ("hour", 0, 23, {}),
    ("day of month", 1, 31, {}),
    ("month", 1, 12, {name: number for number, name in enumerate(_MONTHS, 1)}),
    ("day of week", 0, 6, {name: number for number, name in enumerate(_DAYS)}),
)
_PART = re.compile(r"(\*|\?|[0-9]+|[A-Za-z]+)(?:-([0-9]+|[A-Za-z]+))?(?:/([0-9]+))?")


def schedule_problem(schedule: str) -> str | None:
    """Tell what is wrong with a schedule, None if nothing is.

    Five fields of numbers, names, ranges, lists and steps, or a word such as ``@daily``.  Follows
    ``robfig/cron`` ``ParseStandard``, where Sunday is 0 and not 7.
    """
    if schedule in MACROS:
        return None
    fields = schedule.split()
    if len(fields) != 5:
        return f"expected five cron fields or a word such as @daily, found {schedule!r}"
    for text, (name, least, most, words) in zip(fields, _FIELDS, strict=True):
        for part in text.split(","):
            if not _is_part(part, least, most, words):
                return f"expected a {name} from {least} to {most}, found {part!r} in {schedule!r}"
    return None


def _is_part(part: str, least: int, most: int, words: dict[str, int]) -> bool:
    match = _PART.fullmatch(part)
    if match is None:
        return False
    first, last, step = match.groups()
    if step is not None and (len(step) > 9 or int(step) == 0):
        return False
    if first in ("*", "?"):
        return last is None
    low = _number(first, words)
    high = low if last is None else _number(last, words)
    return low is not None and high is not None and least <= low <= high <= most


def _number(text: str, words: dict[str, int]) -> int | None:
    if text.isdigit():
        return int(text) if len(text) <= 9 else None
    return words.get(text.lower())
