"""What the decoder accepts: NodePools, NodeClaims and disruption budgets."""

from __future__ import annotations

from ._wire import (
    Condition,
    Expression,
    Int32,
    Int64,
    LabelSelector,
    ObjectMeta,
    Quantities,
    ResourceRequirements,
    Taint,
    Wire,
    field,
)


class Budget(Wire):
    nodes: str | None = None
    reasons: list[str] | None = None
    schedule: str | None = None
    duration: str | None = None


class Disruption(Wire):
    consolidate_after: str | None = None
    consolidation_policy: str | None = None
    budgets: list[Budget] | None = None


class NodeClassReference(Wire):
    group: str | None = None
    kind: str | None = None
    name: str | None = None


class NodeClaimSpec(Wire):
    requirements: list[Expression] | None = None
    taints: list[Taint] | None = None
    startup_taints: list[Taint] | None = None
    resources: ResourceRequirements | None = None
    node_class_ref: NodeClassReference | None = None
    expire_after: str | None = None
    termination_grace_period: str | None = None


class NodeClaimTemplate(Wire):
    metadata: ObjectMeta | None = None
    spec: NodeClaimSpec | None = None


class NodePoolSpec(Wire):
    template: NodeClaimTemplate | None = None
    disruption: Disruption | None = None
    limits: Quantities | None = None
    weight: Int32 | None = None
    replicas: Int64 | None = None


class NodePoolStatus(Wire):
    conditions: list[Condition] | None = None


class NodePool(Wire):
    metadata: ObjectMeta | None = None
    spec: NodePoolSpec | None = None
    status: NodePoolStatus | None = None


class NodeClaimStatus(Wire):
    node_name: str | None = None
    provider_id: str | None = field(default=None, name="providerID")
    capacity: Quantities | None = None
    allocatable: Quantities | None = None
    conditions: list[Condition] | None = None
    last_pod_event_time: str | None = None


class NodeClaim(Wire):
    metadata: ObjectMeta | None = None
    spec: NodeClaimSpec | None = None
    status: NodeClaimStatus | None = None


class NodeClass(Wire):
    metadata: ObjectMeta | None = None


class PodDisruptionBudgetSpec(Wire):
    min_available: Int32 | str | None = None
    max_unavailable: Int32 | str | None = None
    selector: LabelSelector | None = None
    unhealthy_pod_eviction_policy: str | None = None


class PodDisruptionBudgetStatus(Wire):
    disruptions_allowed: Int32 | None = None
    current_healthy: Int32 | None = None
    desired_healthy: Int32 | None = None
    expected_pods: Int32 | None = None
    disrupted_pods: dict[str, str] | None = None


class PodDisruptionBudget(Wire):
    metadata: ObjectMeta | None = None
    spec: PodDisruptionBudgetSpec | None = None
    status: PodDisruptionBudgetStatus | None = None
