"""Does a pod fit on a node that is already there."""

from .labels import HOSTNAME
from .pods import conflicting_host_port, format_taints, untolerated_taints
from .quantities import misfit, subtract_resources
from .requirements import one_of, requirements_from_labels
from .tracing import Refusal


class ExistingNode:
    """A state node as one scheduling round sees and fills it."""

    def __init__(self, state_node, outstanding_daemons, volumes):
        self.state_node = state_node
        self.name = state_node.name
        self.initialized = state_node.initialized
        self.taints = state_node.taints
        self.requirements = requirements_from_labels(state_node.labels).add(
            [one_of(HOSTNAME, [state_node.hostname])]
        )
        self.remaining = subtract_resources(state_node.available, outstanding_daemons)
        for name, quantity in outstanding_daemons.items():
            self.remaining.setdefault(name, -quantity)
        self.ports = dict(state_node.host_ports)
        self.volumes = {}
        for pod in state_node.live_pods:
            self.add_volumes(volumes.claims_by_driver(pod))
        self.pods = []

    @property
    def order(self):
        return (not self.initialized, self.name)

    def add_volumes(self, claims_by_driver):
        for driver, claims in claims_by_driver.items():
            self.volumes.setdefault(driver, set()).update(claims)

    def try_accept(self, pod, data, topology):
        """The narrowed requirements. Raises a Refusal."""
        taints = untolerated_taints(self.taints, pod.tolerations)
        if taints:
            raise Refusal("taints", "untolerated taints %s", format_taints(taints))
        for driver, limit in self.state_node.csi_limits.items():
            claims = self.volumes.get(driver, set()) | data.claims_by_driver.get(driver, set())
            if len(claims) > limit:
                raise Refusal(
                    "volume-limits", "%d volumes of %s, limit %d", len(claims), driver, limit
                )
        others = [port for key, ports in self.ports.items() if key != pod.key for port in ports]
        port = conflicting_host_port(data.ports, others)
        if port:
            raise Refusal("ports", "host port %s:%s/%s is taken", *port)
        resource = misfit(data.requests, self.remaining)
        if resource:
            raise Refusal(
                "fit",
                "%s does not fit: %s of %s left",
                resource,
                self.remaining.get(resource, 0) / 1e9,
                self.state_node.allocatable.get(resource, 0) / 1e9,
            )
        key = self.requirements.incompatible_key(data.requirements)
        if key:
            held = self.requirements.get(key, f"no {key}")
            raise Refusal(
                "requirements", "the node has %s, the pod requires %s", held, data.requirements[key]
            )
        merged = self.requirements.merged_with(data.requirements)
        return first_volume_alternative(
            data, lambda alternative: self.narrow(pod, data, topology, merged, alternative)
        )

    def narrow(self, pod, data, topology, requirements, alternative):
        if alternative is not None:
            key = requirements.incompatible_key(alternative)
            if key:
                raise Refusal("volume", "a volume requires %s", alternative[key])
            requirements = requirements.merged_with(alternative)
        narrowed = topology.narrowed(pod, data.strict_requirements, requirements)
        key = requirements.incompatible_key(narrowed)
        if key:
            raise Refusal("topology", "topology requires %s", narrowed[key])
        return requirements.merged_with(narrowed)

    def add(self, pod, data, requirements):
        self.pods.append(pod)
        self.remaining = subtract_resources(self.remaining, data.requests)
        self.ports[pod.key] = data.ports
        self.add_volumes(data.claims_by_driver)
        self.requirements = requirements


def first_volume_alternative(data, attempt):
    """The first alternative that passes everything; the last refusal if none does."""
    refusal = None
    for alternative in data.volume_alternatives:
        try:
            return attempt(alternative)
        except Refusal as error:
            refusal = error
    raise refusal
