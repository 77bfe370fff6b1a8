"""Pod autoscalers are read from manifest files, other kinds are left out."""

import pytest

from pyscale.errors import InvalidObjectError
from pyscale.manifests.autoscaler_files import read_autoscalers
from pyscale.model.autoscaling import HorizontalPodAutoscaler, ScaledObject
from pyscale.model.vertical import VerticalPodAutoscaler

FILE = """
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web}
spec:
  maxReplicas: 5
  metrics: [{type: Resource, resource: {name: cpu, target: {averageUtilization: 50}}}]
---
apiVersion: v1
kind: Service
metadata: {name: web}
---
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: jobs}
spec: {scaleTargetRef: {name: jobs}, triggers: []}
---
apiVersion: autoscaling.k8s.io/v1
kind: VerticalPodAutoscaler
metadata: {name: db}
spec: {targetRef: {kind: Deployment, name: db}}
"""


def test_each_kind_is_read_in_the_order_of_the_file(tmp_path):
    (tmp_path / "a.yaml").write_text(FILE)
    found = read_autoscalers(tmp_path / "a.yaml")
    assert [type(each) for each in found] == [
        HorizontalPodAutoscaler,
        ScaledObject,
        VerticalPodAutoscaler,
    ]
    assert [each.name for each in found] == ["web", "jobs", "db"]


def test_a_wrong_field_names_the_file_and_the_object(tmp_path):
    (tmp_path / "a.yaml").write_text(FILE.replace("maxReplicas: 5", "maxReplicas: 0"))
    with pytest.raises(InvalidObjectError, match=r"a\.yaml.*web.*maxReplicas: expected >= 1"):
        read_autoscalers(tmp_path / "a.yaml")
