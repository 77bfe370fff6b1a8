"""Cluster Autoscaler as a policy: options, one decision, a run."""

import pytest

import pyscale as ps
from pyscale.catalog import ec2
from pyscale.errors import InvalidObjectError, UnsupportedError
from pyscale.model.groups import NodeGroup
from pyscale.model.pods import Container, OwnerReference, Pod, PodSpec, PodTemplate
from pyscale.model.volumes import Volume
from pyscale.policies.check import check_policy
from pyscale.simulation import SimulationOptions

NANO = 10**9
GIBIBYTE = 2**30 * NANO
GROUP = NodeGroup("small", ("m5.large",), ("us-east-1a",), 0, 10)
LARGE = NodeGroup("large", ("m5.4xlarge",), ("us-east-1a",), 0, 10)


def template(cpu=1, memory=2):
    owner = OwnerReference("ReplicaSet", "web", "web", "apps/v1", controller=True)
    requests = {"cpu": cpu * NANO, "memory": memory * GIBIBYTE}
    return PodTemplate(PodSpec((Container(requests=requests),)), owners=(owner,))


def pods(count, cpu=1, memory=2):
    return [Pod(f"p{i}", template(cpu, memory)) for i in range(count)]


@pytest.fixture(scope="module")
def catalog():
    return ec2("us-east-1")


def test_the_group_that_wastes_least_grows(catalog):
    policy = ps.ClusterAutoscaler([LARGE, GROUP])

    plan = policy.scale_up(pods(3), catalog=catalog)

    assert plan.growth == {"small": 2}
    assert [(v.group, v.chosen, v.reason) for v in plan.verdicts] == [
        ("large", False, "another option is better"),
        ("small", True, "best option"),
    ]


def test_a_group_that_no_pod_fits_says_why(catalog):
    plan = ps.ClusterAutoscaler([GROUP]).scale_up(pods(1, cpu=4), catalog=catalog)

    assert plan.growth == {}
    assert plan.verdicts[0].reason == "no pending pod fits: Insufficient cpu"


def test_a_full_group_says_so(catalog):
    full = NodeGroup("full", ("m5.large",), ("us-east-1a",), 0, 0)

    plan = ps.ClusterAutoscaler([full]).scale_up(pods(1), catalog=catalog)

    assert plan.verdicts[0].reason == "max node group size reached"


def test_durations_and_ranges_are_read_as_flags_are():
    options = ps.ClusterAutoscaler(
        [GROUP], scale_down_unneeded_time="1m30s", cores_total="4:100", expander="price,least-waste"
    ).options

    assert options.scale_down_unneeded_time == 90 * NANO
    assert options.cores_total == (4, 100)
    assert options.expander == ("price", "least-waste")


@pytest.mark.parametrize(
    ("groups", "flags", "message"),
    [
        ([GROUP, GROUP], {}, "node group small: another group has the same name"),
        (
            [NodeGroup("g", ("m5.large",), ("us-east-1a",), 5, 2)],
            {},
            "node group g: expected 0 <= min_size <= max_size, found 5 and 2",
        ),
        ([GROUP], {"expander": "cheapest"}, "option expander: expected one of random, most-pods"),
        ([GROUP], {"expander": "price,price"}, "option expander: price is named twice"),
        ([GROUP], {"scan_interval": "ten"}, "option scan_interval: expected a duration"),
        ([GROUP], {"no_such_flag": 1}, "option no_such_flag: Cluster Autoscaler has no such flag"),
        ([GROUP], {"priority_expander_config": "a: [b]"}, "expected an integer priority"),
        ([GROUP], {"priority_expander_config": "1: ['(']"}, "expected a regular expression"),
        ([GROUP], {"cores_total": "9:1"}, "expected 0 <= MIN <= MAX, found '9:1'"),
    ],
)
def test_bad_input_is_refused_with_its_name(groups, flags, message):
    with pytest.raises(InvalidObjectError, match=message.replace("(", r"\(").replace("[", r"\[")):
        ps.ClusterAutoscaler(groups, **flags)


@pytest.mark.parametrize(
    ("flag", "feature"),
    [
        ("enable_provisioning_requests", "ProvisioningRequest"),
        ("frequent_loops_enabled", "loops that follow one another at once"),
    ],
)
def test_what_is_not_there_is_named(flag, feature):
    with pytest.raises(UnsupportedError, match=feature):
        ps.ClusterAutoscaler([GROUP], **{flag: True})
    ps.ClusterAutoscaler([GROUP], **{flag: False})


def test_a_pod_that_claims_a_volume_is_refused_by_name(catalog):
    spec = PodSpec((), volumes=(Volume("data", "persistentVolumeClaim", {"claimName": "data"}),))
    with pytest.raises(UnsupportedError, match="pod class 0: volume claims under Cluster Auto"):
        ps.ClusterAutoscaler([GROUP]).scale_up([Pod("db", PodTemplate(spec))], catalog=catalog)


def test_a_run_keeps_groups_within_their_sizes_and_is_repeatable(catalog):
    trace = ps.load_example("web-and-batch")
    options = SimulationOptions(end_ns=1800 * NANO)
    policy = ps.ClusterAutoscaler()

    first = ps.simulate(trace, policy, catalog, options=options)
    second = ps.simulate(trace, policy, catalog, options=options)

    assert first.digest() == second.digest()


def test_the_policy_is_well_behaved(catalog):
    check_policy(ps.ClusterAutoscaler([GROUP, LARGE]), catalog)
