"""Pods: requests, requirements, tolerations, selectors, host ports."""

import copy
from dataclasses import dataclass

from .quantities import BILLION, add_resources, max_resources, parse_resources
from .requirements import requirements_from_expressions, requirements_from_labels

REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"
PREFER_NO_SCHEDULE_TOLERATION = {"operator": "Exists", "effect": "PreferNoSchedule"}
ANY_ADDRESS = ("0.0.0.0", "::")


@dataclass(eq=False)
class Pod:
    name: str
    namespace: str
    uid: str
    creation_timestamp: str
    labels: dict
    annotations: dict
    owners: list
    spec: dict
    node_name: str | None
    phase: str | None
    ready: bool
    start_time: str | None
    deletion_timestamp: str | None
    nominated_node_name: str | None
    unseen: bool

    @property
    def key(self):
        return self.name if self.namespace == "default" else f"{self.namespace}/{self.name}"

    @property
    def owner_kinds(self):
        return {owner["kind"] for owner in self.owners}

    @property
    def tolerations(self):
        return self.spec.get("tolerations") or []

    @property
    def terminal(self):
        return self.phase in ("Succeeded", "Failed")

    @property
    def active(self):
        return not self.terminal and not self.deletion_timestamp

    @property
    def provisionable(self):
        """6; `unseen` pods carry no Unschedulable condition."""
        return (
            not self.node_name
            and not self.unseen
            and not self.nominated_node_name
            and not self.owner_kinds & {"DaemonSet", "Node"}
        )

    @property
    def reschedulable(self):
        waits_for_replacement = "StatefulSet" in self.owner_kinds and self.deletion_timestamp
        return bool(self.active or waits_for_replacement) and not self.owner_kinds & {
            "DaemonSet",
            "Node",
        }

    def copy_for_relaxation(self):
        relaxed = copy.copy(self)
        relaxed.spec = copy.deepcopy(self.spec)
        return relaxed


def pod_from_input(given, templates):
    template = templates[given["template"]]
    metadata = template["metadata"]
    return Pod(
        name=given["name"],
        namespace=given.get("namespace") or metadata.get("namespace") or "default",
        uid=given["uid"],
        creation_timestamp=given.get("creationTimestamp"),
        labels={**metadata.get("labels", {}), **(given.get("labels") or {})},
        annotations={**(metadata.get("annotations") or {}), **(given.get("annotations") or {})},
        owners=metadata.get("ownerReferences", []),
        spec=template.get("spec"),
        node_name=given.get("nodeName"),
        phase=given.get("phase"),
        ready=given.get("ready") is not False,
        start_time=given.get("startTime"),
        deletion_timestamp=given.get("deletionTimestamp"),
        nominated_node_name=given.get("nominatedNodeName"),
        unseen=bool(given.get("unseen")),
    )


def pod_requests(spec):
    """Containers, sidecars, init containers, pod-level requests, overhead, and one `pods`."""
    total = {}
    for container in spec["containers"]:
        total = add_resources(total, container_requests(container))
    sidecars, peak = {}, {}
    for container in spec.get("initContainers", ()):
        if container.get("restartPolicy") == "Always":
            sidecars = add_resources(sidecars, container_requests(container))
            peak = max_resources(peak, sidecars)
        else:
            peak = max_resources(peak, add_resources(sidecars, container_requests(container)))
    total = max_resources(add_resources(total, sidecars), peak)
    total.update(parse_resources(spec.get("resources", {}).get("requests")))
    total = add_resources(total, parse_resources(spec.get("overhead")))
    total["pods"] = BILLION
    return total


def container_requests(container):
    return parse_resources(container.get("resources", {}).get("requests"))


def node_affinity(spec):
    return spec.get("affinity", {}).get("nodeAffinity", {})


def required_node_terms(spec):
    """The OR-terms of the required node affinity; the live list, so that a caller may drop
    terms."""
    return node_affinity(spec).get(REQUIRED, {}).get("nodeSelectorTerms") or []


def pod_requirements(spec, strict=False):
    """nodeSelector, the heaviest preferred term (unless strict) and the first required term."""
    requirements = requirements_from_labels(spec.get("nodeSelector"))
    preferred = node_affinity(spec).get(PREFERRED) or []
    if preferred and not strict:
        heaviest = min(preferred, key=lambda term: -term["weight"])
        requirements.add(
            requirements_from_expressions(heaviest["preference"].get("matchExpressions")).values()
        )
    terms = required_node_terms(spec)
    if terms:
        requirements.add(requirements_from_expressions(terms[0].get("matchExpressions")).values())
    return requirements


def tolerates_taint(taint, tolerations):
    for toleration in tolerations or ():
        if toleration.get("effect") and toleration["effect"] != taint["effect"]:
            continue
        if toleration.get("key") and toleration["key"] != taint["key"]:
            continue
        operator = toleration.get("operator") or "Equal"
        if operator == "Exists":
            return True
        if (
            operator == "Equal"
            and toleration.get("key")
            and toleration.get("value", "") == taint.get("value", "")
        ):
            return True
    return False


def untolerated_taints(taints, tolerations):
    """Every effect counts, PreferNoSchedule too."""
    return [taint for taint in taints or () if not tolerates_taint(taint, tolerations)]


def tolerates(taints, tolerations):
    return not untolerated_taints(taints, tolerations)


def add_prefer_no_schedule_toleration(spec):
    """Whether the toleration was new."""
    tolerations = spec.setdefault("tolerations", [])
    if PREFER_NO_SCHEDULE_TOLERATION in tolerations:
        return False
    tolerations.append(dict(PREFER_NO_SCHEDULE_TOLERATION))
    return True


def format_taints(taints):
    return ", ".join(
        f"{taint['key']}={taint.get('value', '')}:{taint['effect']}" for taint in taints
    )


def selector_matches(selector, labels):
    """A label selector; an absent one matches nothing."""
    if selector is None:
        return False
    for key, value in (selector.get("matchLabels") or {}).items():
        if labels.get(key) != value:
            return False
    return all(
        expression_matches(expression, labels)
        for expression in selector.get("matchExpressions") or ()
    )


def expression_matches(expression, labels):
    key, operator = expression["key"], expression["operator"]
    if operator == "In":
        return labels.get(key) in expression["values"]
    if operator == "NotIn":
        return labels.get(key) not in expression["values"]
    return (key in labels) == (operator == "Exists")


def host_ports(spec):
    """(address, port, protocol) of the app containers' host ports."""
    return [
        (port.get("hostIP") or "0.0.0.0", port["hostPort"], port.get("protocol", ""))
        for container in spec["containers"]
        for port in container.get("ports", ())
        if port.get("hostPort")
    ]


def conflicting_host_port(ours, theirs):
    """The first of our ports that collides with one of theirs, or None."""
    for address, port, protocol in ours:
        for other_address, other_port, other_protocol in theirs:
            if (port, protocol) != (other_port, other_protocol):
                continue
            if address == other_address or address in ANY_ADDRESS or other_address in ANY_ADDRESS:
                return (address, port, protocol)
    return None
