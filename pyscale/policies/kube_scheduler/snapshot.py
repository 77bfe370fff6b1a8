"""A cluster compiled for the constraint kernel: the border between objects and integers.

``Snapshot`` takes the model's nodes and pod templates, gives them ids, and keeps a
:class:`pyscale.kernel._bind.ClusterState` in step.  kube-scheduler's own decisions and Cluster
Autoscaler's placement checks both run on it.

    snapshot = Snapshot(Profile(), interleaved=False)
    node = snapshot.add_node(node_object)             # -> node id
    pods = snapshot.pod_class(template)               # -> class id; equal templates share it
    snapshot.add_pod(pods, node)
    snapshot.fork(); ...; snapshot.revert()           # or commit()
    snapshot.check(pods, node)                        # -> None or a Refusal (plugin, reasons)
    snapshot.state.scan_list(pods, start, accepted)   # -> place in snapshot.state.listing(), or -1

Kernels ``cimport ClusterState`` and call its C methods on ``snapshot.state`` without the GIL.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace

from pyscale.kernel._bind import ClusterState
from pyscale.model.content import content_key
from pyscale.model.nodes import REGION_LABEL, ZONE_LABEL, Node
from pyscale.model.pods import PodTemplate
from pyscale.model.resources import CPU, MEMORY

from .interning import Interner
from .node_rules import named_nodes
from .objects import ClusterObjects
from .pod_classes import (
    PodClass,
    Port,
    class_template,
    host_ports,
    ports_conflict,
    rounded,
    with_tag,
)
from .profile import FILTER_PLUGINS, SCORE_PLUGINS, STRATEGIES, Profile
from .requests import (
    NATIVE,
    allowed_pods,
    counted,
    is_extended_resource,
    is_scalar_resource,
    pod_requests,
)
from .topology import TopologyRules
from .verdicts import FIRST_RULE, UNRESOLVABLE, UNSCHEDULABLE, Refusal, refusal
from .volumes import BETA_REGION, BETA_ZONE, VolumeCompiler, VolumeRules


class Snapshot:
    """Nodes, pod classes and placements of one cluster under one profile.

    Parameters
    ----------
    profile : Profile
    objects : ClusterObjects
        What rules look up by name.
    interleaved : bool
        Whether the list of nodes goes round the zones, as kube-scheduler's does, or keeps the
        order in which nodes were added, as Cluster Autoscaler's does.
    """

    def __init__(
        self,
        profile: Profile | None = None,
        objects: ClusterObjects | None = None,
        *,
        interleaved: bool = True,
    ) -> None:
        self.profile = profile or Profile()
        self.objects = objects or ClusterObjects()
        self.state = ClusterState(interleaved)
        self.classes: list[PodClass] = []
        self.nodes: dict[int, Node] = {}
        self.resources: list[str] = []
        self._resource_ids: dict[str, int] = {}
        for name in NATIVE:
            self._resource(name)
        self._interner = Interner(self.state.match, self.profile)
        self._topology = TopologyRules(self.state, self._interner, self.profile, self.objects)
        self._volumes = VolumeCompiler(self.state, self.objects)
        self._kinds: dict[Hashable, int] = {}
        self._zones: dict[tuple[str, str], int] = {}
        self._images: dict[str, int] = {}
        self._ports: dict[Port, int] = {}
        self._class_of_object: dict[tuple[int, bool], int] = {}
        self._class_of_content: dict[Hashable, int] = {}
        # Templates whose identity is remembered must stay alive.
        self._kept: list[PodTemplate] = []
        self._ids: dict[str, int] = {}
        self._names: dict[int, str] = {}
        self._refusals: dict[tuple[int, int], Refusal | None] = {}
        self._forked: list[dict[int, Node]] = []
        self._apply_profile()

    # --- the profile ---

    def _apply_profile(self) -> None:
        profile = self.profile
        self.state.set_profile(
            [name in profile.filters for name in FILTER_PLUGINS],
            [profile.score_weights.get(name, 0) for name in SCORE_PLUGINS],
            profile.percentage_of_nodes_to_score,
            profile.tie_break == "first",
            profile.version == "1.36",
        )
        strategy = profile.scoring_strategy
        self._fit_resources = [name for name, _ in strategy.resources]
        self.state.set_strategies(
            STRATEGIES.index(strategy.type),
            [self._scored(name) for name in self._fit_resources],
            [weight or 1 for _, weight in strategy.resources],
            [(utilization, score * 10) for utilization, score in strategy.shape],
            [self._scored(name) for name in profile.balanced_resources],
        )
        self.state.set_rules([rule.compiled() for rule in profile.rules])

    def _scored(self, name: str) -> int:
        return self._resource(name) if name in NATIVE or is_scalar_resource(name) else -1

    def _resource(self, name: str) -> int:
        found = self._resource_ids.get(name)
        if found is None:
            found = self._resource_ids[name] = self.state.add_resource()
            self.resources.append(name)
        return found

    # --- nodes ---

    def add_node(self, node: Node) -> int:
        """Add a node and return its id.

        A node that was removed and comes back before the next decision keeps its id, its place in
        the list and its pods.
        """
        known = self.retained_id(node.name)
        if known is not None:
            if known in self.nodes:
                raise ValueError(f"node {node.name!r} is there already")
            self.state.restore_node(known)
            self.update_node(known, node)
            return known
        node_id = int(
            self.state.add_node(
                self.kind(node),
                self._interner.name(node.name),
                self._interner.hostname(node.labels),
            )
        )
        self._ids[node.name] = node_id
        self._names[node_id] = node.name
        self.nodes[node_id] = node
        self._volumes.add_node(node_id, node)
        return node_id

    def insert_node(self, node: Node, name: str, kind: int | None = None) -> int:
        """Append a copy of a node under another name, which is its hostname label too.

        Unlike :meth:`add_node` this never brings a removed node back.  ``kind`` is the node's, as
        :meth:`kind` returned it before.
        """
        node_id = int(
            self.state.add_node(
                self.kind(node) if kind is None else kind,
                self._interner.name(name),
                self._interner.hostname_id(name),
            )
        )
        self._ids[name] = node_id
        self._names[node_id] = name
        self.nodes[node_id] = node
        if self.objects.claims or self.objects.csi_nodes:
            self._volumes.add_node(node_id, replace(node, name=name))
        return node_id

    def insert_nodes(
        self, nodes: Sequence[Node], names: Sequence[str], kinds: Sequence[int]
    ) -> list[int]:
        """Do as :meth:`insert_node`, node by node; return the ids."""
        if self.objects.claims or self.objects.csi_nodes:
            return list(map(self.insert_node, nodes, names, kinds))
        interner = self._interner
        ids = self.state.add_nodes(kinds, interner.names(names), interner.hostname_ids(names))
        self._ids.update(zip(names, ids, strict=True))
        self._names.update(zip(ids, names, strict=True))
        self.nodes.update(zip(ids, nodes, strict=True))
        return ids

    def name_ids(self, name: str) -> tuple[int, int]:
        """Return the ids of a name and of the hostname label that says the same."""
        return self._interner.name(name), self._interner.hostname_id(name)

    def remove_node(self, node_id: int) -> None:
        """Remove a node together with its pods."""
        self.state.remove_node(node_id)
        del self.nodes[node_id]

    def update_node(self, node_id: int, node: Node) -> None:
        """Change labels, taints, allocatable or images of a node."""
        self.state.relabel_node(node_id, self.kind(node), self._interner.hostname(node.labels))
        self.nodes[node_id] = node
        self._volumes.add_node(node_id, node)

    def relabel(self, node_id: int, node: Node, kind: int | None = None) -> None:
        """Change what a node is, in a fork too; name, hostname and zone stay.

        ``kind`` is the node's, as :meth:`kind` returned it before.
        """
        name = self._interner.hostname_id(self._names[node_id])
        self.state.relabel_node(node_id, self.kind(node) if kind is None else kind, name)

    def name_of(self, node_id: int) -> str:
        """Return a node's name; of a node that is gone, the one it had."""
        return self._names.get(node_id, "")

    def node_id(self, name: str) -> int | None:
        """Return the id of a node that is there, None if there is none of that name."""
        found = self._ids.get(name)
        return found if found in self.nodes and self._names[found] == name else None

    def is_retained(self, name: str) -> bool:
        """Whether a node of that name is there, or was and can still come back as it was."""
        return self.retained_id(name) is not None

    def retained_id(self, name: str) -> int | None:
        """Return the id of a node that is there or can still come back, else None."""
        found = self._ids.get(name)
        if found is None or self._names[found] != name or not self.state.is_retained(found):
            return None
        return found

    def kind(self, node: Node) -> int:
        """Return the kind of a node: all that rules read of it but its name and hostname."""
        labels = self._interner.labels(node.labels)
        key = (
            tuple(labels.items()),
            node.taints,
            node.unschedulable,
            tuple(sorted(node.allocatable.items())),
            node.images,
        )
        found = self._kinds.get(key)
        if found is None:
            allocatable = {
                self._resource(name): amount
                for name, amount in counted(rounded(node.allocatable)).items()
            }
            images = [
                (self._image(name), image.size_bytes)
                for image in node.images
                for name in image.names
            ]
            found = self._kinds[key] = self.state.add_kind(
                labels,
                self._interner.taint_set(node.taints),
                node.unschedulable,
                allowed_pods(node.allocatable),
                allocatable,
                images,
                self._zone(node.labels),
            )
        return found

    def _zone(self, labels: Mapping[str, str]) -> int:
        key = (
            labels.get(BETA_REGION, labels.get(REGION_LABEL, "")),
            labels.get(BETA_ZONE, labels.get(ZONE_LABEL, "")),
        )
        return self._zones.setdefault(key, len(self._zones))

    def _image(self, name: str) -> int:
        found = self._images.get(name)
        if found is None:
            found = self._images[name] = self.state.add_image()
        return found

    # --- pod classes ---

    def pod_class(self, template: PodTemplate, terminating: bool = False) -> int:
        """Return the class of a pod; equal templates share one.

        ``terminating`` pods are a class of their own: spread constraints don't count them.
        """
        key = (id(template), terminating)
        found = self._class_of_object.get(key)
        if found is None:
            content = (content_key(class_template(template)), terminating)
            found = self._class_of_content.get(content)
            if found is None:
                found = self._class_of_content[content] = self._compile(template, terminating)
            self._class_of_object[key] = found
            self._kept.append(template)
        return found

    def _compile(self, template: PodTemplate, terminating: bool) -> int:
        spec = template.spec
        requests = pod_requests(spec)
        need = {
            self._resource(name): amount
            for name, amount in requests.request.items()
            if (amount > 0 if name in NATIVE else amount != 0) and not self._ignored(name)
        }
        use = {self._resource(n): amount for n, amount in requests.request.items() if amount}
        static, preference_invalid = self._interner.static(spec)
        containers = (*spec.containers, *spec.init_containers)
        ports = host_ports(spec)
        port_ids = [self._port(port) for port in ports]
        class_id = len(self.classes)
        volumes = self._volumes.read(class_id, template)
        names = named_nodes(spec.required_node_affinity)
        pre_filter = self._pre_filter(names, volumes)
        self.state.add_class(
            static,
            need,
            use,
            requests.non_zero.get(CPU, 0),
            requests.non_zero.get(MEMORY, 0),
            [requests.fit_score.get(name, 0) for name in self._fit_resources],
            [requests.request.get(name, 0) for name in self.profile.balanced_resources],
            preference_invalid=preference_invalid,
            ports=list(dict.fromkeys(port_ids)),
            images=self._wanted_images(template),
            n_containers=len(containers),
            volumes=volumes.attachable,
            volume_verdicts=volumes.has_verdicts,
            names=(
                None
                if names is None or "NodeAffinity" not in self.profile.filters
                else [self._interner.name(name) for name in sorted(names)]
            ),
            refused=pre_filter is not None,
            rule_amounts=(
                {self._resource(n): amount for n, amount in requests.fit_score.items()}
                if self.profile.rules
                else None
            ),
        )
        rules = self._topology.add_class(class_id, template, static, terminating)
        self.classes.append(
            PodClass(
                template,
                terminating,
                pre_filter,
                None if names is None else frozenset(names),
                ports,
                rules,
                volumes,
            )
        )
        self._volumes.link(volumes, self.nodes)
        if ports:
            self._link_ports()
        return class_id

    def _ignored(self, name: str) -> bool:
        return is_extended_resource(name) and (
            name in self.profile.ignored_resources
            or name.split("/")[0] in self.profile.ignored_resource_groups
        )

    def _pre_filter(self, names: set[str] | None, volumes: VolumeRules) -> Refusal | None:
        if names is not None and not names and "NodeAffinity" in self.profile.filters:
            return Refusal("NodeAffinity", UNRESOLVABLE, ("pod affinity terms conflict",))
        for plugin in ("VolumeRestrictions", "VolumeBinding", "VolumeZone"):
            if plugin in volumes.refusals and plugin in self.profile.filters:
                return volumes.refusals[plugin]
        return None

    def _wanted_images(self, template: PodTemplate) -> list[int]:
        spec = template.spec
        names = [c.image for c in (*spec.init_containers, *spec.containers)]
        if self.profile.version == "1.36":
            names += [
                str(volume.source.get("reference", ""))
                for volume in spec.volumes
                if volume.kind == "image"
            ]
        return [self._image(with_tag(name)) for name in names]

    def _port(self, port: Port) -> int:
        found = self._ports.get(port)
        if found is None:
            found = self._ports[port] = self.state.add_port()
        return found

    def port_ids(self, class_id: int) -> list[int]:
        """Return the ids of the host ports that a class wants."""
        return [self._ports[port] for port in self.classes[class_id].ports]

    def _link_ports(self) -> None:
        for class_id, pods in enumerate(self.classes):
            if pods.ports:
                self.state.set_port_conflicts(
                    class_id,
                    [
                        port_id
                        for used, port_id in self._ports.items()
                        if any(ports_conflict(wanted, used) for wanted in pods.ports)
                    ],
                )

    def scan_names(self, class_id: int, names: Sequence[str]) -> None:
        """Set the order in which the nodes that a class names are scanned (default: sorted)."""
        self.state.set_names(class_id, [self._interner.name(name) for name in names])

    # --- placements ---

    def add_pod(self, class_id: int, node_id: int) -> None:
        """Put a pod of a class on a node, whether it fits or not."""
        self.state.add_pod(class_id, node_id)

    def remove_pod(self, class_id: int, node_id: int) -> None:
        """Take a pod of a class from a node."""
        self.state.remove_pod(class_id, node_id)

    def fork(self) -> None:
        """Begin to record, so that :meth:`revert` can undo."""
        self.state.fork()
        self._forked.append(dict(self.nodes))

    def revert(self) -> None:
        """Undo everything done since the last fork."""
        self.state.revert()
        self.nodes = self._forked.pop()

    def commit(self) -> None:
        """Keep what was done since the last fork."""
        self.state.commit()
        self._forked.pop()

    # --- questions ---

    def check(self, class_id: int, node_id: int) -> Refusal | None:
        """Return why a pod of a class cannot run on a node now, None if it can.

        The first filter that refuses, in the order of the profile; PreFilter comes before all.
        """
        pods = self.classes[class_id]
        if pods.pre_filter is not None:
            return pods.pre_filter
        if pods.names is not None and self.nodes[node_id].name not in pods.names:
            return Refusal(
                "NodeAffinity",
                UNRESOLVABLE,
                ("node(s) didn't satisfy plugin(s) [NodeAffinity]",),
            )
        return self.refusal(*self.state.verdict(class_id, node_id))

    def fits_empty(self, class_id: int, node_id: int) -> bool:
        """Whether a node would have the resources for a pod of a class if it were empty."""
        return bool(self.state.fits_empty(class_id, node_id))

    def refusal(self, verdict: int, shortfall: int) -> Refusal | None:
        """Return a kernel verdict in words, None for a pass."""
        key = (verdict, shortfall)
        if key not in self._refusals:
            if verdict >= FIRST_RULE:
                name = self.profile.rules[verdict - FIRST_RULE].name
                found: Refusal | None = Refusal(
                    name, UNSCHEDULABLE, (f"node(s) didn't pass {name}",)
                )
            else:
                found = refusal(verdict, shortfall, self.resources)
            self._refusals[key] = found
        return self._refusals[key]
