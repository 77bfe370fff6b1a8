"""One scheduling round: Solve."""

from dataclasses import dataclass

from ..go_sort import sort_slice
from .batch import pending_pods, pods_of_deleting_nodes
from .claims import InFlightClaim, RoundContext
from .daemons import daemon_pods, outstanding_daemon_requests
from .existing_nodes import ExistingNode
from .finishing import breaks_min_values, finish_claim
from .pods import host_ports, pod_requests, pod_requirements
from .quantities import format_resources
from .relaxation import relax
from .requirements import Requirements
from .reservations import Reservations
from .templates import after_largest_launch, build_templates, remaining_limits, types_within_limits
from .topology import Topology
from .tracing import LazyText, Refusal, ReservedOfferingRefusal, Trace
from .volumes import UnknownVolume


@dataclass(eq=False)
class PodData:
    """What a round knows about the current (maybe relaxed) form of a pod."""

    requests: dict
    requirements: Requirements
    strict_requirements: Requirements
    volume_alternatives: list
    claims_by_driver: dict
    ports: list


@dataclass(eq=False)
class Outcome:
    claims: list
    existing_nodes: list
    errors: dict
    ignored: dict

    @property
    def placements(self):
        """State-node name → keys of the pods placed there."""
        return {
            node.name: sorted(pod.key for pod in node.pods)
            for node in self.existing_nodes
            if node.pods
        }


class Scheduler:
    """Everything that one round changes lives here; the cluster stays as it is."""

    def __init__(
        self,
        cluster,
        trace=None,
        candidates=(),
        candidate_pods=(),
        under_consolidate_after=frozenset(),
        strict_reservations=True,
    ):
        """A disruption simulation takes the candidates away and adds their pods to the batch.

        `under_consolidate_after` names the nodes that accept only pods that have to move anyway.
        """
        self.cluster = cluster
        self.trace = trace or Trace()
        self.under_consolidate_after = under_consolidate_after
        self.deleting_node_names = {
            node.node_name for node in cluster.nodes if node.marked_for_deletion
        }

        pending, self.ignored = pending_pods(cluster)
        self.batch = pending + list(candidate_pods) + pods_of_deleting_nodes(cluster)
        taken_away = {node.name for node in candidates}
        active = [
            node
            for node in cluster.nodes
            if not node.marked_for_deletion and node.name not in taken_away
        ]

        daemons = daemon_pods(cluster)
        self.templates = build_templates(cluster, daemons, self.trace)
        self.tolerate_prefer_no_schedule = any(
            taint.get("effect") == "PreferNoSchedule"
            for pool in cluster.pools
            for taint in pool.taints
        )
        self.remaining = remaining_limits(cluster, active)
        all_types = [
            instance_type for types in cluster.types_of_pool.values() for instance_type in types
        ]
        self.topology = Topology(cluster, active, self.batch)
        self.context = RoundContext(
            cluster, self.topology, Reservations(all_types), strict_reservations
        )
        self.claims = []
        self.opened_claims = 0

        self.volume_alternatives = {}
        for pod in self.batch:
            self.register(pod)
        # After the groups of the batch exist, so that these know every hostname.
        self.existing_nodes = self.build_existing_nodes(active, daemons)
        self.pod_data = {pod.uid: self.data_of(pod) for pod in self.batch}

    def register(self, pod):
        """Volume alternatives and topology groups; a pod whose volume is unknown gets neither."""
        try:
            self.volume_alternatives[pod.uid] = self.cluster.volumes.alternatives(pod)
            self.topology.register(pod)
        except UnknownVolume as error:
            self.trace.say(
                "pod %s loses its volume requirements and its topology: unknown volume %s",
                pod.key,
                error,
            )
            self.volume_alternatives[pod.uid] = [None]

    def build_existing_nodes(self, active, daemons):
        """Initialized ones first, then by name."""
        for node in active:
            self.topology.register_hostname(node.hostname)
        nodes = [
            ExistingNode(node, outstanding_daemon_requests(daemons, node), self.cluster.volumes)
            for node in active
        ]
        return sorted(nodes, key=lambda node: node.order)

    def data_of(self, pod):
        strict = pod_requirements(pod.spec, strict=True)
        return PodData(
            requests=pod_requests(pod.spec),
            requirements=strict if self.cluster.ignore_preferences else pod_requirements(pod.spec),
            strict_requirements=strict,
            volume_alternatives=self.volume_alternatives[pod.uid],
            claims_by_driver=self.cluster.volumes.claims_by_driver(pod),
            ports=host_ports(pod.spec),
        )

    def queue_order(self, pod):
        """largest CPU, then largest memory, then oldest, then UID."""
        requests = self.pod_data[pod.uid].requests
        return (
            -requests.get("cpu", 0),
            -requests.get("memory", 0),
            pod.creation_timestamp,
            pod.uid,
        )

    def solve(self):
        """"""
        queue = sorted(self.batch, key=self.queue_order)
        self.describe_start(queue)
        errors, length_when_pushed = {}, {}
        while queue and length_when_pushed.get(queue[0].uid, 0) != len(queue):
            pod = queue.pop(0)
            try:
                self.try_schedule(pod.copy_for_relaxation())
                errors.pop(pod.key, None)
            except Refusal as refusal:
                self.trace.say("  => not scheduled, back to the queue")
                errors[pod.key] = refusal
                self.refresh(pod)
                queue.append(pod)
                length_when_pushed[pod.uid] = len(queue)
        return self.finish(errors)

    def try_schedule(self, pod):
        """Relax the copy of the pod until it finds a place. Raises the last refusal."""
        data = self.pod_data[pod.uid]
        self.trace.say(
            "pod %s (%s) requires %s",
            pod.key,
            LazyText(format_resources, data.requests),
            data.requirements,
        )
        with self.trace.indented():
            while True:
                try:
                    return self.add(pod)
                except ReservedOfferingRefusal:
                    raise
                except Refusal:
                    step = relax(pod, self.tolerate_prefer_no_schedule)
                    if step is None:
                        raise
                self.refresh(pod)
                self.trace.say(
                    "relaxed: %s; the pod now requires %s",
                    step,
                    self.pod_data[pod.uid].requirements,
                )

    def refresh(self, pod):
        self.topology.register(pod)
        self.pod_data[pod.uid] = self.data_of(pod)

    def add(self, pod):
        if self.add_to_existing_node(pod) or self.add_to_in_flight_claim(pod):
            return
        self.add_to_new_claim(pod)

    def add_to_existing_node(self, pod):
        data = self.pod_data[pod.uid]
        for node in self.existing_nodes:
            try:
                self.check_consolidate_after(node, pod)
                requirements = node.try_accept(pod, data, self.topology)
            except Refusal as refusal:
                self.trace.say("node %s refuses: %s", node.name, refusal)
                continue
            node.add(pod, data, requirements)
            self.topology.record(pod, node.taints, requirements)
            self.trace.say("=> node %s", node.name)
            return True
        return False

    def check_consolidate_after(self, node, pod):
        """only pending pods and pods of deleting nodes may settle there."""
        if node.name in self.under_consolidate_after and (
            pod.node_name
            and pod.phase != "Pending"
            and pod.node_name not in self.deleting_node_names
        ):
            raise Refusal("consolidate-after", "it is still under consolidateAfter")

    def add_to_in_flight_claim(self, pod):
        """The claims with the fewest pods first; the list itself is sorted before every attempt
        (Appendix C)."""
        sort_slice(self.claims, lambda left, right: len(left.pods) < len(right.pods))
        data = self.pod_data[pod.uid]
        for claim in self.claims:
            try:
                acceptance = claim.try_accept(pod, data)
            except Refusal as refusal:
                self.trace.say("%s refuses: %s", claim.description, refusal)
                continue
            self.place(claim, pod, data, acceptance)
            return True
        return False

    def add_to_new_claim(self, pod):
        """the first template in pool order. Raises a refusal that joins those of all templates."""
        if not self.templates:
            raise Refusal("no-template", "no pool has any instance type")
        data = self.pod_data[pod.uid]
        refusals = []
        for template in self.templates:
            try:
                claim = self.open_claim(template)
                acceptance = claim.try_accept(pod, data, self.cluster.best_effort_min_values)
            except ReservedOfferingRefusal as refusal:
                # Pools of lower weight are not tried.
                self.trace.say(
                    "new claim of %s refuses: %s; no further pool is tried", template.name, refusal
                )
                refusals.append(refusal)
                raise ReservedOfferingRefusal(
                    str(refusal), category=joined_categories(refusals)
                ) from refusal
            except Refusal as refusal:
                self.trace.say("new claim of %s refuses: %s", template.name, refusal)
                refusals.append(refusal)
                continue
            template.min_values_relaxed = bool(acceptance.missed_min_values)
            self.place(claim, pod, data, acceptance)
            self.claims.append(claim)
            self.remaining[template.name] = after_largest_launch(
                self.remaining[template.name], claim.types
            )
            return
        raise Refusal(
            joined_categories(refusals), "%s", "; ".join(refusal.category for refusal in refusals)
        )

    def open_claim(self, template):
        remaining = self.remaining[template.name]
        if remaining.get("nodes") == 0:
            raise Refusal("node-limits", "the pool may have no further node")
        types = types_within_limits(template.types, remaining)
        if not types:
            raise Refusal(
                "limits",
                "no type is within the pool's limits, left: %s",
                LazyText(format_resources, remaining),
            )
        self.opened_claims += 1
        return InFlightClaim(
            self.context, template, f"hostname-placeholder-{self.opened_claims:04d}", types
        )

    def place(self, claim, pod, data, acceptance):
        types_before, requirements_before = len(claim.types), claim.requirements
        claim.add(pod, data, acceptance)
        self.trace.say("=> %s, types %d -> %d", claim.description, types_before, len(claim.types))
        if self.trace.enabled and (
            changed := changed_requirements(requirements_before, claim.requirements)
        ):
            self.trace.say("   narrowed to %s", changed)
        if acceptance.reserved_offerings:
            held = sorted({offering.reservation_id for offering in acceptance.reserved_offerings})
            self.trace.say("   holds reservations %s", ", ".join(held))

    def finish(self, errors):
        """"""
        finished = []
        for claim in self.claims:
            candidate = finish_claim(claim, self.cluster)
            if breaks_min_values(candidate, self.cluster):
                for pod in claim.pods:
                    errors[pod.key] = Refusal(
                        "min-values",
                        "minValues do not survive the cut to %d types",
                        len(candidate.types),
                    )
                continue
            finished.append(candidate)
        self.describe_end(finished, errors)
        return Outcome(finished, self.existing_nodes, errors, self.ignored)

    def describe_start(self, queue):
        for name, reason in self.ignored.items():
            self.trace.say("pod %s is ignored: %s", name, reason)
        for node in self.existing_nodes:
            self.trace.say(
                "existing node %s: %s left", node.name, LazyText(format_resources, node.remaining)
            )
        self.trace.say("queue: %s", " ".join(pod.key for pod in queue) or "empty")

    def describe_end(self, finished, errors):
        for claim in finished:
            self.trace.say(
                "claim of %s for %s: %d types (%d before the cut), first %s",
                claim.pool_name,
                " ".join(claim.pod_keys),
                len(claim.types),
                claim.types_before_truncation,
                " ".join(instance_type.name for instance_type in claim.types[:5]),
            )
            with self.trace.indented():
                self.trace.say("requires %s", claim.node_claim_requirements)
                self.trace.say("requests %s", LazyText(format_resources, claim.requests))
        for key, refusal in sorted(errors.items()):
            self.trace.say("pod %s is not scheduled: %s", key, refusal.category)


def changed_requirements(before, after):
    return ", ".join(
        str(after[key]) for key in sorted(after) if str(after[key]) != str(before.get(key))
    )


def joined_categories(refusals):
    return ";".join(refusal.category for refusal in refusals)
