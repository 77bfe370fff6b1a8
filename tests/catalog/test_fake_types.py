"""The fake provider's catalogues against their formulas."""

import pytest

from pyscale.catalog import fake, fake_assorted, fake_default
from pyscale.model.requirements import Requirement

GI = 2**30 * 10**9


def test_machines_grow_by_one_cpu_two_gibibytes_and_ten_pods():
    for i, kind in enumerate(fake(400).instance_types):
        assert kind.name == f"fake-it-{i}"
        assert kind.capacity == {
            "cpu": (i + 1) * 10**9,
            "memory": 2 * (i + 1) * GI,
            "pods": 10 * (i + 1) * 10**9,
        }


def test_all_offerings_of_a_machine_cost_the_same():
    kind = fake(10).instance_types[9]
    assert [(o.capacity_type, o.zone) for o in kind.offerings] == [
        ("spot", "test-zone-1"),
        ("spot", "test-zone-2"),
        ("on-demand", "test-zone-1"),
        ("on-demand", "test-zone-2"),
        ("on-demand", "test-zone-3"),
    ]
    assert {o.price for o in kind.offerings} == {0.1 * 10 + 0.1 * (20 * 2**30) / 1e9}


def test_small_machines_are_never_special():
    labels = fake(5).instance_types[3].labels
    assert labels == {"size": ("small",), "special": (), "integer": ("4",)}
    requirements = fake(5).instance_types[3].requirements()
    assert Requirement("special", "DoesNotExist") in requirements


def test_machines_above_four_cores_and_eight_gibibytes_are_large():
    labels = fake(5).instance_types[4].labels
    assert labels == {"size": ("large",), "special": ("optional",), "integer": ("5",)}


def test_the_assorted_catalogue_has_1344_types_of_one_offering():
    types = fake_assorted().instance_types
    assert len(types) == len(fake_assorted().by_name) == 1344
    assert all(len(kind.offerings) == 1 for kind in types)
    assert types[0].name == "1-cpu-1-mem-amd64-linux-test-zone-1-spot"
    assert types[1].name == "1-cpu-1-mem-arm64-linux-test-zone-1-spot"
    assert types[-1].name == "64-cpu-128-mem-arm64-windows-test-zone-3-on-demand"
    assert {kind.capacity["pods"] for kind in types} == {5 * 10**9}


def test_the_default_catalogue_has_six_types():
    by_name = fake_default().by_name
    assert len(by_name) == 6
    assert by_name["gpu-vendor-instance-type"].capacity["fake.com/vendor-a"] == 2 * 10**9
    assert by_name["gpu-vendor-instance-type"].offerings[0].price == pytest.approx(1.8294967296)
    assert by_name["single-pod-instance-type"].capacity["pods"] == 10**9


def test_zero_types_are_refused():
    with pytest.raises(ValueError, match="n must be >= 1, found 0"):
        fake(0)
