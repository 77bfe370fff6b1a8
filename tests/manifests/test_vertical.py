"""VerticalPodAutoscalers: what an API server refuses."""

import pytest

from pyscale.errors import InvalidObjectError
from pyscale.manifests.vertical import vertical_pod_autoscaler_from_dict


def manifest(mode="Initial", **policy):
    return {
        "metadata": {"name": "web", "namespace": "shop"},
        "spec": {
            "targetRef": {"kind": "Deployment", "name": "web"},
            "updatePolicy": {"updateMode": mode},
            "resourcePolicy": {"containerPolicies": [{"containerName": "*", **policy}]},
        },
    }


POLICY = r"\$.spec.resourcePolicy.containerPolicies\[0\]"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (manifest("Sometimes"), r"\$.spec.updatePolicy.updateMode: expected one of Off, Initial"),
        (manifest(mode="Initial", controlledValues="Limits"), rf"{POLICY}.controlledValues: exp"),
        (manifest(controlledResources=["gpu"]), rf"{POLICY}.controlledResources: expected one of"),
        (manifest(minAllowed={"cpu": "-1"}), rf"{POLICY}.minAllowed.cpu: expected >= 0, found -1"),
        (
            manifest(minAllowed={"cpu": "2"}, maxAllowed={"cpu": "500m"}),
            rf"{POLICY}.maxAllowed.cpu: expected at least minAllowed 2, found 500m",
        ),
    ],
)
def test_what_an_api_server_refuses_is_refused_with_name_and_path(given, message):
    with pytest.raises(InvalidObjectError, match=message) as caught:
        vertical_pod_autoscaler_from_dict(given, "vpa.yaml")
    assert str(caught.value).startswith("vpa.yaml: VerticalPodAutoscaler shop/web")
    vertical_pod_autoscaler_from_dict(given, validate=False)
