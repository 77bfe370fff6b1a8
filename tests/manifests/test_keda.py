"""ScaledObjects: triggers, and what an API server or KEDA refuses."""

import pytest

from pyscale.errors import InvalidObjectError
from pyscale.manifests.keda import scaled_object_from_dict
from pyscale.model.autoscaling import EXTERNAL, RESOURCE, MetricSpec

QUEUE = {
    "type": "rabbitmq",
    "metadata": {"value": "20", "activationValue": "5"},
}


def manifest(**spec):
    spec = {"scaleTargetRef": {"name": "worker"}, "triggers": [QUEUE], **spec}
    return {"metadata": {"name": "jobs", "namespace": "shop"}, "spec": spec}


def trigger(kind="rabbitmq", metric_type="", **metadata):
    return {"type": kind, "metadata": metadata, "metricType": metric_type}


def test_the_autoscaler_that_keda_creates_follows_the_triggers():
    behavior = {"scaleDown": {"stabilizationWindowSeconds": 60}}
    scaled = scaled_object_from_dict(
        manifest(
            maxReplicaCount=7,
            pollingInterval=10,
            triggers=[QUEUE, trigger("cpu", value="60")],
            advanced={"horizontalPodAutoscalerConfig": {"behavior": behavior}},
        )
    )
    assert (scaled.target, scaled.polling_interval_ns) == ("Deployment/worker", 10 * 10**9)
    assert [it.activation for it in scaled.triggers] == [5000, 0]
    assert [it.activates for it in scaled.triggers] == [True, False]
    horizontal = scaled.horizontal()
    assert (horizontal.min_replicas, horizontal.max_replicas) == (1, 7)
    assert horizontal.metrics == (
        MetricSpec(EXTERNAL, "rabbitmq", "AverageValue", 20_000),
        MetricSpec(RESOURCE, "cpu", "Utilization", 60),
    )
    assert horizontal.behavior.scale_down.stabilization_window_ns == 60 * 10**9


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"triggers": [trigger("moon")]}, r"\$.spec.triggers\[0\].type: expected cpu, memory, pro"),
        ({"triggers": [trigger()]}, r"triggers\[0\].metadata.value: expected a threshold, found n"),
        ({"triggers": [trigger(value="0")]}, r"metadata: expected a threshold above 0, found 0"),
        ({"triggers": [trigger(value="x")]}, r"triggers\[0\].metadata.value: "),
        (
            {"triggers": [trigger(metric_type="Utilization", value="1")]},
            r"metricType: expected AverageValue or Value, found 'Utilization'",
        ),
        ({"pollingInterval": 0}, r"\$.spec.pollingInterval: expected above 0, found 0"),
        ({"minReplicaCount": 9, "maxReplicaCount": 3}, r"minReplicaCount: expected 0 to maxRepl"),
        (
            {"advanced": {"horizontalPodAutoscalerConfig": {"behavior": {"scaleUp": {
                "stabilizationWindowSeconds": -1}}}}},
            r"behavior.scaleUp.stabilizationWindowSeconds: expected 0 to 3600, found -1",
        ),
    ],
)  # fmt: skip
def test_what_is_refused_names_object_and_field(spec, message):
    with pytest.raises(InvalidObjectError, match=message) as caught:
        scaled_object_from_dict(manifest(**spec), "keda.yaml")
    assert str(caught.value).startswith("keda.yaml: ScaledObject shop/jobs")
    assert "\n" not in str(caught.value)
