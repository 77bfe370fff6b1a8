"""Generated node groups: each rule once, and that every pod has a group that can hold it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyscale.catalog import (
    GroupRules,
    custom,
    ec2,
    kwok,
    node_groups_from_catalog,
    node_of_group,
    plan_node_groups,
)
from pyscale.catalog.matching import is_met, stable_key
from pyscale.errors import InvalidObjectError
from pyscale.model.pod_table import PodTable
from pyscale.model.pods import Container, PodSpec, PodTemplate
from pyscale.model.requests import effective_request
from pyscale.model.requirements import NodeSelectorTerm, Requirement
from pyscale.model.taints import Taint, Toleration
from pyscale.model.topology import TopologySpreadConstraint

GI = 2**30 * 10**9
CATALOG = ec2("us-east-1")
ZONE = "topology.kubernetes.io/zone"
CAPACITY_TYPE = "karpenter.sh/capacity-type"
GPU = "nvidia.com/gpu"


def pod(millicores=500, gibibytes=1, gpus=0, spread=False, terms=None, tolerations=(), **selector):
    requests = {"cpu": millicores * 10**6, "memory": gibibytes * GI}
    if gpus:
        requests[GPU] = gpus * 10**9
    constraints = (TopologySpreadConstraint(1, ZONE, "DoNotSchedule"),) if spread else ()
    return PodTemplate(
        spec=PodSpec(
            containers=(Container(requests=requests),),
            node_selector=selector.get("selector", {}),
            required_node_affinity=terms,
            tolerations=tolerations,
            topology_spread_constraints=constraints,
        )
    )


def one_group(template, **options):
    groups = node_groups_from_catalog([(template, 10)], CATALOG, **options)
    assert len(groups) == 1
    return groups[0]


def machine(group):
    return CATALOG.by_name[group.instance_types[0]]


def test_pods_with_little_and_with_much_memory_get_their_own_machines():
    plan = plan_node_groups([(pod(1000, 2), 10), (pod(1000, 8), 10)], CATALOG)
    assert len(plan.groups) == 2
    names = [plan.groups_of_class[class_id][0] for class_id in (0, 1)]
    machines = [machine(next(g for g in plan.groups if g.name == name)) for name in names]
    assert machines[0].capacity["memory"] < machines[1].capacity["memory"]
    assert plan.unserved == ()


def test_pods_for_which_the_same_machine_is_chosen_share_a_group():
    machines = custom([{"name": "only", "cpu": "16", "memory": "64Gi", "zone": "a", "price": 1}])
    groups = node_groups_from_catalog([(pod(1000, 1), 1), (pod(500, 4), 1)], machines)
    assert len(groups) == 1


def test_a_machine_holds_several_of_its_pods():
    group = one_group(pod(3000, 12))
    assert machine(group).allocatable()["cpu"] >= 4 * 3 * 10**9
    small = one_group(pod(3000, 12), rules=GroupRules(pods_per_node=1))
    assert machine(small).capacity["cpu"] == 4 * 10**9


def test_a_pod_that_fits_no_machine_is_reported():
    plan = plan_node_groups([(pod(10**6), 1), (pod(), 1)], CATALOG)
    assert plan.unserved == (0,)
    assert set(plan.groups_of_class) == {1}


def test_architectures_are_kept_apart():
    pods = [(pod(), 5), (pod(selector={"kubernetes.io/arch": "arm64"}), 5)]
    groups = node_groups_from_catalog(pods, CATALOG, max_groups=1)
    assert {machine(group).architecture for group in groups} == {"amd64", "arm64"}


def test_a_pinned_zone_gives_a_group_in_that_zone():
    assert one_group(pod(selector={ZONE: "us-east-1b"})).zones == ("us-east-1b",)


def test_other_pods_get_the_three_zones_that_sell_most():
    assert len(one_group(pod()).zones) == 3
    assert one_group(pod(), rules=GroupRules(zones=("us-east-1a",))).zones == ("us-east-1a",)


def test_a_required_spread_gives_one_group_per_zone_until_groups_must_be_few():
    groups = node_groups_from_catalog([(pod(spread=True), 9)], CATALOG)
    assert [len(group.zones) for group in groups] == [1, 1, 1]
    assert len({group.zones for group in groups}) == 3
    merged = node_groups_from_catalog([(pod(spread=True), 9)], CATALOG, max_groups=2)
    assert [len(group.zones) for group in merged] == [3]


def test_spot_pods_get_a_spot_group_that_says_so():
    group = one_group(pod(selector={CAPACITY_TYPE: "spot"}))
    assert group.capacity_type == "spot"
    assert group.labels == {CAPACITY_TYPE: "spot"}
    eks = one_group(pod(selector={"eks.amazonaws.com/capacityType": "SPOT"}))
    assert eks.labels == {"eks.amazonaws.com/capacityType": "SPOT"}


def test_labels_of_machines_that_pods_name_are_given_to_the_group():
    group = one_group(pod(selector={"karpenter.k8s.aws/instance-family": "m5a"}))
    assert group.labels == {"karpenter.k8s.aws/instance-family": "m5a"}
    assert group.instance_types[0].startswith("m5a.")


def test_pods_that_select_their_own_label_get_a_dedicated_tainted_group():
    dedicated = Toleration("dedicated", "Equal", "db", "NoSchedule")
    group = one_group(pod(selector={"team": "db"}, tolerations=(dedicated,)))
    assert group.labels == {"team": "db"}
    assert group.taints == (Taint("dedicated", "NoSchedule", "db"),)


def test_a_toleration_alone_needs_no_group_of_its_own():
    dedicated = Toleration("dedicated", "Equal", "db", "NoSchedule")
    groups = node_groups_from_catalog(
        [(pod(), 5), (pod(600, tolerations=(dedicated,)), 5)], CATALOG
    )
    assert len(groups) == 1
    assert groups[0].taints == ()


def test_device_pods_get_a_device_group_tainted_if_they_tolerate_it():
    group = one_group(pod(4000, 16, gpus=1, tolerations=(Toleration(GPU, "Exists"),)))
    assert machine(group).capacity[GPU] >= 10**9
    assert group.taints == (Taint(GPU, "NoSchedule"),)
    assert one_group(pod(4000, 16, gpus=1)).taints == ()


def test_one_group_of_device_machines_is_the_cheapest_that_fits_not_that_with_fewest_cores():
    pods = [(pod(4000, 16, gpus=n), 10) for n in (1, 8)]
    apart = node_groups_from_catalog(pods, CATALOG)
    (group,) = node_groups_from_catalog(pods, CATALOG, max_groups=1)

    def price(name):
        offering = CATALOG.offering(name, group.zones[0], "on-demand")
        return offering.price if offering is not None else 0

    assert len(apart) == 2
    chosen = machine(group)
    assert chosen.capacity[GPU] == 8 * 10**9
    fewest = min(
        (
            kind
            for kind in CATALOG.instance_types
            if kind.capacity.get(GPU) == chosen.capacity[GPU]
            and "metal" not in kind.name
            and price(kind.name)
        ),
        key=lambda kind: kind.capacity["cpu"],
    )
    assert fewest.capacity["cpu"] < chosen.capacity["cpu"]
    assert price(chosen.name) < price(fewest.name)


def test_a_group_for_pods_with_and_without_devices_keeps_to_ordinary_machines():
    # No ordinary machine is first choice of both, but bare metal is nobody's.
    pods = [(pod(4000, 16), 40), *((pod(4000, 16, gpus=n), 10) for n in (1, 4, 8))]
    (group,) = node_groups_from_catalog(pods, CATALOG, max_groups=1)
    assert machine(group).capacity[GPU] >= 8 * 10**9
    assert machine(group).labels["karpenter.k8s.aws/instance-hypervisor"] == ("nitro",)


def test_pods_without_devices_never_get_device_machines():
    assert GPU not in machine(one_group(pod(4000, 16))).capacity


def test_alternative_terms_take_the_first_that_some_machine_meets():
    terms = (
        NodeSelectorTerm((Requirement("kubernetes.io/arch", "In", ("s390x",)),)),
        NodeSelectorTerm((Requirement("kubernetes.io/arch", "In", ("arm64",)),)),
    )
    assert machine(one_group(pod(terms=terms))).architecture == "arm64"


def test_a_label_that_must_be_absent_keeps_groups_apart():
    without = NodeSelectorTerm((Requirement("team", "DoesNotExist"),))
    pods = [(pod(terms=(without,)), 5), (pod(selector={"team": "db"}), 5)]
    groups = node_groups_from_catalog(pods, CATALOG, max_groups=1)
    assert sorted(group.labels.get("team", "") for group in groups) == ["", "db"]


def test_mixed_groups_hold_machines_of_equal_cores_and_memory():
    group = one_group(pod(1000, 4), rules=GroupRules(types_per_group=3))
    shapes = {
        (CATALOG.by_name[name].capacity["cpu"], CATALOG.by_name[name].capacity["memory"])
        for name in group.instance_types
    }
    assert len(group.instance_types) == 3
    assert len(shapes) == 1


def test_fewer_groups_never_need_more_than_asked_unless_pods_forbid_it():
    pods = [(pod(500 * n, n * m), 10) for n in (1, 2, 4, 8) for m in (1, 3, 7)]
    free = len(node_groups_from_catalog(pods, CATALOG))
    assert free > 6
    for most in (6, 4, 2, 1):
        plan = plan_node_groups(pods, CATALOG, max_groups=most)
        assert len(plan.groups) <= most
        assert len(plan.groups_of_class) == len(pods)


def test_pods_of_a_table_count_by_the_time_they_run():
    templates = (pod(1000, 2), pod(1000, 2, selector={"team": "db"}))
    table = PodTable.build(templates, [0, 1], [100, 100], [0, 0], [10**9, 10**11])
    cost = [plan_node_groups(table.select([row]), CATALOG).cost for row in (0, 1)]
    assert cost[0] == cost[1]
    both = plan_node_groups(table, CATALOG)
    assert both.cost == pytest.approx(cost[1] * 1.01)


def test_other_catalogues_work_alike():
    groups = node_groups_from_catalog([(pod(), 5)], kwok(), GroupRules(architectures=("arm64",)))
    assert groups[0].instance_types == ("c-4x-arm64-linux",)


def test_no_pods_need_no_groups():
    assert node_groups_from_catalog([], CATALOG) == ()
    assert node_groups_from_catalog([(pod(), 0)], CATALOG) == ()


def test_impossible_arguments_are_refused():
    with pytest.raises(ValueError, match="max_groups must be >= 1, found 0"):
        plan_node_groups([], CATALOG, max_groups=0)
    with pytest.raises(ValueError, match="pods_per_node must be >= 1, found 0"):
        GroupRules(pods_per_node=0)
    with pytest.raises(InvalidObjectError, match="unknown zone 'us-east-1z'"):
        plan_node_groups([], CATALOG, GroupRules(zones=("us-east-1z",)))


SELECTORS = st.dictionaries(
    st.sampled_from(["kubernetes.io/arch", ZONE, CAPACITY_TYPE, "team"]), st.none(), max_size=2
).flatmap(
    lambda keys: st.fixed_dictionaries(
        {
            key: st.sampled_from(
                {
                    "kubernetes.io/arch": ["amd64", "arm64"],
                    ZONE: ["us-east-1a", "us-east-1b"],
                    CAPACITY_TYPE: ["spot", "on-demand"],
                    "team": ["web", "db"],
                }[key]
            )
            for key in keys
        }
    )
)
PODS = st.lists(
    st.tuples(
        st.builds(
            pod,
            st.sampled_from([0, 100, 1000, 5000, 40000]),
            st.sampled_from([0, 1, 8, 200]),
            st.sampled_from([0, 0, 0, 1]),
            st.booleans(),
            selector=SELECTORS,
        ),
        st.integers(1, 50),
    ),
    max_size=6,
)


@given(PODS, st.sampled_from([None, 1, 3]))
@settings(max_examples=40)
def test_every_pod_has_a_group_whose_nodes_match_and_hold_it(pods, max_groups):
    plan = plan_node_groups(pods, CATALOG, max_groups=max_groups)
    assert plan == plan_node_groups(pods, CATALOG, max_groups=max_groups)
    by_name = {group.name: group for group in plan.groups}
    assert len(by_name) == len(plan.groups)
    assert set(plan.groups_of_class) | set(plan.unserved) == set(range(len(pods)))
    for class_id, names in plan.groups_of_class.items():
        spec = pods[class_id][0].spec
        for name in names:
            group = by_name[name]
            for zone in group.zones:
                node = node_of_group("n", group, CATALOG, zone=zone)
                for resource, amount in effective_request(spec).items():
                    assert node.allocatable.get(resource, 0) >= amount
                for key, value in spec.node_selector.items():
                    assert is_met(
                        Requirement(key, "In", (value,)), node.labels.get(stable_key(key))
                    )
                offering = CATALOG.offering(group.instance_types[0], zone, group.capacity_type)
                assert offering is not None
                assert offering.available
