"""What DaemonSets take from every node."""

import copy
from dataclasses import dataclass

from .pods import (
    REQUIRED,
    add_prefer_no_schedule_toleration,
    host_ports,
    node_affinity,
    pod_requests,
    pod_requirements,
    required_node_terms,
    tolerates,
)
from .quantities import add_resources
from .requirements import requirements_from_labels


@dataclass(eq=False)
class DaemonPod:
    """The pod that a DaemonSet would run. Its spec changes during a round, so each round makes
    its own."""

    name: str
    spec: dict


@dataclass(eq=False)
class OverheadGroup:
    """Instance types of a template on which the same daemon pods run."""

    types: list
    overhead: dict
    ports: list

    def copy(self):
        return OverheadGroup(self.types, self.overhead, list(self.ports))


def daemon_pods(cluster):
    return [daemon_pod_of(daemon_set, cluster.pods) for daemon_set in cluster.daemon_sets]


def daemon_pod_of(daemon_set, pods):
    """The newest live pod with the template's required node affinity, or else a pod made from
    the template."""
    metadata, template = daemon_set["metadata"], daemon_set["spec"]["template"]["spec"]
    live = [
        pod
        for pod in pods
        if any(
            owner["kind"] == "DaemonSet" and owner["uid"] == metadata["uid"] for owner in pod.owners
        )
    ]
    if live:
        newest = max(live, key=lambda pod: pod.creation_timestamp)
        spec = copy.deepcopy(newest.spec)
        required = node_affinity(template).get(REQUIRED)
        if required:
            spec.setdefault("affinity", {}).setdefault("nodeAffinity", {})[REQUIRED] = (
                copy.deepcopy(required)
            )
        return DaemonPod(newest.key, spec)
    spec = copy.deepcopy(template)
    for container in spec["containers"]:
        resources = container.setdefault("resources", {})
        resources["requests"] = {**(resources.get("limits") or {}), **resources.get("requests", {})}
    return DaemonPod("kube-system/" + metadata["name"], spec)


def runs_on_new_node(daemon, template_requirements, taints, instance_type, well_known):
    """Whether the daemon would run on this type of the template.

    Required terms that fail are dropped for good: later types, templates and existing nodes no
    longer see them.
    """
    add_prefer_no_schedule_toleration(daemon.spec)
    if not tolerates(taints, daemon.spec["tolerations"]):
        return False
    while True:
        requirements = pod_requirements(daemon.spec, strict=True)
        if template_requirements.compatible(
            requirements, well_known
        ) and instance_type.requirements.intersects(requirements):
            return True
        terms = required_node_terms(daemon.spec)
        if len(terms) <= 1:
            return False
        terms.pop(0)


def overhead_groups(daemons, template_requirements, taints, instance_types, well_known):
    """Ordered by the names of the daemon pods, the group without daemons first."""
    groups = {}
    for instance_type in instance_types:
        running = [
            daemon
            for daemon in daemons
            if runs_on_new_node(daemon, template_requirements, taints, instance_type, well_known)
        ]
        identity = ",".join(sorted(daemon.name for daemon in running))
        if identity not in groups:
            groups[identity] = OverheadGroup(
                [], total_requests(running), [host_ports(daemon.spec) for daemon in running]
            )
        groups[identity].types.append(instance_type)
    return [groups[identity] for identity in sorted(groups)]


def total_requests(daemons):
    total = {}
    for daemon in daemons:
        total = add_resources(total, pod_requests(daemon.spec))
    return total


def outstanding_daemon_requests(daemons, node):
    """Requests of daemon pods that should run on the state node and do not yet."""
    labels = requirements_from_labels(node.labels)
    expected = total_requests(
        daemon
        for daemon in daemons
        if tolerates(node.taints, daemon.spec.get("tolerations"))
        and labels.compatible(pod_requirements(daemon.spec, strict=True))
    )
    return {
        name: max(0, quantity - node.daemon_requests.get(name, 0))
        for name, quantity in expected.items()
    }


def minimum_overhead(groups, remaining_types):
    """The overhead added to the requests of a finished claim; a group without overhead is
    replaced by the next."""
    remaining = {id(instance_type) for instance_type in remaining_types}
    minimum = {}
    for group in groups:
        if not any(id(instance_type) in remaining for instance_type in group.types):
            continue
        if not minimum:
            minimum = group.overhead
        else:
            minimum = {
                name: min(quantity, group.overhead[name])
                for name, quantity in minimum.items()
                if name in group.overhead
            }
    return minimum
