"""Overheads against the provider's own float arithmetic, options, and Cluster Autoscaler's view."""

import math

import pytest

from pyscale.catalog import MachineOptions, cluster_autoscaler_view, ec2, kwok
from pyscale.catalog.ec2_capacity import capacity_of, overhead_of
from pyscale.catalog.ec2_data import shapes

MI = 2**20 * 10**9


def float_reserved_millicores(vcpu):
    """Upstream's loop, in floats."""
    total = 0
    for start, end, share in (
        (0, 1000, 0.06),
        (1000, 2000, 0.01),
        (2000, 4000, 0.005),
        (4000, 1 << 31, 0.0025),
    ):
        milli = vcpu * 1000
        if milli >= start:
            band = float(milli - start) if milli < end else float(end - start)
            total += int(band * share)
    return total


def test_reserved_cpu_equals_the_float_formula_for_every_type():
    for shape in shapes():
        reserved = overhead_of(shape, MachineOptions()).kube_reserved["cpu"]
        assert reserved == float_reserved_millicores(shape.vcpu) * 10**6


def test_memory_loses_the_hypervisors_share_rounded_up():
    for shape in shapes():
        mebibytes = shape.memory_mib - 64 * (shape.architecture == "arm64")
        expected = mebibytes - math.ceil(mebibytes * 2**20 * 0.075 / 1024 / 1024)
        assert capacity_of(shape, MachineOptions())["memory"] == expected * MI


def test_options_change_pods_storage_and_reserves():
    shape = next(shape for shape in shapes() if shape.name == "m5d.large")
    options = MachineOptions(
        pods_per_core=10,
        uses_instance_store=True,
        kube_reserved={"cpu": 10**9},
        eviction_hard={"memory": 5 * MI},
    )
    capacity, overhead = capacity_of(shape, options), overhead_of(shape, options)
    assert capacity["pods"] == 20 * 10**9
    assert capacity["ephemeral-storage"] == 75 * 10**18
    assert overhead.kube_reserved["cpu"] == 10**9
    assert overhead.eviction_threshold["memory"] == 5 * MI
    assert overhead.eviction_threshold["ephemeral-storage"] == 75 * 10**17
    assert capacity_of(shape, MachineOptions(max_pods=110))["pods"] == 110 * 10**9
    assert capacity_of(shape, MachineOptions(reserved_enis=1))["pods"] == 20 * 10**9
    assert capacity_of(shape, MachineOptions(reserved_enis=3))["pods"] == 0


def test_impossible_options_are_refused():
    with pytest.raises(ValueError, match="vm_memory_overhead_percent must be a share"):
        MachineOptions(vm_memory_overhead_percent=7.5)
    with pytest.raises(ValueError, match="max_pods must be >= 0, found -1"):
        MachineOptions(max_pods=-1)


def test_cluster_autoscaler_sees_110_pods_the_full_memory_and_no_overhead():
    view = cluster_autoscaler_view(ec2("us-east-1").by_name["m5.large"])
    assert view.capacity == {
        "pods": 110 * 10**9,
        "cpu": 2 * 10**9,
        "memory": 8192 * MI,
        "nvidia.com/gpu": 0,
    }
    assert view.allocatable() == view.capacity


def test_resource_tags_overwrite_what_cluster_autoscaler_sees():
    machine = ec2("us-east-1").by_name["g4dn.xlarge"]
    view = cluster_autoscaler_view(machine, {"pods": 29 * 10**9, "example.com/dongle": 10**9})
    assert view.capacity["pods"] == 29 * 10**9
    assert view.capacity["nvidia.com/gpu"] == 10**9
    assert view.capacity["example.com/dongle"] == 10**9


def test_machines_of_other_catalogues_keep_their_memory():
    machine = kwok().by_name["m-4x-amd64-linux"]
    assert cluster_autoscaler_view(machine).capacity["memory"] == machine.capacity["memory"]
