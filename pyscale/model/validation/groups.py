"""NodePools and node groups that an API server, or the cloud, would refuse."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from pyscale.errors import InvalidObjectError
from pyscale.model.catalog import ON_DEMAND, RESERVED, SPOT
from pyscale.model.disruption import DisruptionBudget
from pyscale.model.groups import NodeGroup, NodePool
from pyscale.model.nodes import CAPACITY_TYPE_LABEL, HOSTNAME_LABEL, NODEPOOL_LABEL
from pyscale.model.requirements import Requirement
from pyscale.model.taints import Taint
from pyscale.model.times import MINUTE

from . import _fields as check
from ._fields import Problems, raise_first
from .cron import schedule_problem

_OPERATORS = ("In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt", "Gte", "Lte")
_NODES = re.compile(r"(100|[0-9]{1,2})%|[0-9]{1,18}")
_REASONS = ("Underutilized", "Empty", "Drifted")
_POLICIES = ("WhenEmpty", "WhenEmptyOrUnderutilized", "Balanced")
_RESTRICTED = (NODEPOOL_LABEL, HOSTNAME_LABEL)


def validate_node_pools(pools: Iterable[NodePool], where: str = "") -> None:
    """Refuse pools that an API server would refuse, and two of one name.

    Raises
    ------
    InvalidObjectError
        For the first problem.
    """
    names = set()
    for pool in pools:
        validate_node_pool(pool, where)
        if pool.name in names:
            place = ": ".join(filter(None, (where, f"node pool {pool.name}", "$.metadata.name")))
            raise InvalidObjectError(place, "expected each name once, found two pools of this name")
        names.add(pool.name)


def validate_node_pool(pool: NodePool, where: str = "") -> None:
    """Refuse a NodePool that an API server or Karpenter's own validation would refuse.

    Requirements (the template's labels among them) that no node can meet are refused too.

    Raises
    ------
    InvalidObjectError
        For the first problem.
    """
    raise_first("node pool", pool.name, where, _pool_problems(pool))


def _pool_problems(pool: NodePool) -> Problems:
    template = "$.spec.template"
    yield from check.object_name("$.metadata.name", pool.name)
    yield from check.within("$.spec.weight", pool.weight, 0, 100)
    yield from check.labels(f"{template}.metadata.labels", pool.labels)
    yield from check.annotation_keys(f"{template}.metadata.annotations", pool.annotations)
    for key in _RESTRICTED:
        if key in pool.labels:
            yield check.entry(f"{template}.metadata.labels", key), "expected no label of this key"
    yield from claim_template_problems(
        f"{template}.spec", pool.requirements, pool.taints, pool.startup_taints
    )
    yield from _contradictions(f"{template}.spec.requirements", pool.requirements, pool.labels)
    for index, requirement in enumerate(pool.requirements):
        if requirement.key in _RESTRICTED:
            here = f"{template}.spec.requirements[{index}].key"
            yield here, f"expected no requirement on {requirement.key}"
    yield from check.resources("$.spec.limits", pool.limits or {})
    if pool.replicas is not None:
        yield from check.within("$.spec.replicas", pool.replicas, 0)
        if pool.weight:
            yield "$.spec.weight", "expected none beside replicas"
        if set(pool.limits or ()) - {"nodes"}:
            yield "$.spec.limits", "expected only nodes beside replicas"
    yield from _disruption(pool)


def _disruption(pool: NodePool) -> Problems:
    path = "$.spec.disruption"
    settings = pool.disruption
    yield from check.one_of(f"{path}.consolidationPolicy", settings.consolidation_policy, _POLICIES)
    for here, duration in (
        (f"{path}.consolidateAfter", settings.consolidate_after_ns),
        ("$.spec.template.spec.expireAfter", pool.expire_after_ns),
        ("$.spec.template.spec.terminationGracePeriod", pool.termination_grace_period_ns),
    ):
        if duration is not None and duration < 0:
            yield here, f"expected a duration >= 0, found {duration} ns"
    if len(settings.budgets) > 50:
        yield f"{path}.budgets", f"expected at most 50 budgets, found {len(settings.budgets)}"
    for index, budget in enumerate(settings.budgets):
        yield from _budget(f"{path}.budgets[{index}]", budget)


def _budget(path: str, budget: DisruptionBudget) -> Problems:
    if not _NODES.fullmatch(budget.nodes):
        found = repr(budget.nodes)
        yield f"{path}.nodes", f"expected a count or a percentage up to 100%, found {found}"
    for index, reason in enumerate(budget.reasons or ()):
        yield from check.one_of(f"{path}.reasons[{index}]", reason, _REASONS)
    if budget.schedule is not None:
        problem = schedule_problem(budget.schedule)
        if problem:
            yield f"{path}.schedule", problem
        if budget.duration_ns is None:
            yield f"{path}.duration", "expected a duration beside the schedule, found none"
    elif budget.duration_ns is not None:
        yield f"{path}.schedule", "expected a schedule beside the duration, found none"
    if budget.duration_ns is not None and (budget.duration_ns < 0 or budget.duration_ns % MINUTE):
        yield f"{path}.duration", f"expected whole minutes, found {budget.duration_ns} ns"


def claim_template_problems(
    path: str,
    requirements: tuple[Requirement, ...],
    taints: tuple[Taint, ...],
    startup_taints: tuple[Taint, ...],
) -> Problems:
    """Yield what is wrong with the part that NodePools and NodeClaims share."""
    if len(requirements) > 100:
        yield f"{path}.requirements", f"expected at most 100, found {len(requirements)}"
    for index, requirement in enumerate(requirements):
        yield from _requirement(f"{path}.requirements[{index}]", requirement)
    yield from check.taints(f"{path}.taints", taints)
    yield from check.taints(f"{path}.startupTaints", startup_taints)
    pairs = {(taint.key, taint.effect) for taint in taints}
    for index, taint in enumerate(startup_taints):
        if (taint.key, taint.effect) in pairs:
            problem = f"expected a taint that is not among taints, found {taint.key}"
            yield f"{path}.startupTaints[{index}]", f"{problem}:{taint.effect}"


def _requirement(path: str, requirement: Requirement) -> Problems:
    operator, values = requirement.operator, requirement.values
    yield from check.label_key(f"{path}.key", requirement.key)
    yield from check.one_of(f"{path}.operator", operator, _OPERATORS)
    yield from check.value_count(path, operator, values)
    if operator in ("Gt", "Lt", "Gte", "Lte"):
        yield from check.integer(f"{path}.values[0]", values[0])
        if int(values[0]) < 0:
            yield f"{path}.values[0]", f"expected an integer >= 0, found {values[0]}"
    else:
        yield from check.label_values(path, values)
    if requirement.min_values is not None:
        yield from check.within(f"{path}.minValues", requirement.min_values, 1, 50)
        if operator == "In" and len(values) < requirement.min_values:
            problem = f"expected at most the {len(values)} values given"
            yield f"{path}.minValues", f"{problem}, found {requirement.min_values}"


def _contradictions(
    path: str, requirements: tuple[Requirement, ...], labels: Mapping[str, str]
) -> Problems:
    by_key: dict[str, list[Requirement]] = {
        key: [Requirement(key, "In", (value,))] for key, value in labels.items()
    }
    for requirement in requirements:
        by_key.setdefault(requirement.key, []).append(requirement)
    for key, together in by_key.items():
        if not _has_solution(together):
            words = " and ".join(_in_words(requirement) for requirement in together)
            yield path, f"no node can have {key} {words}"


def _in_words(requirement: Requirement) -> str:
    values = f" [{', '.join(requirement.values)}]" if requirement.values else ""
    return requirement.operator + values


def _has_solution(requirements: list[Requirement]) -> bool:
    """Whether one value, or none, meets requirements on one key (each valid by itself)."""
    allowed: set[str] | None = None
    low, high = -(2**63), 2**63
    excluded: set[str] = set()
    must_exist = must_not_exist = False
    for requirement in requirements:
        operator, values = requirement.operator, requirement.values
        if operator == "In":
            allowed = set(values) if allowed is None else allowed & set(values)
        elif operator == "NotIn":
            excluded |= set(values)
        elif operator == "DoesNotExist":
            must_not_exist = True
        elif operator in ("Gt", "Gte"):
            low = max(low, int(values[0]) + (operator == "Gt"))
        elif operator in ("Lt", "Lte"):
            high = min(high, int(values[0]) - (operator == "Lt"))
        must_exist = must_exist or operator not in ("NotIn", "DoesNotExist")
    if must_not_exist:
        return not must_exist
    bounded = low > -(2**63) or high < 2**63
    if allowed is None:
        return not bounded or low <= high
    for value in allowed - excluded:
        if not bounded or (value.isdigit() and low <= int(value[:20]) <= high):
            return True
    return False


def validate_node_group(group: NodeGroup, where: str = "") -> None:
    """Refuse a node group that EC2 Auto Scaling would refuse.

    Raises
    ------
    InvalidObjectError
        For the first problem.
    """
    raise_first("node group", group.name, where, _group_problems(group))


def _group_problems(group: NodeGroup) -> Problems:
    if not group.name:
        yield "name", "expected a name, found none"
    if not group.instance_types:
        yield "instance_types", "expected at least one instance type, found none"
    if not group.zones:
        yield "zones", "expected at least one zone, found none"
    yield from check.within("min_size", group.min_size, 0)
    if group.max_size < group.min_size:
        yield "max_size", f"expected at least min_size {group.min_size}, found {group.max_size}"
    yield from check.within("desired_size", group.desired_size, group.min_size, group.max_size)
    yield from check.one_of("capacity_type", group.capacity_type, (ON_DEMAND, SPOT, RESERVED))
    yield from check.labels("labels", group.labels)
    yield from check.taints("taints", group.taints)
    expected = group.labels.get(CAPACITY_TYPE_LABEL, group.capacity_type)
    if expected != group.capacity_type:
        found = f"found {expected}"
        yield check.entry("labels", CAPACITY_TYPE_LABEL), f"expected {group.capacity_type}, {found}"
