"""Pods and nodes as the scheduler sees them."""

from __future__ import annotations

from .arithmetic import whole_value
from .requests import (
    counted,
    filter_request,
    fit_score_request,
    is_sidecar,
    non_zero_request,
    resource_list,
)
from .selectors import with_match_label_keys

REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"
HOSTNAME = "kubernetes.io/hostname"
ZONE, REGION = "topology.kubernetes.io/zone", "topology.kubernetes.io/region"
BETA_ZONE, BETA_REGION = (
    "failure-domain.beta.kubernetes.io/zone",
    "failure-domain.beta.kubernetes.io/region",
)


class PodAffinityTerm:
    """One (anti-)affinity term, bound to the pod that owns it."""

    def __init__(self, term: dict, owner_namespace: str, owner_labels: dict[str, str]):
        self.topology_key: str = term["topologyKey"]
        self.selector = with_match_label_keys(term.get("labelSelector"), term, owner_labels)
        self.namespaces: list[str] = term.get("namespaces") or []
        self.namespace_selector: dict | None = term.get("namespaceSelector")
        if "namespaces" not in term and self.namespace_selector is None:
            self.namespaces = [owner_namespace]


class Pod:
    def __init__(self, manifest: dict):
        self.metadata: dict = manifest.get("metadata", {})
        self.spec: dict = manifest.get("spec", {})
        self.status: dict = manifest.get("status", {})
        self.name: str = self.metadata["name"]
        self.namespace: str = self.metadata.get("namespace") or "default"
        self.key = f"{self.namespace}/{self.name}"
        self.labels: dict[str, str] = self.metadata.get("labels") or {}
        self.terminating = "deletionTimestamp" in self.metadata
        self.priority: int = self.spec.get("priority") or 0
        self.start_time: str | None = self.status.get("startTime")
        self.nominated_node_name: str | None = self.status.get("nominatedNodeName")
        self.tolerations: list[dict] = self.spec.get("tolerations", [])
        self.host_ports = host_ports(self.spec)

        self.request = filter_request(self.spec)
        self.non_zero_request = non_zero_request(self.spec)
        self.fit_score_request = fit_score_request(self.spec)

        affinity = self.spec.get("affinity") or {}
        self.node_affinity: dict = affinity.get("nodeAffinity") or {}
        pod_affinity = affinity.get("podAffinity") or {}
        pod_anti_affinity = affinity.get("podAntiAffinity") or {}
        self.required_affinity = [self._term(t) for t in pod_affinity.get(REQUIRED, [])]
        self.required_anti_affinity = [self._term(t) for t in pod_anti_affinity.get(REQUIRED, [])]
        self.preferred_affinity = self._weighted_terms(pod_affinity)
        self.preferred_anti_affinity = self._weighted_terms(pod_anti_affinity)

    def _term(self, term: dict) -> PodAffinityTerm:
        return PodAffinityTerm(term, self.namespace, self.labels)

    def _weighted_terms(self, affinity: dict) -> list[tuple[int, PodAffinityTerm]]:
        return [
            (t["weight"], self._term(t["podAffinityTerm"])) for t in affinity.get(PREFERRED, [])
        ]

    def claim_names(self) -> list[str]:
        """Names of the PersistentVolumeClaims the pod mounts."""
        volumes = self.spec.get("volumes", [])
        return [
            v["persistentVolumeClaim"]["claimName"] for v in volumes if "persistentVolumeClaim" in v
        ]


def host_ports(spec: dict) -> list[tuple[str, str, int]]:
    """(host IP, protocol, port) of containers and sidecars; plain init containers do not count."""
    containers = spec.get("containers", []) + [
        c for c in spec.get("initContainers", []) if is_sidecar(c)
    ]
    return [
        (port.get("hostIP") or "0.0.0.0", port.get("protocol") or "TCP", port["hostPort"])
        for container in containers
        for port in container.get("ports", [])
        if port.get("hostPort", 0) > 0
    ]


class Node:
    """A node with the aggregates over its pods."""

    def __init__(self, manifest: dict):
        status = manifest.get("status", {})
        self.name: str = manifest["metadata"]["name"]
        self.labels: dict[str, str] = manifest["metadata"].get("labels") or {}
        self.taints: list[dict] = manifest.get("spec", {}).get("taints", [])
        self.unschedulable: bool = manifest.get("spec", {}).get("unschedulable", False)
        self.allocatable = counted(resource_list(status.get("allocatable")))
        self.allowed_pod_number = whole_value(status.get("allocatable", {}).get("pods", "0"))
        self.images: list[tuple[str, int]] = [
            (name, image["sizeBytes"])
            for image in status.get("images", [])
            for name in image["names"]
        ]
        # name -> (size, number of nodes having it), as known when this node last changed.
        self.image_states: dict[str, tuple[int, int]] = {}
        self.changed_in_cache = True
        self.zone_key = self.current_zone_key()

        self.pods: list[Pod] = []
        self.requested: dict[str, int] = {}
        self.non_zero_requested: dict[str, int] = {}
        self.used_ports: set[tuple[str, str, int]] = set()

    def current_zone_key(self) -> tuple[str, str]:
        """(region, zone); the beta labels win."""
        return (
            self.labels.get(BETA_REGION, self.labels.get(REGION, "")),
            self.labels.get(BETA_ZONE, self.labels.get(ZONE, "")),
        )

    def add_pod(self, pod: Pod) -> None:
        self.pods.append(pod)
        self.used_ports |= set(pod.host_ports)
        self._account(pod, 1)

    def remove_pod(self, pod: Pod) -> None:
        self.pods.remove(pod)
        self.used_ports -= set(pod.host_ports)  # a set: frees the port even if another pod holds it
        self._account(pod, -1)

    def _account(self, pod: Pod, sign: int) -> None:
        self.changed_in_cache = True
        for name, amount in pod.request.items():
            self.requested[name] = self.requested.get(name, 0) + sign * amount
        for name in ("cpu", "memory"):
            before = self.non_zero_requested.get(name, 0)
            self.non_zero_requested[name] = before + sign * pod.non_zero_request.get(name, 0)

    def copy(self) -> Node:
        """A copy whose pods can be changed without touching the original."""
        twin = Node.__new__(Node)
        twin.__dict__.update(self.__dict__)
        twin.pods = list(self.pods)
        twin.used_ports = set(self.used_ports)
        twin.requested = dict(self.requested)
        twin.non_zero_requested = dict(self.non_zero_requested)
        return twin
