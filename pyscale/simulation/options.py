"""How the simulated world behaves where Kubernetes and the policies leave it open."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from pyscale.model.nodes import Node

from .clock import MINUTE, SECOND

Offer = tuple[str, str, str]
"""Instance type, zone, capacity type."""


@dataclass(frozen=True)
class SimulationOptions:
    """The world's own behaviour; every draw follows from the run's seed.

    Attributes
    ----------
    end_ns : int, optional
        When the run ends; by default when the last pod of the trace has arrived, and those with a
        duration would have ended had they all started at once.
    epoch_ns : int, optional
        Unix time of time zero, for spot prices and schedules; by default the time for which the
        catalogue holds its prices.
    nodes : tuple of Node
        Nodes that are there from the start, ready, and cost nothing.
    boot_ns : int
        From the purchase of a machine to the ready node.
    boot_ns_by_type : mapping of str to int
        The same for single instance types.
    boot_jitter_ns : int
        Uniformly distributed between 0 and this, added to the boot time of each machine.
    group_delay_ns : int
        From a change of a group's desired capacity to the purchase.
    capacity_retry_ns : int
        How often a group tries again for machines that it could not get.
    capacity : mapping of (instance type, zone, capacity type) to int
        How many machines of an offering there can be at a time; all others are unlimited.
    launch_failure_rate : float
        Share of purchased machines that never join; they are given back after the boot time.
    interruptions_per_hour : float
        Rate at which a spot machine is taken back by the cloud.
    notice_ns : int
        How long before it says so.
    eviction_retry_ns : int
        How often evictions that a disruption budget forbade are tried again.
    shutdown_ns : int
        From the last pod's end to the end of the bill.
    minimum_billing_ns : int
        What the cloud bills at least for a machine.
    """

    end_ns: int | None = None
    epoch_ns: int | None = None
    nodes: tuple[Node, ...] = ()
    boot_ns: int = 60 * SECOND
    boot_ns_by_type: Mapping[str, int] = field(default_factory=dict)
    boot_jitter_ns: int = 0
    group_delay_ns: int = 0
    capacity_retry_ns: int = MINUTE
    capacity: Mapping[Offer, int] = field(default_factory=dict)
    launch_failure_rate: float = 0.0
    interruptions_per_hour: float = 0.0
    notice_ns: int = 2 * MINUTE
    eviction_retry_ns: int = 10 * SECOND
    shutdown_ns: int = 5 * SECOND
    minimum_billing_ns: int = MINUTE

    def __post_init__(self) -> None:
        for name in (
            "boot_ns",
            "boot_jitter_ns",
            "group_delay_ns",
            "notice_ns",
            "shutdown_ns",
            "minimum_billing_ns",
        ):
            _at_least(name, getattr(self, name), 0)
        for name in ("capacity_retry_ns", "eviction_retry_ns"):
            _at_least(name, getattr(self, name), 1)
        if self.end_ns is not None:
            _at_least("end_ns", self.end_ns, 1)
        for kind, value in self.boot_ns_by_type.items():
            _at_least(f"boot_ns_by_type[{kind!r}]", value, 0)
        for offer, value in self.capacity.items():
            _at_least(f"capacity[{offer!r}]", value, 0)
        if not 0 <= self.launch_failure_rate < 1:
            found = self.launch_failure_rate
            raise ValueError(f"launch_failure_rate must be from 0 to below 1, found {found}")
        if not 0 <= self.interruptions_per_hour < float("inf"):
            found = self.interruptions_per_hour
            raise ValueError(f"interruptions_per_hour must be a number >= 0, found {found}")

    def boot_time(self, instance_type: str) -> int:
        """Return the boot time of a type without jitter."""
        return self.boot_ns_by_type.get(instance_type, self.boot_ns)

    def to_dict(self) -> dict[str, Any]:
        """Return the options as plain data; nodes by name."""
        plain = asdict(self)
        plain["nodes"] = [node.name for node in self.nodes]
        plain["capacity"] = {"/".join(offer): n for offer, n in self.capacity.items()}
        return plain


def _at_least(name: str, value: int, least: int) -> None:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{name} must be an int of nanoseconds or machines, found {value!r}")
    if value < least:
        raise ValueError(f"{name} must be >= {least}, found {value}")
