"""Builds nodes, pods and the cluster from a recorded case in the schema of the recordings."""

from __future__ import annotations

import copy

from .cluster import Cluster
from .framework import Framework
from .model import Node, Pod
from .profile import Profile
from .scheduler import Scheduler


class CaseInput:
    """The input of one case, with everything built that exists before the first decision."""

    def __init__(self, case_input: dict):
        self.raw = case_input
        self.node_names: list[str] = [
            reference["name"] for reference in case_input.get("nodes", [])
        ]
        self.pod_references: list[dict] = case_input.get("pods", [])
        self.cluster = Cluster(case_input)
        self.later_nodes: dict[int, Node] = {}
        for index, reference in enumerate(case_input.get("nodes", [])):
            node = self.node(reference)
            if reference.get("later"):
                self.later_nodes[index] = node
            else:
                self.cluster.add_node(node)
        for reference in case_input.get("boundPods", []):
            if reference["nodeName"] in self.cluster.nodes:
                self.cluster.nodes[reference["nodeName"]].add_pod(self.pod(reference))
        for reference in case_input.get("nominatedPods", []):
            self.cluster.nominate(self.pod(reference), reference["nominatedNodeName"])
        self.framework = Framework(Profile(case_input.get("config")))
        self.scheduler = Scheduler(self.framework, self.cluster)

    def node(self, reference: dict) -> Node:
        manifest = copy.deepcopy(self.raw["nodeTemplates"][reference["template"]])
        metadata = manifest.setdefault("metadata", {})
        metadata["name"] = reference["name"]
        metadata.setdefault("labels", {}).update(reference.get("labels", {}))
        return Node(manifest)

    def pod(self, reference: dict) -> Pod:
        manifest = copy.deepcopy(self.raw["podTemplates"][reference["template"]])
        metadata = manifest.setdefault("metadata", {})
        metadata["name"] = reference["name"]
        if reference.get("namespace"):
            metadata["namespace"] = reference["namespace"]
        if reference.get("labels"):
            metadata.setdefault("labels", {}).update(reference["labels"])
        if reference.get("deletionTimestamp"):
            metadata["deletionTimestamp"] = reference["deletionTimestamp"]
        if reference.get("priority") is not None:
            manifest["spec"]["priority"] = reference["priority"]
        for field in ("startTime", "nominatedNodeName"):
            if reference.get(field):
                manifest.setdefault("status", {})[field] = reference[field]
        return Pod(manifest)

    def priority(self, reference: dict) -> int:
        if reference.get("priority") is not None:
            return reference["priority"]
        return self.raw["podTemplates"][reference["template"]]["spec"].get("priority") or 0

    def queue_order(self) -> list[int]:
        """Indexes of the pods by descending priority, list order among equals."""
        references = self.pod_references
        return sorted(range(len(references)), key=lambda index: -self.priority(references[index]))
