"""The input of a recorded Karpenter case as the objects of the policy."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from pyscale.catalog import fake, fake_assorted, kwok
from pyscale.manifests import (
    csi_node_from_dict,
    node_pool_from_dict,
    persistent_volume_claim_from_dict,
    persistent_volume_from_dict,
    pod_disruption_budget_from_dict,
    pod_template_from_dict,
    storage_class_from_dict,
)
from pyscale.model.catalog import Catalog, InstanceType, Offering, Overhead
from pyscale.model.nodes import HOSTNAME_LABEL, NODEPOOL_LABEL
from pyscale.model.pods import Pod, PodCondition, PodTemplate
from pyscale.model.quantity import parse_quantity
from pyscale.model.taints import Taint
from pyscale.model.times import parse_duration, parse_timestamp
from pyscale.policies.karpenter.labels import (
    INITIALIZED_LABEL,
    REGISTERED_LABEL,
    TEST_RESERVATION_LABEL,
)
from pyscale.policies.karpenter.state import (
    UNREGISTERED_TAINT,
    ClusterObjects,
    DaemonSet,
    Settings,
    StateNode,
    visible_taints,
)
from pyscale.policies.karpenter.volumes import Volumes

NODE_CLASS_LABEL = "karpenter.test.sh/testnodeclass"
DAY_NS = 24 * 3600 * 1_000_000_000


def read_settings(given: Mapping[str, Any]) -> Settings:
    """Read the options of a case."""
    options = given.get("options", {})
    gates = options.get("featureGates", {})
    return Settings(
        preference_policy=options.get("preferencePolicy", "Respect"),
        min_values_policy=options.get("minValuesPolicy", "Strict"),
        reserved_capacity=gates.get("ReservedCapacity", True),
        spot_to_spot_consolidation=gates.get("SpotToSpotConsolidation", False),
    )


def read_objects(given: Mapping[str, Any]) -> ClusterObjects:
    """Read the cluster of a case."""
    catalog, reservation_label = read_catalog(given)
    now_ns = parse_timestamp(given["now"])
    csi_limits = {
        node.name: {
            driver.name: driver.count for driver in node.drivers if driver.count is not None
        }
        for node in (csi_node_from_dict(item, validate=False) for item in given.get("csiNodes", ()))
    }
    return ClusterObjects(
        node_pools=tuple(node_pool_from_dict(pool, validate=False) for pool in given["nodePools"]),
        catalog=catalog,
        nodes=tuple(
            read_node(node, given.get("nodeTemplates", ()), csi_limits, now_ns)
            for node in given.get("nodes", ())
        ),
        pods=read_pods(given["pods"], given["templates"]),
        daemon_sets=tuple(_daemon_set(item) for item in given.get("daemonSets", ())),
        namespaces={
            item["metadata"]["name"]: item["metadata"].get("labels", {})
            for item in given.get("namespaces", ())
        },
        volumes=Volumes.of(
            [
                persistent_volume_claim_from_dict(item, validate=False)
                for item in given.get("persistentVolumeClaims", ())
            ],
            [
                persistent_volume_from_dict(item, validate=False)
                for item in given.get("persistentVolumes", ())
            ],
            [
                storage_class_from_dict(item, validate=False)
                for item in given.get("storageClasses", ())
            ],
        ),
        budgets=tuple(
            pod_disruption_budget_from_dict(item, validate=False)
            for item in given.get("podDisruptionBudgets", ())
        ),
        types_of_pool={
            pool: tuple(names) for pool, names in given.get("instanceTypesByNodePool", {}).items()
        },
        reservation_label=reservation_label,
        now_ns=now_ns,
    )


def read_catalog(given: Mapping[str, Any]) -> tuple[Catalog, str]:
    """Read the catalogue of a case, and the reservation label that its types define."""
    name = given.get("catalogue") or ""
    if not name:
        keys = tuple(given.get("wellKnownLabels", ()))
        types = tuple(_instance_type(item, keys) for item in given["instanceTypes"])
        return Catalog("recorded", types, well_known_labels=frozenset(keys)), TEST_RESERVATION_LABEL
    if name == "kwok":
        catalog = kwok()
    elif name == "fake-assorted":
        catalog = fake_assorted()
    else:
        catalog = fake(int(name.removeprefix("fake:")))
    known = catalog.well_known_labels | {
        TEST_RESERVATION_LABEL,
        *given.get("wellKnownLabels", ()),
    }
    return Catalog(catalog.name, catalog.instance_types, well_known_labels=known), ""


def _amounts(given: Mapping[str, Any] | None) -> dict[str, int]:
    return {name: parse_quantity(text) for name, text in (given or {}).items()}


def _overhead(given: Mapping[str, Any] | None) -> Overhead:
    given = given or {}
    return Overhead(
        kube_reserved=_amounts(given.get("kubeReserved")),
        system_reserved=_amounts(given.get("systemReserved")),
        eviction_threshold=_amounts(given.get("evictionThreshold")),
    )


def _instance_type(given: Mapping[str, Any], well_known: Sequence[str]) -> InstanceType:
    labels = {key: tuple(values) for key, values in given.get("labels", {}).items()}
    for key in well_known:
        labels.setdefault(key, ())
    return InstanceType(
        name=given["name"],
        architecture=given["architecture"],
        os=tuple(given["os"]),
        capacity=_amounts(given["capacity"]),
        overhead=_overhead(given.get("overhead")),
        labels=labels,
        offerings=tuple(
            Offering(
                zone=item["zone"],
                capacity_type=item["capacityType"],
                price=item["price"],
                available=item.get("available", True),
                reservation_id=item.get("reservationID", ""),
                reservation_capacity=item.get("reservationCapacity", 0),
                capacity_override=(
                    _amounts(item["capacityOverride"]) if item.get("capacityOverride") else None
                ),
                overhead_override=(
                    _overhead(item["overheadOverride"])
                    if item.get("overheadOverride") is not None
                    else None
                ),
            )
            for item in given["offerings"]
        ),
    )


def _daemon_set(given: Mapping[str, Any]) -> DaemonSet:
    metadata = given["metadata"]
    return DaemonSet(
        metadata["name"],
        pod_template_from_dict(given["spec"]["template"], validate=False),
        metadata.get("uid", ""),
        metadata.get("namespace", "default"),
    )


def read_pods(
    given: Sequence[Mapping[str, Any]], templates: Sequence[Mapping[str, Any]]
) -> tuple[Pod, ...]:
    """Read the pods of a case: template and overrides; pods alike share one template object."""
    known: dict[str, PodTemplate] = {}
    pods = []
    for item in given:
        overrides = [item.get("namespace"), item.get("labels"), item.get("annotations")]
        identity = json.dumps([item["template"], *overrides], sort_keys=True)
        template = known.get(identity)
        if template is None:
            template = known[identity] = _template(templates[item["template"]], item)
        pods.append(_pod(item, template))
    return tuple(sorted(pods, key=lambda pod: (pod.namespace, pod.name)))


def _template(template: Mapping[str, Any], item: Mapping[str, Any]) -> PodTemplate:
    metadata = dict(template["metadata"])
    if item.get("namespace"):
        metadata["namespace"] = item["namespace"]
    for name in ("labels", "annotations"):
        metadata[name] = {**(metadata.get(name) or {}), **(item.get(name) or {})}
    manifest = {"metadata": metadata, "spec": template.get("spec") or {}}
    return pod_template_from_dict(manifest, validate=False)


def _pod(item: Mapping[str, Any], template: PodTemplate) -> Pod:
    node_name = item.get("nodeName", "")
    conditions: tuple[PodCondition, ...] = ()
    if node_name:
        ready = "False" if item.get("ready") is False else "True"
        conditions = (PodCondition("Ready", ready),)
    elif not item.get("unseen"):
        conditions = (PodCondition("PodScheduled", "False", "Unschedulable"),)
    return Pod(
        name=item["name"],
        template=template,
        uid=item["uid"],
        creation_ns=_time(item.get("creationTimestamp")),
        deletion_ns=_time(item.get("deletionTimestamp")),
        start_ns=_time(item.get("startTime")),
        node_name=node_name,
        nominated_node_name=item.get("nominatedNodeName", ""),
        phase=item.get("phase") or ("Running" if node_name else "Pending"),
        conditions=conditions,
    )


def _time(text: str | None) -> int | None:
    return None if text is None else parse_timestamp(text)


def _duration(text: str | None) -> int | None:
    return None if text is None else parse_duration(text)


def _taints(given: Sequence[Mapping[str, Any]]) -> tuple[Taint, ...]:
    return tuple(Taint(item["key"], item["effect"], item.get("value", "")) for item in given)


def read_node(
    given: Mapping[str, Any],
    templates: Sequence[Mapping[str, Any]],
    csi_limits: Mapping[str, Mapping[str, int]],
    now_ns: int,
) -> StateNode:
    """Read a state node; the meaning of the fields is in the recordings' README."""
    template = templates[given["template"]] if "template" in given else {}
    merged = {**template, **given}
    state = merged.get("state", "initialized")
    managed, has_node = state != "unmanaged", state != "launched"
    registered = state in ("unmanaged", "registered", "initialized")
    initialized = state in ("unmanaged", "initialized")
    pool = merged.get("nodePool", "") if managed else ""
    claim_labels = {**template.get("labels", {}), **given.get("labels", {})}
    if managed:
        claim_labels |= {NODEPOOL_LABEL: pool, NODE_CLASS_LABEL: "default"}
    node_labels = {HOSTNAME_LABEL: given["name"], **claim_labels}
    if state in ("registered", "initialized"):
        node_labels[REGISTERED_LABEL] = "true"
    if state == "initialized":
        node_labels[INITIALIZED_LABEL] = "true"
    claim_taints = _taints(merged.get("taints", ()))
    startup_taints = _taints(merged.get("startupTaints", ()))
    node_taints = claim_taints
    if state == "registered":
        node_taints = claim_taints + startup_taints
    elif state == "unregistered":
        node_taints = (UNREGISTERED_TAINT, *startup_taints)
    taints = node_taints if registered else claim_taints
    if managed and not initialized:
        taints = visible_taints(taints, startup_taints)
    creation_ns = _time(merged.get("creationTimestamp"))
    return StateNode(
        name=given["name"] if registered else "nc-" + given["name"],
        node_name=given["name"],
        labels=node_labels if registered else claim_labels,
        capacity=_amounts(merged["capacity"]),
        allocatable=_amounts(merged.get("allocatable") or merged["capacity"]),
        taints=taints,
        node_labels=node_labels if has_node else {},
        node_taints=node_taints if has_node else (),
        claim_labels=claim_labels,
        annotations={**template.get("annotations", {}), **given.get("annotations", {})},
        pool=pool,
        managed=managed,
        has_node=has_node,
        registered=registered,
        initialized=initialized,
        ready=merged.get("ready") is not False,
        marked_for_deletion=bool(
            merged.get("deleting")
            or merged.get("markedForDeletion")
            or (managed and merged.get("instanceTerminating"))
        ),
        deleting=bool(merged.get("deleting")),
        nominated=bool(merged.get("nominated")),
        instance_terminating=bool(merged.get("instanceTerminating")),
        stale_hash=bool(merged.get("staleHash")),
        creation_ns=now_ns - DAY_NS if creation_ns is None else creation_ns,
        initialized_ns=_time(merged.get("initializedTime")),
        last_pod_event_ns=_time(merged.get("lastPodEventTime")),
        drifted_since_ns=_time(merged.get("driftedSince")),
        termination_grace_period_ns=_duration(merged.get("terminationGracePeriod")),
        csi_limits=csi_limits.get(given["name"], {}) if has_node else {},
    )
