"""The scheduler's cache: nodes, their list order, image states, nominated pods."""

from __future__ import annotations

from .model import Node, Pod


def object_namespace(api_object: dict) -> str:
    return api_object["metadata"].get("namespace", "default")


class Cluster:
    def __init__(self, objects: dict):
        """`objects` holds the API objects of a case.

        Namespaces, services, replicaSets, ... (all optional).
        """
        self.namespace_labels: dict[str, dict[str, str]] = {
            n["metadata"]["name"]: dict(n["metadata"].get("labels") or {})
            for n in objects.get("namespaces", [])
        }
        self.services: list[dict] = objects.get("services", [])
        self.replica_sets: list[dict] = objects.get("replicaSets", [])
        self.disruption_budgets: list[dict] = objects.get("podDisruptionBudgets", [])
        claims = objects.get("persistentVolumeClaims", [])
        self.claims = {(object_namespace(o), o["metadata"]["name"]): o for o in claims}
        self.volumes = {o["metadata"]["name"]: o for o in objects.get("persistentVolumes", [])}
        self.storage_classes = {o["metadata"]["name"]: o for o in objects.get("storageClasses", [])}
        self.csi_nodes = {o["metadata"]["name"]: o for o in objects.get("csiNodes", [])}

        self.nodes: dict[str, Node] = {}
        self.nominated: dict[str, list[Pod]] = {}
        self.snapshot: list[Node] = []
        self._zone_groups: list[tuple[tuple[str, str], list[str]]] = []
        self._flat_names: list[str] = []
        # image name -> [size, names of the nodes having it]; the first node to report the name
        # sets the size.
        self._images: dict[str, tuple[int, set[str]]] = {}

    # --- nodes ---

    def add_node(self, node: Node) -> None:
        self._add_images(node)
        self.nodes[node.name] = node
        self._join_zone(node)

    def remove_node(self, node: Node) -> None:
        self._remove_images(node)
        self._leave_zone(node)
        del self.nodes[node.name]

    def relabel_node(self, node: Node, changes: dict[str, str | None]) -> None:
        """A value of None removes the label.

        The flat list keeps its order until a node comes or goes.
        """
        labels = dict(node.labels)
        for key, value in changes.items():
            if value is None:
                labels.pop(key, None)
            else:
                labels[key] = value
        node.labels = labels
        self._remove_images(node)
        self._add_images(node)
        if node.current_zone_key() != node.zone_key:
            self._leave_zone(node)
            self._join_zone(node)

    def _join_zone(self, node: Node) -> None:
        node.zone_key = node.current_zone_key()
        for key, names in self._zone_groups:
            if key == node.zone_key:
                names.append(node.name)
                return
        self._zone_groups.append((node.zone_key, [node.name]))

    def _leave_zone(self, node: Node) -> None:
        for group in self._zone_groups:
            key, names = group
            if key == node.zone_key:
                names.remove(node.name)
                if not names:
                    self._zone_groups.remove(group)
                return

    # --- images ---

    def _add_images(self, node: Node) -> None:
        for name, size in node.images:
            self._images.setdefault(name, (size, set()))[1].add(node.name)
        node.changed_in_cache = True

    def _remove_images(self, node: Node) -> None:
        for name, _ in node.images:
            if name in self._images:
                holders = self._images[name][1]
                holders.discard(node.name)
                if not holders:
                    del self._images[name]

    # --- snapshot ---

    def refresh(self) -> list[Node]:
        """Takes the snapshot for the next cycle and returns its nodes in list order.

        The flat list is rebuilt only if the set of node names differs from the previous snapshot's.
        """
        for node in self.nodes.values():
            if node.changed_in_cache:
                node.image_states = {
                    name: (self._images[name][0], len(self._images[name][1]))
                    for name, _ in node.images
                    if name in self._images
                }
                node.changed_in_cache = False
        if set(self._flat_names) != set(self.nodes):
            self._flat_names = self._interleaved_names()
        self.snapshot = [self.nodes[name] for name in self._flat_names]
        return self.snapshot

    def _interleaved_names(self) -> list[str]:
        """Index 0 of each zone group, then index 1 of each, ..., skipping exhausted groups."""
        longest = max((len(names) for _, names in self._zone_groups), default=0)
        return [
            names[i] for i in range(longest) for _, names in self._zone_groups if i < len(names)
        ]

    # --- nominations ---

    def nominate(self, pod: Pod, node_name: str) -> None:
        self.nominated.setdefault(node_name, []).append(pod)

    def clear_nomination(self, pod: Pod) -> None:
        for node_name, pods in self.nominated.items():
            self.nominated[node_name] = [other for other in pods if other.key != pod.key]
