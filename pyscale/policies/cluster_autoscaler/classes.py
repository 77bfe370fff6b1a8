"""Pod classes: all that Cluster Autoscaler reads of a pod, computed once per distinct pod."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field

from ...model.pods import PodTemplate
from ...model.resources import CPU, MEMORY
from .shapes import shape_of
from .units import pod_request

PREFIX = "cluster-autoscaler.kubernetes.io/"
DAEMON_SET = "DaemonSet"
MIRROR_ANNOTATION = "kubernetes.io/config.mirror"
CONFIG_SOURCE_ANNOTATION = "kubernetes.io/config.source"
DAEMON_SET_POD_ANNOTATION = PREFIX + "daemonset-pod"


@dataclass(frozen=True, slots=True, eq=False)
class PodClass:
    """Equal pods.  Requests in milli-CPU, bytes and counts.

    ``shape`` is an interned id: two pods of one controller are alike iff it is equal.
    """

    index: int
    template: PodTemplate
    terminating: bool
    terminal: bool
    requests: dict[str, int]
    cpu: int
    memory: int
    priority: int | None
    controller_kind: str
    controller_name: str
    controller_uid: str | None
    shape: int
    is_daemon_set: bool
    is_mirror: bool
    is_static: bool

    @property
    def namespace(self) -> str:
        """The namespace."""
        return self.template.namespace

    @property
    def effective_priority(self) -> int:
        """The priority, 0 where none is set."""
        return self.priority or 0


@dataclass(slots=True)
class ClassTable:
    """Interns pod templates; classes are numbered in order of first appearance."""

    classes: list[PodClass] = field(default_factory=list)
    _by_key: dict[Hashable, PodClass] = field(default_factory=dict)
    _shapes: dict[str, int] = field(default_factory=dict)

    def get(self, key: Hashable) -> PodClass | None:
        """Return the class added under a key, if there is one."""
        return self._by_key.get(key)

    def add(
        self,
        key: Hashable,
        template: PodTemplate,
        *,
        terminating: bool = False,
        terminal: bool = False,
        labels_absent: bool = False,
    ) -> PodClass:
        """Return the class of a template, computing it at its first appearance.

        Parameters
        ----------
        key : hashable
            Whatever tells different templates apart; looked up first.
        template : PodTemplate
            Read only if the key is new.
        terminating : bool
            Pods with a deletion timestamp.
        terminal : bool
            Pods whose phase is Succeeded or Failed.
        labels_absent : bool
            The manifest has no labels, not even an empty map.
        """
        known = self._by_key.get(key)
        if known is not None:
            return known
        spec, annotations, controller = template.spec, template.annotations, template.controller
        requests = pod_request(spec)
        shape = self._shapes.setdefault(shape_of(template, labels_absent), len(self._shapes))
        source = annotations.get(CONFIG_SOURCE_ANNOTATION)
        found = PodClass(
            index=len(self.classes),
            template=template,
            terminating=terminating,
            terminal=terminal,
            requests=requests,
            cpu=requests.get(CPU, 0),
            memory=requests.get(MEMORY, 0),
            priority=spec.priority,
            controller_kind=controller.kind if controller else "",
            controller_name=controller.name if controller else "",
            controller_uid=controller.uid if controller else None,
            shape=shape,
            is_daemon_set=(controller is not None and controller.kind == DAEMON_SET)
            or annotations.get(DAEMON_SET_POD_ANNOTATION) == "true",
            is_mirror=MIRROR_ANNOTATION in annotations,
            is_static=source is not None and source != "api",
        )
        self.classes.append(found)
        self._by_key[key] = found
        return found
