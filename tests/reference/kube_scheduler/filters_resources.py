"""NodeResourcesFit as a filter."""

from __future__ import annotations

from .model import Node, Pod
from .plugin import FilterPlugin
from .requests import NATIVE_RESOURCES, is_extended_resource, is_scalar_resource
from .status import Status


class NodeResourcesFit(FilterPlugin):
    name = "NodeResourcesFit"

    def filter(self, state: None, pod: Pod, node: Node) -> Status | None:
        """All shortfalls are kept.

        One of them larger than the node makes the whole status unresolvable.
        """
        reasons = []
        larger_than_node = False
        if len(node.pods) + 1 > node.allowed_pod_number:
            reasons.append("Too many pods")
        for name, amount in self._amounts_to_check(pod):
            allocatable = node.allocatable.get(name, 0)
            if amount > allocatable - node.requested.get(name, 0):
                reasons.append(f"Insufficient {name}")
                larger_than_node = larger_than_node or amount > allocatable
        if not reasons:
            return None
        reasons.sort()
        return self.unresolvable(*reasons) if larger_than_node else self.unschedulable(*reasons)

    def _amounts_to_check(self, pod: Pod) -> list[tuple[str, int]]:
        native = [(name, pod.request.get(name, 0)) for name in NATIVE_RESOURCES]
        scalar = [
            (name, amount) for name, amount in pod.request.items() if is_scalar_resource(name)
        ]
        positive = [(name, amount) for name, amount in native if amount > 0]
        return positive + [
            (name, amount) for name, amount in scalar if amount != 0 and not self._is_ignored(name)
        ]

    def _is_ignored(self, name: str) -> bool:
        """ignoredResources and ignoredResourceGroups apply to extended resources only."""
        if not is_extended_resource(name):
            return False
        group = name.split("/")[0]
        return name in self.args.get("ignoredResources", []) or group in self.args.get(
            "ignoredResourceGroups", []
        )
