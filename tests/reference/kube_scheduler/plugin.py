"""What a filter plugin and a score plugin are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .cluster import Cluster
from .model import Node, Pod
from .profile import Profile
from .status import UNRESOLVABLE, UNSCHEDULABLE, Status


@dataclass
class PreFilterResult:
    """Skip drops the plugin's filter and add_pod.

    A status fails the whole cycle; node_names narrows the scan.
    """

    state: Any = None
    skip: bool = False
    status: Status | None = None
    node_names: set[str] | None = None


class FilterPlugin:
    name = ""

    def __init__(self, profile: Profile):
        self.args = profile.args(self.name)

    def pre_filter(self, pod: Pod, cluster: Cluster) -> PreFilterResult:
        return PreFilterResult()

    def filter(self, state: Any, pod: Pod, node: Node) -> Status | None:
        """None if the node passes."""
        raise NotImplementedError

    def account(self, state: Any, pod: Pod, node: Node, other: Pod, sign: int) -> None:
        """AddPod (+1) / RemovePod (-1): `other` joins or leaves `node` in this cycle's state."""

    def copy_state(self, state: Any) -> Any:
        return state

    def unschedulable(self, *reasons: str) -> Status:
        return Status(self.name, UNSCHEDULABLE, reasons)

    def unresolvable(self, *reasons: str) -> Status:
        return Status(self.name, UNRESOLVABLE, reasons)


@dataclass
class Scores:
    """Per feasible node; `normalised` is None for a plugin without NormalizeScore."""

    raw: list[int]
    normalised: list[int] | None = None

    @property
    def final(self) -> list[int]:
        return self.raw if self.normalised is None else self.normalised


class ScorePlugin:
    name = ""

    def __init__(self, profile: Profile):
        self.args = profile.args(self.name)

    def score(self, pod: Pod, feasible: list[Node], cluster: Cluster) -> Scores | None:
        """None if PreScore skips the plugin, which then contributes nothing."""
        raise NotImplementedError
