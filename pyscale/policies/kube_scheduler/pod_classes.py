"""What rules read of a pod: the template of a class, its ports, images and amounts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from pyscale.model.pods import Container, PodSpec, PodTemplate
from pyscale.model.requests import is_sidecar

from .requests import container_request
from .topology import PodRules
from .verdicts import Refusal
from .volumes import VolumeRules

ANY_ADDRESS = "0.0.0.0"
Port = tuple[str, str, int]


@dataclass(frozen=True)
class PodClass:
    """What the snapshot remembers of a pod class beside the kernel's numbers.

    Attributes
    ----------
    template : PodTemplate
    terminating : bool
    pre_filter : Refusal or None
        Why PreFilter refuses the class whatever the nodes are.
    names : frozenset of str, optional
        Names of the nodes to which the scan is restricted.
    ports : tuple
        Wanted host ports.
    topology : PodRules
    volumes : VolumeRules
    """

    template: PodTemplate
    terminating: bool
    pre_filter: Refusal | None
    names: frozenset[str] | None
    ports: tuple[Port, ...]
    topology: PodRules
    volumes: VolumeRules


def class_template(template: PodTemplate) -> PodTemplate:
    """Return a template without what no rule reads; pods whose rest is equal are one class."""
    spec = replace(
        template.spec,
        priority=None,
        priority_class_name="",
        preemption_policy=None,
        scheduler_name="",
        scheduling_gates=(),
        host_network=False,
        restart_policy="",
        termination_grace_period_seconds=None,
    )
    return replace(template, spec=spec, annotations={})


def rounded(allocatable: Mapping[str, int]) -> dict[str, int]:
    """Return what a node offers, rounded as API defaulting rounds requests."""
    return container_request(Container(requests=allocatable))


def host_ports(spec: PodSpec) -> tuple[Port, ...]:
    """Return the ports of containers and sidecars; plain init containers don't count."""
    containers = [*spec.containers, *filter(is_sidecar, spec.init_containers)]
    return tuple(
        (port.host_ip or ANY_ADDRESS, port.protocol or "TCP", port.host_port)
        for container in containers
        for port in container.ports
        if port.host_port > 0
    )


def with_tag(image: str) -> str:
    """Return the name of an image with its tag, ``latest`` where none is given."""
    return image if image.rfind(":") > image.rfind("/") else f"{image}:latest"


def ports_conflict(wanted: Port, used: Port) -> bool:
    """Whether a wanted host port is taken by a used one; 0.0.0.0 stands for every address."""
    if wanted[1:] != used[1:]:
        return False
    return wanted[0] == used[0] or ANY_ADDRESS in (wanted[0], used[0])
