"""Budgets, workloads, services, namespaces and storage that an API server would refuse."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pyscale.errors import InvalidObjectError
from pyscale.model import validation
from pyscale.model.disruption import PodDisruptionBudget
from pyscale.model.pods import Container, PodSpec, PodTemplate
from pyscale.model.requirements import LabelSelector, Requirement
from pyscale.model.volumes import (
    CSINode,
    CSINodeDriver,
    PersistentVolume,
    PersistentVolumeClaim,
    StorageClass,
)
from pyscale.model.workloads import Namespace, Service, Workload

TEMPLATE = PodTemplate(PodSpec(containers=(Container("c"),)), labels={"a": "b"})
SELECTOR = LabelSelector({"a": "b"})


def workload(**fields: Any) -> Workload:
    given = {"kind": "Deployment", "name": "w", "template": TEMPLATE, "count": 1}
    return Workload(**{**given, "selector": SELECTOR, **fields})


REFUSED: list[tuple[Callable[..., None], object, str]] = [
    (
        validation.validate_pod_disruption_budget,
        PodDisruptionBudget("p", min_available="101%"),
        r"pod disruption budget default/p: \$\.spec\.minAvailable: expected a count or a",
    ),
    (
        validation.validate_pod_disruption_budget,
        PodDisruptionBudget("p", max_unavailable=-1),
        r"\$\.spec\.maxUnavailable: expected a number >= 0, found -1",
    ),
    (
        validation.validate_pod_disruption_budget,
        PodDisruptionBudget("p", min_available="5"),
        "expected a count or a percentage up to 100%, found '5'",
    ),
    (
        validation.validate_pod_disruption_budget,
        PodDisruptionBudget("p", min_available=1, max_unavailable=1),
        r"\$\.spec: .*found both",
    ),
    (
        validation.validate_pod_disruption_budget,
        PodDisruptionBudget("p", unhealthy_pod_eviction_policy="x"),
        "expected one of IfHealthyBudget",
    ),
    (
        validation.validate_pod_disruption_budget,
        PodDisruptionBudget("p", selector=LabelSelector({"a b": ""})),
        "selector.*expected a label key",
    ),
    (
        validation.validate_workload,
        workload(count=-1),
        r"Deployment default/w: \$\.spec\.replicas: expected a number >= 0, found -1",
    ),
    (validation.validate_workload, workload(selector=None), "selector: expected a selector"),
    (
        validation.validate_workload,
        workload(selector=LabelSelector({"a": "c"})),
        r"template\.metadata\.labels\.a: expected 'c' as the selector wants, found 'b'",
    ),
    (
        validation.validate_workload,
        workload(kind="CronJob", schedule="x"),
        r"\$\.spec\.schedule: expected five cron fields",
    ),
    (
        validation.validate_workload,
        workload(kind="CronJob", schedule="@daily", template=PodTemplate()),
        r"\$\.spec\.jobTemplate\.spec\.template\.spec\.containers: expected at least one",
    ),
    (
        validation.validate_workload,
        workload(template=PodTemplate(labels={"a": "b"})),
        r"\$\.spec\.template\.spec\.containers: expected at least one",
    ),
    (validation.validate_service, Service("s", selector={"a": "b c"}), r"selector\.a: expected"),
    (validation.validate_namespace, Namespace("a.b"), "expected a lower-case DNS label"),
    (
        validation.validate_persistent_volume,
        PersistentVolume("v", capacity={"storage": -1}),
        r"persistent volume v: \$\.spec\.capacity\.storage: expected an amount >= 0",
    ),
    (
        validation.validate_persistent_volume,
        PersistentVolume("v", access_modes=("x",)),
        r"accessModes\[0\]: expected one of ReadWriteOnce",
    ),
    (
        validation.validate_persistent_volume,
        PersistentVolume("v", required_node_affinity=()),
        r"nodeAffinity\.required\.nodeSelectorTerms: expected at least one term",
    ),
    (
        validation.validate_persistent_volume_claim,
        PersistentVolumeClaim("c", requests={"storage": -1}),
        r"persistent volume claim default/c: \$\.spec\.resources\.requests\.storage: expected",
    ),
    (validation.validate_storage_class, StorageClass("s"), r"\$\.provisioner: expected a name"),
    (
        validation.validate_storage_class,
        StorageClass("s", "p", "x"),
        "volumeBindingMode: expected one",
    ),
    (
        validation.validate_storage_class,
        StorageClass("s", "p", "", ((Requirement("k", "In"),),)),
        "values: expected at least one value",
    ),
    (
        validation.validate_csi_node,
        CSINode("n", (CSINodeDriver("d", count=-1),)),
        r"\$\.spec\.drivers\[0\]\.allocatable\.count: expected a number >= 0",
    ),
    (
        validation.validate_csi_node,
        CSINode("n", (CSINodeDriver("d"), CSINodeDriver("d"))),
        "expected each driver once, found 'd' twice",
    ),
]


@pytest.mark.parametrize(("validate", "obj", "message"), REFUSED)
def test_an_object_is_refused_with_the_field(
    validate: Callable[..., None], obj: object, message: str
) -> None:
    with pytest.raises(InvalidObjectError, match=message):
        validate(obj)


def test_the_error_stays_on_one_line() -> None:
    with pytest.raises(InvalidObjectError) as caught:
        validation.validate_namespace(Namespace("a\nb"), "file")
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith("file: namespace 'a\\nb'")
