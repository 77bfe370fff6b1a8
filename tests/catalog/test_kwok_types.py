"""The kwok catalogue against what Karpenter's embedded table holds."""

import pytest

from pyscale.catalog import kwok
from pyscale.model.requirements import Requirement

GI = 2**30 * 10**9


def price(name, capacity_type):
    kind = kwok().by_name[name]
    return {o.price for o in kind.offerings if o.capacity_type == capacity_type}


def test_there_are_144_types_of_eight_available_offerings():
    assert len(kwok().instance_types) == len(kwok().by_name) == 144
    assert all(len(kind.offerings) == 8 for kind in kwok().instance_types)
    assert all(o.available for kind in kwok().instance_types for o in kind.offerings)


def test_types_stand_in_the_order_of_the_table():
    names = [kind.name for kind in kwok().instance_types]
    assert names[:5] == [
        "c-1x-amd64-linux",
        "c-1x-arm64-linux",
        "c-1x-amd64-windows",
        "c-1x-arm64-windows",
        "s-1x-amd64-linux",
    ]
    assert names[-1] == "m-256x-arm64-windows"


def test_offerings_go_zone_by_zone_with_spot_first():
    offered = [(o.zone, o.capacity_type) for o in kwok().instance_types[7].offerings]
    assert offered == [(f"test-zone-{z}", c) for z in "abcd" for c in ("spot", "on-demand")]


@pytest.mark.parametrize(
    ("name", "on_demand", "spot"),
    [
        ("c-1x-amd64-linux", 0.027147483648, 0.027147483648 * 0.7),
        ("m-256x-arm64-windows", 8.599023255552, 8.599023255552 * 0.7),
        ("c-48x-arm64-windows", 1.303079215104, 0.9121554505728),
        ("c-192x-arm64-linux", 5.212316860416, 3.6486218022912),
    ],
)
def test_prices_are_equal_to_the_last_bit(name, on_demand, spot):
    assert price(name, "on-demand") == {on_demand}
    assert price(name, "spot") == {spot}


def test_two_prices_differ_from_their_neighbours_in_the_last_bit():
    assert price("c-48x-arm64-windows", "on-demand") != price("c-48x-arm64-linux", "on-demand")
    assert price("c-192x-arm64-linux", "on-demand") != price("c-192x-amd64-linux", "on-demand")


def test_a_machine_keeps_a_tenth_of_a_core_and_ten_mebibytes():
    kind = kwok().by_name["m-256x-arm64-windows"]
    assert kind.capacity == {
        "cpu": 256 * 10**9,
        "memory": 2048 * GI,
        "pods": 1024 * 10**9,
        "ephemeral-storage": 20 * GI,
    }
    assert kind.allocatable() == {
        **kind.capacity,
        "cpu": 255_900_000_000,
        "memory": 2048 * GI - 10 * 2**20 * 10**9,
    }


def test_requirements_name_the_kwok_labels():
    assert kwok().by_name["m-256x-arm64-windows"].requirements() == (
        Requirement("node.kubernetes.io/instance-type", "In", ("m-256x-arm64-windows",)),
        Requirement("kubernetes.io/arch", "In", ("arm64",)),
        Requirement("kubernetes.io/os", "In", ("windows",)),
        Requirement("topology.kubernetes.io/zone", "In", tuple(f"test-zone-{z}" for z in "abcd")),
        Requirement("karpenter.sh/capacity-type", "In", ("spot", "on-demand")),
        Requirement("karpenter.kwok.sh/instance-size", "In", ("256",)),
        Requirement("karpenter.kwok.sh/instance-family", "In", ("m",)),
        Requirement("karpenter.kwok.sh/instance-cpu", "In", ("256",)),
        Requirement("karpenter.kwok.sh/instance-memory", "In", ("2Ti",)),
    )


def test_the_label_keys_are_well_known():
    keys = {key for kind in kwok().instance_types for key in kind.labels}
    assert kwok().well_known_labels == keys
