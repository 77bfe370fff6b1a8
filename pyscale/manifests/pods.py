"""Pods and pod templates from manifests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pyscale.errors import UnsupportedError
from pyscale.model.pods import Container, ContainerPort, Pod, PodSpec, PodTemplate
from pyscale.model.requirements import NodeSelectorTerm, PreferredNodeSelectorTerm
from pyscale.model.taints import Toleration
from pyscale.model.topology import (
    PodAffinityTerm,
    TopologySpreadConstraint,
    WeightedPodAffinityTerm,
)
from pyscale.model.validation import validate_pod, validate_pod_template
from pyscale.model.volumes import Volume

from . import _wire as wire
from ._convert import (
    FieldError,
    decode,
    label_selector,
    node_selector,
    node_selector_term,
    owner_references,
    pod_conditions,
    read,
    resources,
    time_ns,
)
from ._wire import msgspec

DEFAULT_NAMESPACE = "default"


def pod_from_dict(obj: Mapping[str, Any], where: str = "", validate: bool = True) -> Pod:
    """Read a ``v1`` Pod.

    Parameters
    ----------
    obj : mapping
        The object as JSON or YAML gives it.
    where : str, optional
        Named first in an error, for example the file.
    validate : bool, default True
        Whether to refuse what an API server would refuse; otherwise all that can be decoded is
        accepted.

    Returns
    -------
    Pod
        ``spec.nodeName`` is the pod's ``node_name`` and no part of its template, so that the pods
        of one workload have equal templates wherever they run.

    Raises
    ------
    InvalidObjectError
        With object and field path.
    UnsupportedError
        If the pod claims devices (``spec.resourceClaims``).

    Notes
    -----
    No API default is applied, except that the namespace is ``default`` where none is given.
    """
    return PodReader(validate).read(obj, where)


def pod_template_from_dict(
    obj: Mapping[str, Any], where: str = "", validate: bool = True
) -> PodTemplate:
    """Read a pod template: ``metadata`` and ``spec`` of a pod or of a workload's template.

    Unlike :func:`pod_from_dict` it keeps ``spec.nodeName``, as ``spec.node_name``.

    Parameters
    ----------
    obj, where, validate
        As in :func:`pod_from_dict`.

    Raises
    ------
    InvalidObjectError
        With object and field path.
    """
    return read(
        "pod template",
        obj,
        wire.PodTemplate,
        lambda given: template_of(given, obj),
        where,
        validate and validate_pod_template,
    )


class PodReader:
    """Reads many pods; those of equal metadata and spec share one template object.

    Parameters
    ----------
    validate : bool, default True
        As in :func:`pod_from_dict`; a shared template is validated once.
    """

    def __init__(self, validate: bool = True) -> None:
        self.validate = validate
        self._templates: dict[bytes, PodTemplate] = {}
        self._valid: set[int] = set()  # identities of shared templates, which live as long as this

    def read(self, obj: Mapping[str, Any], where: str = "") -> Pod:
        """Read one pod.

        Raises
        ------
        InvalidObjectError
            With object and field path.
        """
        pod = decode("pod", obj, wire.Pod, lambda given: self._build(given, obj), where)
        if self.validate:
            template = id(pod.template)
            validate_pod(pod, where, template_is_valid=template in self._valid)
            self._valid.add(template)
        return pod

    def _build(self, given: wire.Pod, obj: Mapping[str, Any]) -> Pod:
        metadata = given.metadata or wire.ObjectMeta()
        status = given.status or wire.PodStatus()
        node_name = (given.spec.node_name or "") if given.spec else ""
        return Pod(
            name=metadata.name or "",
            template=self._template(given, obj),
            uid=metadata.uid or "",
            creation_ns=time_ns(metadata.creation_timestamp, "$.metadata.creationTimestamp"),
            deletion_ns=time_ns(metadata.deletion_timestamp, "$.metadata.deletionTimestamp"),
            start_ns=time_ns(status.start_time, "$.status.startTime"),
            node_name=node_name,
            nominated_node_name=status.nominated_node_name or "",
            phase=status.phase or "",
            conditions=pod_conditions(status.conditions),
        )

    def _template(self, given: wire.Pod, obj: Mapping[str, Any]) -> PodTemplate:
        metadata = given.metadata or wire.ObjectMeta()
        raw = {name: value for name, value in (obj.get("spec") or {}).items() if name != "nodeName"}
        shared = (
            raw,
            metadata.namespace,
            metadata.labels,
            metadata.annotations,
            metadata.owner_references,
        )
        try:
            key = msgspec.msgpack.encode(shared)
        except (OverflowError, TypeError, ValueError) as error:
            raise FieldError("$.spec", f"expected plain JSON data: {error}") from None
        template = self._templates.get(key)
        if template is None:
            if given.spec is not None:
                given.spec.node_name = None
            template = template_of(given, {"spec": raw})
            self._templates[key] = template
        return template


def template_of(
    given: wire.Pod | wire.PodTemplate, obj: Mapping[str, Any], path: str = "$"
) -> PodTemplate:
    """Build the template of a decoded pod; ``obj`` is what it was decoded from."""
    metadata = given.metadata or wire.ObjectMeta()
    return PodTemplate(
        spec=_spec(given.spec or wire.PodSpec(), obj.get("spec") or {}, f"{path}.spec"),
        namespace=metadata.namespace or DEFAULT_NAMESPACE,
        labels=metadata.labels or {},
        annotations=metadata.annotations or {},
        owners=owner_references(metadata.owner_references),
    )


def _spec(spec: wire.PodSpec, raw: Mapping[str, Any], path: str) -> PodSpec:
    if spec.resource_claims:
        raise UnsupportedError("dynamic resource allocation", f"{path}.resourceClaims")
    affinity = spec.affinity or wire.Affinity()
    pod_affinity = affinity.pod_affinity or wire.PodAffinity()
    anti_affinity = affinity.pod_anti_affinity or wire.PodAffinity()
    node_affinity = affinity.node_affinity or wire.NodeAffinity()
    own = spec.resources or wire.ResourceRequirements()
    return PodSpec(
        containers=_containers(spec.containers, f"{path}.containers"),
        init_containers=_containers(spec.init_containers, f"{path}.initContainers"),
        overhead=resources(spec.overhead, f"{path}.overhead"),
        resources=resources(own.requests, f"{path}.resources.requests"),
        resource_limits=resources(own.limits, f"{path}.resources.limits"),
        node_name=spec.node_name or "",
        node_selector=spec.node_selector or {},
        required_node_affinity=node_selector(node_affinity.required),
        preferred_node_affinity=tuple(map(_preferred_node_term, node_affinity.preferred or ())),
        required_pod_affinity=tuple(map(_affinity_term, pod_affinity.required or ())),
        preferred_pod_affinity=tuple(map(_weighted_term, pod_affinity.preferred or ())),
        required_pod_anti_affinity=tuple(map(_affinity_term, anti_affinity.required or ())),
        preferred_pod_anti_affinity=tuple(map(_weighted_term, anti_affinity.preferred or ())),
        tolerations=tuple(map(_toleration, spec.tolerations or ())),
        topology_spread_constraints=tuple(
            map(_spread_constraint, spec.topology_spread_constraints or ())
        ),
        volumes=tuple(
            _volume(volume, f"{path}.volumes[{index}]")
            for index, volume in enumerate(spec.volumes or ())
        ),
        priority=spec.priority,
        priority_class_name=spec.priority_class_name or "",
        preemption_policy=spec.preemption_policy,
        scheduler_name=spec.scheduler_name or "",
        scheduling_gates=tuple(gate.name or "" for gate in spec.scheduling_gates or ()),
        host_network=bool(spec.host_network),
        restart_policy=spec.restart_policy or "",
        termination_grace_period_seconds=spec.termination_grace_period_seconds,
        manifest=raw,
    )


def _containers(given: list[wire.Container] | None, path: str) -> tuple[Container, ...]:
    return tuple(
        _container(container, f"{path}[{index}]") for index, container in enumerate(given or ())
    )


def _container(given: wire.Container, path: str) -> Container:
    own = given.resources or wire.ResourceRequirements()
    return Container(
        name=given.name or "",
        image=given.image or "",
        requests=resources(own.requests, f"{path}.resources.requests"),
        limits=resources(own.limits, f"{path}.resources.limits"),
        ports=tuple(
            ContainerPort(
                port.container_port or 0,
                port.host_port or 0,
                port.host_ip or "",
                port.protocol or "",
            )
            for port in given.ports or ()
        ),
        restart_policy=given.restart_policy,
    )


def _preferred_node_term(given: wire.PreferredNodeSelectorTerm) -> PreferredNodeSelectorTerm:
    preference = node_selector_term(given.preference) if given.preference else NodeSelectorTerm()
    return PreferredNodeSelectorTerm(given.weight or 0, preference)


def _affinity_term(given: wire.PodAffinityTerm) -> PodAffinityTerm:
    return PodAffinityTerm(
        topology_key=given.topology_key or "",
        label_selector=label_selector(given.label_selector),
        namespaces=tuple(given.namespaces or ()),
        namespace_selector=label_selector(given.namespace_selector),
        match_label_keys=tuple(given.match_label_keys or ()),
        mismatch_label_keys=tuple(given.mismatch_label_keys or ()),
    )


def _weighted_term(given: wire.WeightedPodAffinityTerm) -> WeightedPodAffinityTerm:
    term = _affinity_term(given.pod_affinity_term or wire.PodAffinityTerm())
    return WeightedPodAffinityTerm(given.weight or 0, term)


def _toleration(given: wire.Toleration) -> Toleration:
    return Toleration(
        given.key or "",
        given.operator or "",
        given.value or "",
        given.effect or "",
        given.toleration_seconds,
    )


def _spread_constraint(given: wire.TopologySpreadConstraint) -> TopologySpreadConstraint:
    return TopologySpreadConstraint(
        max_skew=given.max_skew or 0,
        topology_key=given.topology_key or "",
        when_unsatisfiable=given.when_unsatisfiable or "",
        label_selector=label_selector(given.label_selector),
        min_domains=given.min_domains,
        node_affinity_policy=given.node_affinity_policy,
        node_taints_policy=given.node_taints_policy,
        match_label_keys=tuple(given.match_label_keys or ()),
    )


def _volume(given: Mapping[str, Any], path: str) -> Volume:
    name = given.get("name") or ""
    if not isinstance(name, str):
        raise FieldError(f"{path}.name", f"expected `str`, found {name!r}")
    for kind, source in given.items():
        if kind != "name" and source is not None:
            if not isinstance(source, Mapping):
                raise FieldError(f"{path}.{kind}", f"expected `object`, found {source!r}")
            return Volume(name, kind, source)
    return Volume(name)
