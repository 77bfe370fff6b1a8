"""Pods that an API server would refuse."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from pyscale.errors import InvalidObjectError
from pyscale.model.pods import Container, ContainerPort, Pod, PodSpec, PodTemplate
from pyscale.model.requirements import (
    LabelSelector,
    NodeSelectorTerm,
    PreferredNodeSelectorTerm,
    Requirement,
)
from pyscale.model.taints import Toleration
from pyscale.model.topology import (
    PodAffinityTerm,
    TopologySpreadConstraint,
    WeightedPodAffinityTerm,
)
from pyscale.model.validation import validate_pod, validate_pod_template
from pyscale.model.volumes import Volume

ZONE = "topology.kubernetes.io/zone"
ANY = LabelSelector()
NODE_TERMS = r"\$\.spec\.affinity\.nodeAffinity\.requiredDuring\w+\.nodeSelectorTerms"
GOOD = PodSpec(containers=(Container("c", requests={"cpu": 1}, limits={"cpu": 2}),))


def container(**fields: Any) -> dict[str, Any]:
    return {"containers": (Container("c", **fields),)}


def node_term(*expressions: Requirement) -> dict[str, Any]:
    return {"required_node_affinity": (NodeSelectorTerm(expressions),)}


def spread(**fields: Any) -> TopologySpreadConstraint:
    given = {"max_skew": 1, "topology_key": ZONE, "when_unsatisfiable": "DoNotSchedule"}
    return TopologySpreadConstraint(**{**given, **fields})


def ports(*given: ContainerPort) -> dict[str, Any]:
    return container(ports=given)


REFUSED = [
    ({"containers": ()}, r"\$\.spec\.containers: expected at least one container, found none"),
    (
        container(requests={"cpu": -5 * 10**6}),
        r"containers\[0\]\.resources\.requests\.cpu: expected an amount >= 0, found -5m",
    ),
    (container(requests={"cpu": 3}, limits={"cpu": 2}), "expected at most the limit 2n, found 3n"),
    (container(requests={"gpu.com/x": 10**9}), "expected a limit, as for every device"),
    (
        container(requests={"gpu.com/x": 10**9}, limits={"gpu.com/x": 2 * 10**9}),
        r"requests\['gpu\.com/x'\]: expected the limit 2, found 1",
    ),
    (container(limits={"gpu.com/x": 5}), "expected a whole number, found 5n"),
    (container(limits={"a/b/c": 5}), r"limits\['a/b/c'\]: expected a resource name"),
    (ports(ContainerPort(0)), r"ports\[0\]\.containerPort: expected a number from 1 to 65535"),
    (ports(ContainerPort(1, 65536)), "hostPort: expected a number from 0 to 65535, found 65536"),
    (
        ports(ContainerPort(1, protocol="tcp")),
        "protocol: expected one of TCP, UDP, SCTP, found 'tc",
    ),
    (ports(ContainerPort(1, host_ip="x")), "hostIP: expected an IP address, found 'x'"),
    (
        ports(ContainerPort(1, 80), ContainerPort(2, 80, "", "TCP")),
        r"ports\[1\]\.hostPort: expected each host port once, found 80 twice",
    ),
    (
        {**ports(ContainerPort(1, 80)), "host_network": True},
        "hostPort: expected containerPort 1 as the pod uses the node's network, found 80",
    ),
    ({"init_containers": (Container("c"),)}, r"containers\[0\]\.name: expected each name once"),
    (
        {"init_containers": (Container("i", restart_policy="Never"),)},
        r"initContainers\[0\]\.restartPolicy: expected one of Always, found 'Never'",
    ),
    ({"overhead": {"cpu": -1}}, r"\$\.spec\.overhead\.cpu: expected an amount >= 0, found -1n"),
    ({"resources": {"cpu": -1}}, r"\$\.spec\.resources\.requests\.cpu: expected an amount"),
    ({"node_selector": {"a": "b c"}}, r"nodeSelector\.a: expected a label value .* found 'b c'"),
    ({"node_selector": {"/a": "b"}}, r"nodeSelector\['/a'\]: expected a label key"),
    ({"required_node_affinity": ()}, NODE_TERMS + ": expected at least one term, found none"),
    (
        node_term(Requirement("a", "Is", ("b",))),
        NODE_TERMS + r"\[0\]\.matchExpressions\[0\]\.operator: expected one of In, .* found 'Is'",
    ),
    (node_term(Requirement("a", "Gt", ("x",))), r"values\[0\]: expected an integer, found 'x'"),
    (node_term(Requirement("a", "Lt", (str(2**63),))), "expected an integer, found '92233"),
    (node_term(Requirement("a", "Gt", ())), "values: expected one value for Gt, found 0"),
    (node_term(Requirement("a", "In", ())), "expected at least one value for In, found none"),
    (node_term(Requirement("a", "Exists", ("b",))), "expected no values for Exists, found 1"),
    (node_term(Requirement("", "Exists")), "key: expected a label key"),
    (
        {
            "required_node_affinity": (
                NodeSelectorTerm((), (Requirement("metadata.uid", "In", ("a",)),)),
            )
        },
        r"matchFields\[0\]\.key: expected one of metadata\.name, found 'metadata\.uid'",
    ),
    (
        {
            "required_node_affinity": (
                NodeSelectorTerm((), (Requirement("metadata.name", "In", ("a", "b")),)),
            )
        },
        r"matchFields\[0\]\.values: expected one value, found 2",
    ),
    (
        {"preferred_node_affinity": (PreferredNodeSelectorTerm(0, NodeSelectorTerm()),)},
        r"preferredDuring\w+\[0\]\.weight: expected a number from 1 to 100, found 0",
    ),
    (
        {"required_pod_affinity": (PodAffinityTerm(""),)},
        r"podAffinity\.requiredDuring\w+\[0\]\.topologyKey: expected a label key",
    ),
    (
        {"preferred_pod_anti_affinity": (WeightedPodAffinityTerm(101, PodAffinityTerm(ZONE)),)},
        r"podAntiAffinity\.preferredDuring\w+\[0\]\.weight: expected a number from 1 to 100",
    ),
    (
        {"required_pod_affinity": (PodAffinityTerm(ZONE, namespaces=("A",)),)},
        r"namespaces\[0\]: expected a lower-case DNS label, found 'A'",
    ),
    (
        {"required_pod_affinity": (PodAffinityTerm(ZONE, match_label_keys=("a",)),)},
        "matchLabelKeys: expected a labelSelector beside it, found none",
    ),
    (
        {"required_pod_affinity": (PodAffinityTerm(ZONE, ANY, (), None, ("a",), ("a",)),)},
        r"matchLabelKeys\[0\]: expected a key that is not in mismatchLabelKeys, found 'a'",
    ),
    (
        {
            "required_pod_affinity": (
                PodAffinityTerm(ZONE, LabelSelector({}, (Requirement("a", "Gt", ("1",)),))),
            )
        },
        r"labelSelector\.matchExpressions\[0\]\.operator: expected one of In, NotIn, Exists",
    ),
    (
        {"tolerations": (Toleration("a", "Lt", "1"),)},
        r"tolerations\[0\]\.operator: expected one of",
    ),
    ({"tolerations": (Toleration("", "Equal", "1"),)}, "expected Exists, as there is no key"),
    ({"tolerations": (Toleration("a", "Exists", "1"),)}, "value: expected none for Exists"),
    ({"tolerations": (Toleration("a", "", "1", "Never"),)}, r"effect: expected one of NoSchedule"),
    ({"tolerations": (Toleration("a", "", "1", "NoSchedule", 3),)}, "expected NoExecute beside"),
    (
        {"topology_spread_constraints": (spread(max_skew=0),)},
        r"topologySpreadConstraints\[0\]\.maxSkew: expected a number >= 1, found 0",
    ),
    (
        {"topology_spread_constraints": (spread(), spread())},
        r"topologySpreadConstraints\[1\]: expected each topologyKey and action once",
    ),
    (
        {"topology_spread_constraints": (spread(when_unsatisfiable="Never"),)},
        "whenUnsatisfiable: expected one of DoNotSchedule, ScheduleAnyway, found 'Never'",
    ),
    (
        {"topology_spread_constraints": (spread(min_domains=0),)},
        "minDomains: expected a number >= 1",
    ),
    (
        {
            "topology_spread_constraints": (
                spread(min_domains=1, when_unsatisfiable="ScheduleAnyway"),
            )
        },
        "minDomains: expected none for ScheduleAnyway",
    ),
    (
        {"topology_spread_constraints": (spread(node_taints_policy="x"),)},
        "nodeTaintsPolicy: expected one of Honor, Ignore, found 'x'",
    ),
    (
        {"volumes": (Volume("A"),)},
        r"volumes\[0\]\.name: expected a lower-case DNS label, found 'A'",
    ),
    ({"volumes": (Volume("a"), Volume("a"))}, r"volumes\[1\]\.name: expected each name once"),
    (
        {"volumes": (Volume("a", "persistentVolumeClaim"),)},
        "claimName: expected a name, found none",
    ),
    ({"preemption_policy": "x"}, "preemptionPolicy: expected one of PreemptLowerPriority, Never"),
    ({"restart_policy": "x"}, r"\$\.spec\.restartPolicy: expected one of Always, OnFailure, Never"),
    (
        {"termination_grace_period_seconds": -1},
        "terminationGracePeriodSeconds: expected a number >=",
    ),
    ({"scheduling_gates": ("a", "a")}, "schedulingGates: expected each gate once"),
]


@pytest.mark.parametrize(("fields", "message"), REFUSED)
def test_a_pod_is_refused_with_the_field(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidObjectError, match=message):
        validate_pod_template(PodTemplate(replace(GOOD, **fields)))


def test_ports_of_ended_init_containers_may_be_used_again() -> None:
    port = (ContainerPort(1, 80),)
    init = (Container("i", ports=port),)
    validate_pod_template(PodTemplate(replace(GOOD, init_containers=init, **ports(*port))))
    sidecar = (Container("i", ports=port, restart_policy="Always"),)
    with pytest.raises(InvalidObjectError, match="found 80 twice"):
        validate_pod_template(PodTemplate(replace(GOOD, init_containers=sidecar, **ports(*port))))


@pytest.mark.parametrize(
    ("pod", "message"),
    [
        (Pod("", PodTemplate(GOOD)), r"pod default/: \$\.metadata\.name: expected a name"),
        (Pod("a b", PodTemplate(GOOD)), "expected a lower-case DNS name, found 'a b'"),
        (Pod("a", PodTemplate(GOOD, "A")), r"\$\.metadata\.namespace: expected a lower-case DNS"),
        (Pod("a", PodTemplate(GOOD, labels={"x" * 64: ""})), "expected a label key"),
        (Pod("a", PodTemplate(GOOD, labels={"x": "y" * 64})), "expected a label value"),
        (Pod("a", PodTemplate(GOOD, annotations={"a b": ""})), "annotations.*expected a label key"),
    ],
)  # fmt: skip
def test_names_and_labels_have_a_form(pod: Pod, message: str) -> None:
    with pytest.raises(InvalidObjectError, match=message):
        validate_pod(pod, "file")


def test_annotations_may_have_capitals_and_any_value() -> None:
    validate_pod(Pod("a", PodTemplate(GOOD, annotations={"Example.com/a": "b c" * 100})))


def test_a_template_that_is_known_to_be_valid_is_not_looked_at() -> None:
    validate_pod(Pod("a", PodTemplate(PodSpec())), template_is_valid=True)
