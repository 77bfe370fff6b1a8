"""HorizontalPodAutoscalers are read with defaults, and refused with the path of the field."""

import copy

import pytest

from pyscale.errors import InvalidObjectError
from pyscale.manifests.autoscaling import horizontal_pod_autoscaler_from_dict

GOOD = {
    "metadata": {"name": "web"},
    "spec": {
        "scaleTargetRef": {"kind": "Deployment", "name": "web"},
        "maxReplicas": 10,
        "metrics": [
            {
                "type": "Resource",
                "resource": {
                    "name": "cpu",
                    "target": {"type": "Utilization", "averageUtilization": 50},
                },
            }
        ],
        "behavior": {
            "scaleUp": {
                "stabilizationWindowSeconds": 30,
                "policies": [{"type": "Pods", "value": 4, "periodSeconds": 60}],
            }
        },
    },
}


def with_field(path, value):
    manifest = copy.deepcopy(GOOD)
    *parents, last = path
    place = manifest["spec"]
    for key in parents:
        place = place[key]
    place[last] = value
    return manifest


def test_a_manifest_is_read_with_defaults():
    autoscaler = horizontal_pod_autoscaler_from_dict(GOOD)
    assert (autoscaler.min_replicas, autoscaler.max_replicas) == (1, 10)
    assert autoscaler.target == "Deployment/web"
    assert autoscaler.metrics[0].target == 50
    assert autoscaler.behavior.scale_up.policies[0].period_ns == 60 * 10**9
    assert autoscaler.behavior.scale_down.policies is None


POLICY = ("behavior", "scaleUp", "policies", 0)


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("minReplicas",), 11, r"\$.spec.maxReplicas: expected >= 11, found 10"),
        (("minReplicas",), 0, r"\$.spec.minReplicas: expected >= 1 without an Object"),
        (("metrics", 0, "type"), "Moon", r"\$.spec.metrics\[0\].type: expected Resource"),
        (
            ("metrics", 0, "resource", "target", "averageUtilization"),
            0,
            r"\$.spec.metrics\[0\]: expected a target above 0, found 0",
        ),
        (
            (*POLICY, "periodSeconds"),
            0,
            r"\[0\].periodSeconds: expected 1 to 1800, found 0",
        ),
        ((*POLICY, "periodSeconds"), 1801, r"expected 1 to 1800, found 1801"),
        ((*POLICY, "type"), "Half", r"policies\[0\].type: expected Pods or Percent, found 'Half'"),
        ((*POLICY, "value"), 0, r"policies\[0\].value: expected above 0, found 0"),
        (
            ("behavior", "scaleUp", "stabilizationWindowSeconds"),
            -1,
            r"stabilizationWindowSeconds: expected 0 to 3600, found -1",
        ),
        (("maxReplicas",), "ten", r"\$.spec.maxReplicas: expected `int`, found `str`"),
    ],
)
def test_what_an_api_server_refuses_is_refused_with_name_and_path(path, value, message):
    with pytest.raises(InvalidObjectError, match=message) as caught:
        horizontal_pod_autoscaler_from_dict(with_field(path, value), "hpa.yaml")
    assert str(caught.value).startswith("hpa.yaml: HorizontalPodAutoscaler web")
    assert "\n" not in str(caught.value)
