"""Catalogues: the machines that can be bought, where, and at what price."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .custom_types import custom
    from .ec2_capacity import MachineOptions, cluster_autoscaler_view
    from .ec2_data import region_names
    from .ec2_types import ec2
    from .fake_types import fake, fake_assorted, fake_default
    from .group_files import (
        node_group_from_dict,
        node_group_to_dict,
        read_node_groups,
        write_node_groups,
    )
    from .group_rules import ORDINARY_MACHINES, GroupRules
    from .kwok_types import kwok
    from .node_groups import NodeGroupPlan, node_groups_from_catalog, plan_node_groups
    from .node_pools import default_node_pool
    from .nodes import node_of_group, node_of_pool, template_of_group
    from .parse import parse_catalog
    from .spot import SpotProcess
    from .spot_history import SpotPriceHistory, read_spot_prices

_HOMES = {
    "GroupRules": "group_rules",
    "MachineOptions": "ec2_capacity",
    "NodeGroupPlan": "node_groups",
    "ORDINARY_MACHINES": "group_rules",
    "SpotPriceHistory": "spot_history",
    "SpotProcess": "spot",
    "cluster_autoscaler_view": "ec2_capacity",
    "custom": "custom_types",
    "default_node_pool": "node_pools",
    "ec2": "ec2_types",
    "fake": "fake_types",
    "fake_assorted": "fake_types",
    "fake_default": "fake_types",
    "kwok": "kwok_types",
    "node_group_from_dict": "group_files",
    "node_group_to_dict": "group_files",
    "node_groups_from_catalog": "node_groups",
    "node_of_group": "nodes",
    "node_of_pool": "nodes",
    "parse_catalog": "parse",
    "plan_node_groups": "node_groups",
    "read_node_groups": "group_files",
    "read_spot_prices": "spot_history",
    "region_names": "ec2_data",
    "template_of_group": "nodes",
    "write_node_groups": "group_files",
}

__all__ = [
    "ORDINARY_MACHINES",
    "GroupRules",
    "MachineOptions",
    "NodeGroupPlan",
    "SpotPriceHistory",
    "SpotProcess",
    "cluster_autoscaler_view",
    "custom",
    "default_node_pool",
    "ec2",
    "fake",
    "fake_assorted",
    "fake_default",
    "kwok",
    "node_group_from_dict",
    "node_group_to_dict",
    "node_groups_from_catalog",
    "node_of_group",
    "node_of_pool",
    "parse_catalog",
    "plan_node_groups",
    "read_node_groups",
    "read_spot_prices",
    "region_names",
    "template_of_group",
    "write_node_groups",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f".{_HOMES[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
