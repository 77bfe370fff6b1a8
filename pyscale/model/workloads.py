"""What owns and selects pods: workloads, services, namespaces."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .pods import OwnerReference, PodTemplate
from .requirements import LabelSelector


@dataclass(frozen=True, slots=True)
class Workload:
    """A controller and its pod template.

    ``kind`` is Deployment, ReplicaSet, StatefulSet, DaemonSet, Job, CronJob or
    ReplicationController.  ``count`` is the number of pods that it wants at one time (for a Job the
    smaller of parallelism and completions, for a CronJob that of one run), None for a DaemonSet,
    which wants one on each eligible node.  ``schedule`` is a CronJob's.
    """

    kind: str
    name: str
    template: PodTemplate
    count: int | None
    namespace: str = "default"
    uid: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    owners: tuple[OwnerReference, ...] = ()
    selector: LabelSelector | None = None
    suspended: bool = False
    schedule: str = ""

    @property
    def key(self) -> str:
        """``namespace/name``."""
        return f"{self.namespace}/{self.name}"

    @property
    def controller(self) -> OwnerReference | None:
        """The workload that owns this one, if any."""
        return next((owner for owner in self.owners if owner.controller), None)


@dataclass(frozen=True, slots=True)
class Service:
    """A Service as placement reads it; an empty selector selects nothing."""

    name: str
    namespace: str = "default"
    labels: Mapping[str, str] = field(default_factory=dict)
    selector: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Namespace:
    """A namespace with the labels that namespace selectors read."""

    name: str
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
