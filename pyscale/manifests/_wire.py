"""What the decoder accepts: pods and nodes in the field names and types of the API.

Every field may be absent or null, as for the API's own decoder; unknown fields are ignored; a
field of a wrong type is refused.  Quantities stay as written.
"""

from __future__ import annotations

from typing import Annotated, Any

from pyscale.errors import MissingDependencyError

try:
    import msgspec
    from msgspec import Meta, Struct, field
except ImportError:
    raise MissingDependencyError("msgspec", "io") from None

__all__ = ["field", "msgspec"]

Int32 = Annotated[int, Meta(ge=-(2**31), le=2**31 - 1)]
Int64 = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
Strings = dict[str, str]
Quantities = dict[str, Any]


class Wire(Struct, rename="camel"):
    """Base of everything that is read."""


class OwnerReference(Wire):
    api_version: str | None = None
    kind: str | None = None
    name: str | None = None
    uid: str | None = None
    controller: bool | None = None


class ObjectMeta(Wire):
    name: str | None = None
    generate_name: str | None = None
    namespace: str | None = None
    uid: str | None = None
    labels: Strings | None = None
    annotations: Strings | None = None
    owner_references: list[OwnerReference] | None = None
    creation_timestamp: str | None = None
    deletion_timestamp: str | None = None


class Expression(Wire):
    key: str | None = None
    operator: str | None = None
    values: list[str] | None = None
    min_values: Int64 | None = None


class LabelSelector(Wire):
    match_labels: Strings | None = None
    match_expressions: list[Expression] | None = None


class NodeSelectorTerm(Wire):
    match_expressions: list[Expression] | None = None
    match_fields: list[Expression] | None = None


class NodeSelector(Wire):
    node_selector_terms: list[NodeSelectorTerm] | None = None


class PreferredNodeSelectorTerm(Wire):
    weight: Int32 | None = None
    preference: NodeSelectorTerm | None = None


class NodeAffinity(Wire):
    required: NodeSelector | None = field(
        default=None, name="requiredDuringSchedulingIgnoredDuringExecution"
    )
    preferred: list[PreferredNodeSelectorTerm] | None = field(
        default=None, name="preferredDuringSchedulingIgnoredDuringExecution"
    )


class PodAffinityTerm(Wire):
    label_selector: LabelSelector | None = None
    namespaces: list[str] | None = None
    topology_key: str | None = None
    namespace_selector: LabelSelector | None = None
    match_label_keys: list[str] | None = None
    mismatch_label_keys: list[str] | None = None


class WeightedPodAffinityTerm(Wire):
    weight: Int32 | None = None
    pod_affinity_term: PodAffinityTerm | None = None


class PodAffinity(Wire):
    required: list[PodAffinityTerm] | None = field(
        default=None, name="requiredDuringSchedulingIgnoredDuringExecution"
    )
    preferred: list[WeightedPodAffinityTerm] | None = field(
        default=None, name="preferredDuringSchedulingIgnoredDuringExecution"
    )


class Affinity(Wire):
    node_affinity: NodeAffinity | None = None
    pod_affinity: PodAffinity | None = None
    pod_anti_affinity: PodAffinity | None = None


class Toleration(Wire):
    key: str | None = None
    operator: str | None = None
    value: str | None = None
    effect: str | None = None
    toleration_seconds: Int64 | None = None


class Taint(Wire):
    key: str | None = None
    value: str | None = None
    effect: str | None = None


class TopologySpreadConstraint(Wire):
    max_skew: Int32 | None = None
    topology_key: str | None = None
    when_unsatisfiable: str | None = None
    label_selector: LabelSelector | None = None
    min_domains: Int32 | None = None
    node_affinity_policy: str | None = None
    node_taints_policy: str | None = None
    match_label_keys: list[str] | None = None


class ResourceRequirements(Wire):
    requests: Quantities | None = None
    limits: Quantities | None = None


class ContainerPort(Wire):
    container_port: Int32 | None = None
    host_port: Int32 | None = None
    host_ip: str | None = field(default=None, name="hostIP")
    protocol: str | None = None


class Container(Wire):
    name: str | None = None
    image: str | None = None
    resources: ResourceRequirements | None = None
    ports: list[ContainerPort] | None = None
    restart_policy: str | None = None


class SchedulingGate(Wire):
    name: str | None = None


class PodSpec(Wire):
    containers: list[Container] | None = None
    init_containers: list[Container] | None = None
    overhead: Quantities | None = None
    resources: ResourceRequirements | None = None
    node_name: str | None = None
    node_selector: Strings | None = None
    affinity: Affinity | None = None
    tolerations: list[Toleration] | None = None
    topology_spread_constraints: list[TopologySpreadConstraint] | None = None
    volumes: list[dict[str, Any]] | None = None
    resource_claims: list[Any] | None = None
    priority: Int32 | None = None
    priority_class_name: str | None = None
    preemption_policy: str | None = None
    scheduler_name: str | None = None
    scheduling_gates: list[SchedulingGate] | None = None
    host_network: bool | None = None
    restart_policy: str | None = None
    termination_grace_period_seconds: Int64 | None = None


class Condition(Wire):
    type: str | None = None
    status: str | None = None
    reason: str | None = None
    message: str | None = None
    last_transition_time: str | None = None
    last_heartbeat_time: str | None = None


class PodStatus(Wire):
    phase: str | None = None
    conditions: list[Condition] | None = None
    start_time: str | None = None
    nominated_node_name: str | None = None


class Pod(Wire):
    metadata: ObjectMeta | None = None
    spec: PodSpec | None = None
    status: PodStatus | None = None


class PodTemplate(Wire):
    metadata: ObjectMeta | None = None
    spec: PodSpec | None = None


class NodeSpec(Wire):
    provider_id: str | None = field(default=None, name="providerID")
    unschedulable: bool | None = None
    taints: list[Taint] | None = None


class ContainerImage(Wire):
    names: list[str] | None = None
    size_bytes: Int64 | None = None


class NodeStatus(Wire):
    capacity: Quantities | None = None
    allocatable: Quantities | None = None
    conditions: list[Condition] | None = None
    images: list[ContainerImage] | None = None


class Node(Wire):
    metadata: ObjectMeta | None = None
    spec: NodeSpec | None = None
    status: NodeStatus | None = None
