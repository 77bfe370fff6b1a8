"""The one NodePool that serves the pods for which node groups would be kept."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from pyscale.model.catalog import Catalog
from pyscale.model.groups import NodePool
from pyscale.model.nodes import ARCH_LABEL, CAPACITY_TYPE_LABEL, OS_LABEL, ZONE_LABEL
from pyscale.model.requirements import Requirement

from .group_rules import GroupRules
from .machines import Machines
from .matching import is_met
from .needs import Need, Pods, need_of, weights

_EC2_NODE_CLASS = ("karpenter.k8s.aws", "EC2NodeClass", "default")


def default_node_pool(
    pods: Pods, catalog: Catalog, rules: GroupRules | None = None, *, name: str = "default"
) -> NodePool:
    """Return one NodePool from which Karpenter can serve given pods.

    With the rules of :func:`plan_node_groups` both sides of a comparison choose from the same
    machines, zones and purchase options.

    Returns
    -------
    NodePool
        With requirements for operating system, architectures, purchase options, zones, the
        machines, and the labels of their own that pods select (Karpenter then gives each node the
        value that its pods ask for).  Without taints and limits.

    Raises
    ------
    InvalidObjectError
        If a zone is unknown.

    Notes
    -----
    Where a pod can only run on a machine that ``machine_requirements`` exclude (a device, a named
    instance type), an In requirement gets that machine's value, and another one is dropped.
    Pods that no machine can hold have no influence.  Values are sorted.

    One pool for all is also wider than the groups: a pod that names no architecture or purchase
    option may get any that some other pod made the pool accept.
    """
    rules = rules or GroupRules()
    machines = Machines(catalog, rules.zones, rules.reserve)
    templates, running = weights(pods)
    needs = [
        need
        for class_id, template in enumerate(templates)
        if running[class_id] > 0
        and (need := need_of(class_id, template, float(running[class_id]), machines, rules))
    ]
    usable = [_usable(need) for need in needs]
    used = np.logical_or.reduce(usable) if usable else np.empty(0, np.bool_)
    found = {machines.types[i].architecture for i in used.nonzero()[0].tolist()}
    options = {need.capacity_type for need in needs} or {rules.capacity_type}
    requirements = [
        Requirement(OS_LABEL, "In", ("linux",)),
        _one_of(ARCH_LABEL, found or rules.architectures),
        _one_of(CAPACITY_TYPE_LABEL, options),
        _one_of(ZONE_LABEL, machines.zones),
    ]
    for requirement in rules.machine_requirements:
        if requirement.key in machines.label_keys:
            requirements += _widened(requirement, usable, machines)
    own: dict[str, set[str]] = {}
    for need in needs:
        for key, value in need.labels.items():
            own.setdefault(key, set()).add(value)
    requirements += [_one_of(key, values) for key, values in sorted(own.items())]
    pool = NodePool(name=name, requirements=tuple(requirements))
    return replace(pool, node_class=_EC2_NODE_CLASS) if catalog.name.startswith("ec2:") else pool


def _usable(need: Need) -> NDArray[np.bool_]:
    """Return which types an operator would choose from for a need."""
    holds = need.allowed & (need.fit > 0)
    chosen = holds & need.preferred
    return chosen if chosen.any() else holds


def _widened(
    requirement: Requirement, usable: Iterable[NDArray[np.bool_]], machines: Machines
) -> list[Requirement]:
    labels = [of_type.get(requirement.key) for of_type in machines.labels]
    is_right = np.array([is_met(requirement, value) for value in labels], np.bool_)
    values = set(requirement.values)
    for types in usable:
        if (is_right & types).any():
            continue
        wanted = {labels[i] for i in types.nonzero()[0].tolist()}
        if requirement.operator != "In" or None in wanted:
            return []
        values.update(value for value in wanted if value is not None)
    if requirement.operator == "In":
        return [_one_of(requirement.key, values)]
    return [requirement]


def _one_of(key: str, values: Iterable[str]) -> Requirement:
    return Requirement(key, "In", tuple(sorted(values)))
