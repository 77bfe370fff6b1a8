"""The times of a cron schedule."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from pyscale.errors import InvalidObjectError, MissingDependencyError

from .units import SECOND_NS


def cron_times(schedule: str, after_ns: int, until_ns: int) -> Iterator[int]:
    """Yield the times of a schedule in UTC, later than one time and not later than another.

    Parameters
    ----------
    schedule : str
        Five fields, as a CronJob has them.
    after_ns, until_ns : int
        Nanoseconds since the Unix epoch.

    Raises
    ------
    InvalidObjectError
        If the schedule is none.
    """
    try:
        from cronsim import CronSim, CronSimError
    except ImportError:
        raise MissingDependencyError("cronsim", "io") from None
    start = datetime.fromtimestamp(after_ns // SECOND_NS, UTC)
    try:
        times = CronSim(schedule, start)
    except CronSimError as error:
        raise InvalidObjectError("$.spec.schedule", f"{schedule!r}: {error}") from None
    for moment in times:
        time_ns = int(moment.timestamp()) * SECOND_NS
        if time_ns > until_ns:
            return
        yield time_ns
