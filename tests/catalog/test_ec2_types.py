"""EC2 catalogues: counts of the sources, machines that everybody knows, and unknown prices."""

import pytest

from pyscale.catalog import ec2, region_names
from pyscale.catalog.ec2_data import shapes
from pyscale.errors import InvalidObjectError

MI = 2**20 * 10**9
GI = 2**30 * 10**9


def is_priced(kind):
    return any(o.available for o in kind.offerings if o.capacity_type == "on-demand")


def test_there_are_1395_types_and_30_regions():
    assert len(shapes()) == 1395
    assert len(region_names()) == 30


@pytest.mark.parametrize(
    ("region", "count"), [("us-east-1", 713), ("eu-west-1", 629), ("ap-northeast-1", 625)]
)
def test_a_region_sells_as_many_types_as_were_counted(region, count):
    catalog = ec2(region)
    assert len(catalog.instance_types) == 1395
    assert sum(map(is_priced, catalog.instance_types)) == count


def test_the_source_says_versions_and_date():
    assert "moto" in ec2("us-east-1").source
    assert "2025-03-02" in ec2("us-east-1").source


def test_m5_large_is_what_karpenter_documents():
    kind = ec2("us-east-1").by_name["m5.large"]
    assert kind.architecture == "amd64"
    assert kind.capacity == {
        "cpu": 2 * 10**9,
        "memory": 7577 * MI,
        "ephemeral-storage": 20 * GI,
        "pods": 29 * 10**9,
    }
    assert kind.allocatable() == {
        "cpu": 1_930_000_000,
        "memory": 6903 * MI,
        "ephemeral-storage": 17 * GI,
        "pods": 29 * 10**9,
    }
    assert {o.price for o in kind.offerings if o.capacity_type == "on-demand"} == {0.096}


@pytest.mark.parametrize(
    ("name", "resource", "count"),
    [
        ("g4dn.xlarge", "nvidia.com/gpu", 1),
        ("p4d.24xlarge", "nvidia.com/gpu", 8),
        ("p4d.24xlarge", "vpc.amazonaws.com/efa", 4),
        ("inf2.24xlarge", "aws.amazon.com/neuron", 6),
        ("inf2.24xlarge", "aws.amazon.com/neuroncore", 12),
        ("p4d.24xlarge", "pods", 737),
        ("t3.micro", "pods", 4),
    ],
)
def test_devices_and_pods_are_counted(name, resource, count):
    assert ec2("us-east-1").by_name[name].capacity[resource] == count * 10**9


def test_a_machine_without_devices_has_no_entry_for_them():
    assert set(ec2("us-east-1").by_name["m5.large"].capacity) == {
        "cpu",
        "memory",
        "ephemeral-storage",
        "pods",
    }


def test_labels_are_those_of_the_aws_provider():
    labels = ec2("us-east-1").by_name["g4dn.xlarge"].labels
    prefix = "karpenter.k8s.aws/instance-"
    assert labels["topology.kubernetes.io/region"] == ("us-east-1",)
    assert labels[prefix + "category"] == ("g",)
    assert labels[prefix + "generation"] == ("4",)
    assert labels[prefix + "family"] == ("g4dn",)
    assert labels[prefix + "size"] == ("xlarge",)
    assert labels[prefix + "cpu"] == ("4",)
    assert labels[prefix + "memory"] == ("16384",)
    assert labels[prefix + "gpu-name"] == ("t4",)
    assert labels[prefix + "local-nvme"] == ("125",)
    assert labels[prefix + "accelerator-name"] == ()


def test_the_high_memory_types_have_category_and_generation():
    labels = ec2("us-east-1").by_name["u-6tb1.56xlarge"].labels
    assert labels["karpenter.k8s.aws/instance-category"] == ("u",)
    assert labels["karpenter.k8s.aws/instance-generation"] == ("1",)


def test_every_well_known_label_is_defined_by_every_type():
    catalog = ec2("eu-west-1")
    for kind in catalog.instance_types:
        assert catalog.well_known_labels <= kind.labels.keys()


def test_zones_are_those_that_sell_the_type():
    catalog = ec2("us-east-1")
    assert catalog.zones == tuple(f"us-east-1{letter}" for letter in "abcdef")
    assert {o.zone for o in catalog.by_name["a1.large"].offerings} < set(catalog.zones)


def test_every_machine_can_hold_pods_except_the_tiniest():
    for kind in ec2("us-east-1").instance_types:
        allocatable = kind.allocatable()
        assert allocatable["cpu"] > 0
        assert allocatable["pods"] > 0
        if kind.capacity["memory"] >= GI:
            assert allocatable["memory"] > 0


def test_macs_are_known_but_not_for_sale():
    assert ec2("us-east-1").by_name["mac2.metal"].offerings == ()


def test_a_type_without_a_price_becomes_available_when_the_user_supplies_one():
    catalog = ec2("us-east-1")
    assert not any(o.available for o in catalog.by_name["c5.9xlarge"].offerings)
    priced = catalog.with_prices({"c5.9xlarge": 1.53})
    offerings = priced.by_name["c5.9xlarge"].offerings
    assert all(o.available for o in offerings)
    assert {o.price for o in offerings if o.capacity_type == "on-demand"} == {1.53}
    assert all(0 < o.price < 1.53 for o in offerings if o.capacity_type == "spot")
    assert priced.by_name["m5.large"] == catalog.by_name["m5.large"]


@pytest.mark.parametrize(
    ("prices", "message"),
    [
        ({"c5.9xlage": 1.0}, r"unknown instance type 'c5.9xlage': did you mean c5.9xlarge"),
        ({"c5.9xlarge": 0.0}, r"c5.9xlarge: price must be a number > 0, found 0.0"),
        ({"c5.9xlarge": float("nan")}, r"price must be a number > 0, found nan"),
        ({"mac2.metal": 1.0}, r"mac2.metal: cannot set a price: no zone offers the type"),
    ],
)
def test_impossible_prices_are_refused(prices, message):
    with pytest.raises(InvalidObjectError, match=message):
        ec2("us-east-1").with_prices(prices)


def test_an_unknown_region_names_its_neighbours():
    with pytest.raises(InvalidObjectError, match="unknown region 'us-eats-1': did you mean us-eas"):
        ec2("us-eats-1")


def test_an_unknown_zone_names_its_neighbours():
    with pytest.raises(InvalidObjectError, match="group web: unknown zone 'us-east-1g': did you"):
        ec2("us-east-1").check_zone("us-east-1g", "group web")
