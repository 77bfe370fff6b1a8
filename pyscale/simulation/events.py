"""The events that the driver asks the event loop for; all have the loop's last priority."""

from __future__ import annotations

from enum import IntEnum


class Event(IntEnum):
    """What is due; the payload is a node id unless something else is said."""

    JOINED = 0
    """A node that somebody waits for is ready."""
    LAUNCH_FAILED = 1
    """A machine will never join."""
    MACHINE_GONE = 2
    """A machine is shut down."""
    LOSS_ANNOUNCED = 3
    """The cloud says when it takes a machine back."""
    LOST = 4
    """The cloud takes a machine back."""
    EVICT_AGAIN = 5
    """Evictions that a disruption budget forbade are tried again."""
    GRACE_OVER = 6
    """A node had its time to drain."""
    LAUNCH_AGAIN = 7
    """A group tries again for the machines that it could not get; the payload is the group."""
    REPLACEMENT_OVER = 8
    """A replacement had its time; the payload is its number."""
    MACHINE_DUE = 9
    """A group launches what it was asked for; the payload is the group."""
    FAILURE_KNOWN = 10
    """The policy hears of a failed launch."""
