"""NodePools and node groups that would be refused."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyscale.errors import InvalidObjectError
from pyscale.model.disruption import DisruptionBudget, DisruptionSettings
from pyscale.model.groups import NodeGroup, NodePool
from pyscale.model.node_claims import NodeClaim
from pyscale.model.nodes import ContainerImage, Node
from pyscale.model.requirements import Requirement
from pyscale.model.taints import Taint
from pyscale.model.validation import (
    validate_node,
    validate_node_claim,
    validate_node_group,
    validate_node_pool,
    validate_node_pools,
)
from pyscale.model.validation.groups import _has_solution

MINUTE = 60 * 10**9
TAINT = Taint("k", "NoSchedule")
REQUIREMENTS = r"\$\.spec\.template\.spec\.requirements"


def requires(*given: Requirement) -> dict[str, Any]:
    return {"requirements": given}


def budget(**fields: Any) -> dict[str, Any]:
    return {"disruption": DisruptionSettings(budgets=(DisruptionBudget(**fields),))}


REFUSED = [
    ({"name": "A"}, r"node pool A: \$\.metadata\.name: expected a lower-case DNS name"),
    ({"weight": 101}, r"\$\.spec\.weight: expected a number from 0 to 100, found 101"),
    ({"limits": {"cpu": -1}}, r"\$\.spec\.limits\.cpu: expected an amount >= 0"),
    ({"replicas": -1}, r"\$\.spec\.replicas: expected a number >= 0"),
    ({"replicas": 1, "weight": 1}, r"\$\.spec\.weight: expected none beside replicas"),
    ({"replicas": 1, "limits": {"cpu": 1}}, r"\$\.spec\.limits: expected only nodes beside"),
    (
        {"labels": {"kubernetes.io/hostname": "a"}},
        r"labels\['kubernetes\.io/hostname'\]: expected no",
    ),
    (requires(Requirement("karpenter.sh/nodepool", "Exists")), r"key: expected no requirement on"),
    (
        requires(Requirement("a", "Is", ("b",))),
        REQUIREMENTS + r"\[0\]\.operator: expected one of In",
    ),
    (requires(Requirement("a", "In", ())), "values: expected at least one value for In"),
    (requires(Requirement("a", "Gte", ("-1",))), "expected an integer >= 0, found -1"),
    (requires(Requirement("a", "Gt", ("x",))), "expected an integer, found 'x'"),
    (requires(Requirement("a", "In", ("b",), 2)), "minValues: expected at most the 1 values given"),
    (requires(Requirement("a", "Exists", (), 51)), "minValues: expected a number from 1 to 50"),
    (
        requires(Requirement("a", "In", ("b",)), Requirement("a", "NotIn", ("b",))),
        REQUIREMENTS + r": no node can have a In \[b\] and NotIn \[b\]",
    ),
    ({**requires(Requirement("a", "In", ("b",))), "labels": {"a": "c"}}, r"In \[c\] and In \[b\]"),
    (
        requires(Requirement("a", "Gt", ("5",)), Requirement("a", "Lt", ("6",))),
        r"no node can have a Gt \[5\] and Lt \[6\]",
    ),
    (
        requires(*[Requirement("a", "Exists")] * 101),
        "requirements: expected at most 100, found 101",
    ),
    ({"taints": (Taint("", "NoSchedule"),)}, r"spec\.taints\[0\]\.key: expected a label key"),
    ({"taints": (Taint("k", "Never"),)}, r"taints\[0\]\.effect: expected one of NoSchedule"),
    (
        {"taints": (TAINT, Taint("k", "NoSchedule", "v"))},
        r"taints\[1\]: expected each key and effe",
    ),
    (
        {"taints": (TAINT,), "startup_taints": (TAINT,)},
        r"startupTaints\[0\]: expected a taint that",
    ),
    (
        budget(nodes="101%"),
        r"\$\.spec\.disruption\.budgets\[0\]\.nodes: expected a count or a perce",
    ),
    (budget(nodes="-1"), "expected a count or a percentage up to 100%, found '-1'"),
    (budget(reasons=("Old",)), r"reasons\[0\]: expected one of Underutilized, Empty, Drifted"),
    (budget(schedule="@daily"), "duration: expected a duration beside the schedule, found none"),
    (budget(duration_ns=MINUTE), "schedule: expected a schedule beside the duration, found none"),
    (
        budget(schedule="bad cron", duration_ns=MINUTE),
        r"schedule: expected five cron fields or a word such as @daily, found 'bad cron'",
    ),
    (
        budget(schedule="60 * * * *", duration_ns=MINUTE),
        "expected a minute from 0 to 59, found '60'",
    ),
    (budget(schedule="@daily", duration_ns=MINUTE + 1), "duration: expected whole minutes"),
    ({"disruption": DisruptionSettings(budgets=(DisruptionBudget(),) * 51)}, "at most 50 budgets"),
    (
        {"disruption": DisruptionSettings("Never")},
        "consolidationPolicy: expected one of WhenEmpty,",
    ),
    (
        {"disruption": DisruptionSettings(consolidate_after_ns=-1)},
        "consolidateAfter: expected a dur",
    ),
]


@pytest.mark.parametrize(("fields", "message"), REFUSED)
def test_a_node_pool_is_refused_with_the_field(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidObjectError, match=message):
        validate_node_pool(NodePool(**{"name": "a", **fields}))


def test_two_pools_of_one_name_are_refused() -> None:
    validate_node_pools([NodePool("a"), NodePool("b")])
    with pytest.raises(InvalidObjectError, match=r"f: node pool a: .*found two pools of this name"):
        validate_node_pools([NodePool("a"), NodePool("a")], "f")


@pytest.mark.parametrize(
    "schedule",
    ["@hourly", "* * * * *", "0 9 * * mon-fri", "*/15 10-12 ? JAN,feb 0,6", "5/10 1-5/2 31 12 *"],
)
def test_a_budget_may_have_any_schedule_of_cron(schedule: str) -> None:
    validate_node_pool(NodePool("a", **budget(schedule=schedule, duration_ns=MINUTE)))


@pytest.mark.parametrize(
    "schedule",
    ["", "@reboot", "@every 1h", "* * * *", "* * * * * *", "* * * * 7", "* 24 * * *", "* * 0 * *",
     "* * * 13 *", "5-1 * * * *", "*/0 * * * *", "a * * * *", "*-5 * * * *", "1,,2 * * * *"],
)  # fmt: skip
def test_other_schedules_are_refused(schedule: str) -> None:
    with pytest.raises(InvalidObjectError, match=r"budgets\[0\]\.schedule: expected"):
        validate_node_pool(NodePool("a", **budget(schedule=schedule, duration_ns=MINUTE)))


values = st.sampled_from(["1", "2", "3", "x", "y"])
value_lists = st.lists(values, min_size=1).map(tuple)
bounds = st.integers(0, 4).map(lambda number: (str(number),))
one_requirement = st.one_of(
    st.builds(Requirement, st.just("k"), st.sampled_from(["In", "NotIn"]), value_lists),
    st.builds(Requirement, st.just("k"), st.sampled_from(["Exists", "DoesNotExist"])),
    st.builds(Requirement, st.just("k"), st.sampled_from(["Gt", "Lt", "Gte", "Lte"]), bounds),
)  # fmt: skip


def is_met(requirement: Requirement, value: str | None) -> bool:
    operator, given_values = requirement.operator, requirement.values
    if operator in ("NotIn", "DoesNotExist"):
        return value is None if operator == "DoesNotExist" else value not in given_values
    if value is None:
        return False
    if operator in ("In", "Exists"):
        return operator == "Exists" or value in given_values
    if not value.isdigit():
        return False
    number, bound = int(value), int(given_values[0])
    return {
        "Gt": number > bound, "Lt": number < bound, "Gte": number >= bound, "Lte": number <= bound,
    }[operator]  # fmt: skip


@given(st.lists(one_requirement, min_size=1, max_size=5))
def test_requirements_contradict_each_other_exactly_when_no_value_meets_them(
    requirements: list[Requirement],
) -> None:
    candidates = [None, "x", "y", "other", *map(str, range(7))]
    possible = any(all(is_met(entry, value) for entry in requirements) for value in candidates)
    # numbers that are no candidate: negative ones, which only an upper bound allows
    bounded_above = any(entry.operator in ("Lt", "Lte") for entry in requirements)
    if possible or not bounded_above:
        assert _has_solution(requirements) == possible


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"max_size": 1, "min_size": 2}, "node group g: max_size: expected at least min_size 2"),
        ({"min_size": -1}, "min_size: expected a number >= 0, found -1"),
        (
            {"desired_size": 9, "max_size": 3},
            "desired_size: expected a number from 0 to 3, found 9",
        ),
        ({"instance_types": ()}, "instance_types: expected at least one instance type"),
        ({"zones": ()}, "zones: expected at least one zone"),
        ({"name": ""}, "name: expected a name, found none"),
        ({"capacity_type": "x"}, "capacity_type: expected one of on-demand, spot, reserved"),
        ({"labels": {"karpenter.sh/capacity-type": "spot"}}, "expected on-demand, found spot"),
        ({"labels": {"a": "b c"}}, r"labels\.a: expected a label value"),
        ({"taints": (Taint("k", ""),)}, r"taints\[0\]\.effect: expected one of"),
    ],
)
def test_a_node_group_is_refused_with_the_field(fields: dict[str, Any], message: str) -> None:
    given_fields = {"name": "g", "instance_types": ("m5.large",), "zones": ("a",), **fields}
    with pytest.raises(InvalidObjectError, match=message):
        validate_node_group(NodeGroup(**given_fields))


@pytest.mark.parametrize(
    ("node", "message"),
    [
        (Node("a", taints=(Taint("k", ""),)), r"node a: \$\.spec\.taints\[0\]\.effect: expected"),
        (Node("a", capacity={"cpu": -1}), r"\$\.status\.capacity\.cpu: expected an amount >= 0"),
        (Node("a", allocatable={"x/y": 5}), r"allocatable\['x/y'\]: expected a whole number"),
        (Node("a", images=(ContainerImage(("i",), -1),)), r"images\[0\]\.sizeBytes: expected"),
        (Node("a", labels={"a": "b/c"}), r"\$\.metadata\.labels\.a: expected a label value"),
    ],
)
def test_a_node_is_refused_with_the_field(node: Node, message: str) -> None:
    with pytest.raises(InvalidObjectError, match=message):
        validate_node(node)


@pytest.mark.parametrize(
    ("claim", "message"),
    [
        (NodeClaim("A"), r"node claim A: \$\.metadata\.name"),
        (NodeClaim("a", requests={"cpu": -1}), r"\$\.spec\.resources\.requests\.cpu: expected"),
        (NodeClaim("a", requirements=(Requirement("a", "x"),)), r"\$\.spec\.requirements\[0\]"),
    ],
)
def test_a_node_claim_is_refused_with_the_field(claim: NodeClaim, message: str) -> None:
    with pytest.raises(InvalidObjectError, match=message):
        validate_node_claim(claim)
