"""NodePools, NodeClaims and node classes from manifests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pyscale.model.disruption import DisruptionBudget, DisruptionSettings
from pyscale.model.groups import NODE_CLASS_HASH, POOL_HASH, NodeClass, NodePool, noted_hash
from pyscale.model.node_claims import NodeClaim
from pyscale.model.validation import validate_node_claim, validate_node_pool

from . import _wire as base
from . import _wire_groups as wire
from ._convert import (
    decode,
    duration_ns,
    expressions,
    node_conditions,
    node_taints,
    read,
    resources,
    time_ns,
)

NEVER = "Never"
AWS_GROUP = "karpenter.k8s.aws"

_DEFAULT = NodePool(name="")


def node_pool_from_dict(obj: Mapping[str, Any], where: str = "", validate: bool = True) -> NodePool:
    """Read a ``karpenter.sh/v1`` NodePool.

    Parameters
    ----------
    obj, where, validate
        As in :func:`pyscale.manifests.pod_from_dict`.

    Returns
    -------
    NodePool
        The CRD's defaults hold for absent fields.  The pool is ready unless its status says
        otherwise.

    Raises
    ------
    InvalidObjectError
        With object and field path.
    """
    return read("node pool", obj, wire.NodePool, _node_pool, where, validate and validate_node_pool)


def _node_pool(given: wire.NodePool) -> NodePool:
    metadata = given.metadata or base.ObjectMeta()
    spec = given.spec or wire.NodePoolSpec()
    template = spec.template or wire.NodeClaimTemplate()
    claim = template.spec or wire.NodeClaimSpec()
    template_metadata = template.metadata or base.ObjectMeta()
    path = "$.spec.template.spec"
    return NodePool(
        name=metadata.name or "",
        weight=spec.weight or 0,
        limits=None if spec.limits is None else resources(spec.limits, "$.spec.limits"),
        replicas=spec.replicas,
        disruption=_disruption(spec.disruption or wire.Disruption()),
        requirements=expressions(claim.requirements),
        labels=template_metadata.labels or {},
        annotations=template_metadata.annotations or {},
        taints=node_taints(claim.taints),
        startup_taints=node_taints(claim.startup_taints),
        node_class=_node_class(claim.node_class_ref) or _DEFAULT.node_class,
        expire_after_ns=_nillable_duration(
            claim.expire_after, f"{path}.expireAfter", _DEFAULT.expire_after_ns
        ),
        termination_grace_period_ns=_nillable_duration(
            claim.termination_grace_period, f"{path}.terminationGracePeriod", None
        ),
        ready=_is_ready(given.status),
        deletion_ns=time_ns(metadata.deletion_timestamp, "$.metadata.deletionTimestamp"),
        template_hash=noted_hash(metadata.annotations or {}, POOL_HASH),
    )


def _is_ready(status: wire.NodePoolStatus | None) -> bool:
    """Whether the conditions say so: Ready if it is there, else no other one that is not True."""
    conditions = (status.conditions or ()) if status else ()
    ready = [condition.status for condition in conditions if condition.type == "Ready"]
    if ready:
        return ready[-1] == "True"
    parts = ("ValidationSucceeded", "NodeClassReady")
    return all(part.status == "True" for part in conditions if part.type in parts)


def _node_class(reference: wire.NodeClassReference | None) -> tuple[str, str, str] | None:
    if reference is None:
        return None
    return reference.group or "", reference.kind or "", reference.name or ""


def _nillable_duration(text: str | None, path: str, default: int | None) -> int | None:
    if text is None:
        return default
    return None if text == NEVER else duration_ns(text, path)


def _disruption(given: wire.Disruption) -> DisruptionSettings:
    default = _DEFAULT.disruption
    path = "$.spec.disruption"
    budgets = default.budgets
    if given.budgets is not None:
        budgets = tuple(
            _budget(budget, f"{path}.budgets[{index}]")
            for index, budget in enumerate(given.budgets)
        )
    return DisruptionSettings(
        consolidation_policy=given.consolidation_policy or default.consolidation_policy,
        consolidate_after_ns=_nillable_duration(
            given.consolidate_after, f"{path}.consolidateAfter", default.consolidate_after_ns
        ),
        budgets=budgets,
    )


def _budget(given: wire.Budget, path: str) -> DisruptionBudget:
    duration = given.duration
    return DisruptionBudget(
        nodes=DisruptionBudget().nodes if given.nodes is None else given.nodes,
        reasons=None if given.reasons is None else tuple(given.reasons),
        schedule=given.schedule,
        duration_ns=None if duration is None else duration_ns(duration, f"{path}.duration"),
    )


def node_claim_from_dict(
    obj: Mapping[str, Any], where: str = "", validate: bool = True
) -> NodeClaim:
    """Read a ``karpenter.sh/v1`` NodeClaim.

    Parameters
    ----------
    obj, where, validate
        As in :func:`pyscale.manifests.pod_from_dict`.

    Raises
    ------
    InvalidObjectError
        With object and field path.
    """
    return read(
        "node claim",
        obj,
        wire.NodeClaim,
        _node_claim,
        where,
        validate and validate_node_claim,
    )


def _node_claim(given: wire.NodeClaim) -> NodeClaim:
    metadata = given.metadata or base.ObjectMeta()
    spec = given.spec or wire.NodeClaimSpec()
    status = given.status or wire.NodeClaimStatus()
    own = spec.resources or base.ResourceRequirements()
    return NodeClaim(
        name=metadata.name or "",
        labels=metadata.labels or {},
        annotations=metadata.annotations or {},
        requirements=expressions(spec.requirements),
        taints=node_taints(spec.taints),
        startup_taints=node_taints(spec.startup_taints),
        requests=resources(own.requests, "$.spec.resources.requests"),
        node_class=_node_class(spec.node_class_ref) or ("", "", ""),
        expire_after_ns=_nillable_duration(spec.expire_after, "$.spec.expireAfter", None),
        termination_grace_period_ns=_nillable_duration(
            spec.termination_grace_period, "$.spec.terminationGracePeriod", None
        ),
        provider_id=status.provider_id or "",
        node_name=status.node_name or "",
        capacity=resources(status.capacity, "$.status.capacity"),
        allocatable=resources(status.allocatable, "$.status.allocatable"),
        conditions=node_conditions(status.conditions),
        creation_ns=time_ns(metadata.creation_timestamp, "$.metadata.creationTimestamp"),
        deletion_ns=time_ns(metadata.deletion_timestamp, "$.metadata.deletionTimestamp"),
        last_pod_event_ns=time_ns(status.last_pod_event_time, "$.status.lastPodEventTime"),
    )


def node_class_from_dict(
    obj: Mapping[str, Any], where: str = "", validate: bool = True
) -> NodeClass:
    """Read an ``EC2NodeClass``: which one it is, and the hash that Karpenter noted down.

    Parameters
    ----------
    obj, where, validate
        As in :func:`pyscale.manifests.pod_from_dict`; there is nothing to validate.

    Raises
    ------
    InvalidObjectError
        With object and field path.
    """
    return decode("node class", obj, wire.NodeClass, _ec2_node_class, where)


def _ec2_node_class(given: wire.NodeClass) -> NodeClass:
    metadata = given.metadata or base.ObjectMeta()
    found = noted_hash(metadata.annotations or {}, NODE_CLASS_HASH)
    return NodeClass(AWS_GROUP, "EC2NodeClass", metadata.name or "", found)
