"""The NodePool beside generated node groups."""

from pyscale.catalog import GroupRules, default_node_pool, ec2, kwok
from pyscale.model.pods import Container, PodSpec, PodTemplate
from pyscale.model.requirements import Requirement

GI = 2**30 * 10**9
CATEGORY = "karpenter.k8s.aws/instance-category"


def pod(selector=None, **devices):
    requests = {"cpu": 10**9, "memory": GI, **devices}
    return PodTemplate(
        spec=PodSpec(containers=(Container(requests=requests),), node_selector=selector or {})
    )


def requirements(*templates, catalog=None, rules=None):
    catalog = catalog or ec2("us-east-1")
    pool = default_node_pool([(t, 1) for t in templates], catalog, rules)
    return {requirement.key: requirement for requirement in pool.requirements}


def test_plain_pods_get_ordinary_on_demand_machines_in_three_zones():
    found = requirements(pod())
    assert found["kubernetes.io/os"].values == ("linux",)
    assert found["kubernetes.io/arch"].values == ("amd64",)
    assert found["karpenter.sh/capacity-type"].values == ("on-demand",)
    assert len(found["topology.kubernetes.io/zone"].values) == 3
    assert found[CATEGORY].values == ("c", "m", "r")
    assert found["karpenter.k8s.aws/instance-generation"] == Requirement(
        "karpenter.k8s.aws/instance-generation", "Gt", ("2",)
    )


def test_the_pool_accepts_whatever_some_pod_needs():
    found = requirements(
        pod(),
        pod({"kubernetes.io/arch": "arm64"}),
        pod({"karpenter.sh/capacity-type": "spot"}),
        pod({"team": "web"}),
        pod({"team": "db"}),
        pod(**{"nvidia.com/gpu": 10**9}),
    )
    assert found["kubernetes.io/arch"].values == ("amd64", "arm64")
    assert found["karpenter.sh/capacity-type"].values == ("on-demand", "spot")
    assert found["team"].values == ("db", "web")
    assert {"c", "g", "m", "p", "r"} <= set(found[CATEGORY].values)


def test_a_requirement_that_would_exclude_a_needed_machine_is_dropped():
    found = requirements(pod(**{"aws.amazon.com/neuron": 10**9}))
    assert "inf" in found[CATEGORY].values
    old = pod({"node.kubernetes.io/instance-type": "m1.xlarge"})
    assert "karpenter.k8s.aws/instance-generation" not in requirements(old)


def test_other_catalogues_have_no_ec2_requirements():
    pool = default_node_pool([(pod(), 1)], kwok(), GroupRules(zones=("test-zone-a",)))
    assert [requirement.key for requirement in pool.requirements] == [
        "kubernetes.io/os",
        "kubernetes.io/arch",
        "karpenter.sh/capacity-type",
        "topology.kubernetes.io/zone",
    ]


def test_the_node_class_is_that_of_the_provider():
    assert default_node_pool([], ec2("us-east-1")).node_class[1] == "EC2NodeClass"
    assert default_node_pool([], kwok()).node_class[1] == "TestNodeClass"
