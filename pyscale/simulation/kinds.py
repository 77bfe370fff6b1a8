"""Node kinds of a run: every distinct (owner, offer, labels, taints) has a number."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import replace

import numpy as np

from pyscale.catalog.nodes import node_of_group, node_of_pool
from pyscale.kernel._placer import Placer
from pyscale.model.catalog import Catalog
from pyscale.model.content import content_key
from pyscale.model.groups import NodeGroup, NodePool
from pyscale.model.nodes import (
    ARCH_LABEL,
    CAPACITY_TYPE_LABEL,
    HOSTNAME_LABEL,
    INSTANCE_TYPE_LABEL,
    OS_LABEL,
    REGION_LABEL,
    ZONE_LABEL,
    Node,
)
from pyscale.model.taints import Taint
from pyscale.policies.base import Int64s, NodeKind, Setting
from pyscale.policies.snapshot import amounts_of, kind_of_node

Offer = tuple[str, str, str]


class KindTable:
    """The kinds of a run, told to the placer as they appear.

    Parameters
    ----------
    setting : Setting
    groups : tuple of NodeGroup
    pools : tuple of NodePool
    placer : Placer
    """

    def __init__(
        self,
        setting: Setting,
        groups: tuple[NodeGroup, ...],
        pools: tuple[NodePool, ...],
        placer: Placer,
    ) -> None:
        self._setting, self._groups, self.pools, self._placer = setting, groups, pools, placer
        self._catalog: Catalog = setting.catalog
        self._pool_of_name = {pool.name: index for index, pool in enumerate(pools)}
        self._numbers: dict[Hashable, int] = {}
        self._columns: list[Int64s] = []
        self.kinds: list[NodeKind] = []
        self._table = np.empty((len(setting.resources), 0), np.int64)

    def of_node(self, node: Node) -> int:
        """Return the number of the kind of a node that is there from the start."""
        kind = replace(
            kind_of_node(node), instance_type="", zone="", capacity_type="", group=-1, pool=-1
        )
        return self._number(("node", content_key(kind)), lambda: kind)

    def of_group(self, group: int, offer: Offer) -> int:
        """Return the number of the kind of a group's machine."""
        name, zone, capacity_type = offer

        def build() -> NodeKind:
            node = node_of_group("", self._groups[group], self._catalog, name, zone)
            return NodeKind(_nameless(node), name, zone, capacity_type, group=group)

        return self._number(("group", group, offer), build)

    def of_claim(
        self,
        pool: str,
        offer: Offer,
        labels: Mapping[str, str],
        taints: tuple[Taint, ...],
        annotations: Mapping[str, str],
    ) -> int:
        """Return the number of the kind of a machine that a policy chose itself."""
        key = (pool, offer, *(tuple(sorted(some.items())) for some in (labels, annotations)))

        def build() -> NodeKind:
            node = self._claimed(pool, offer)
            node = replace(
                node,
                labels={**node.labels, **labels},
                annotations={**node.annotations, **annotations},
                taints=(*node.taints, *taints),
            )
            return NodeKind(_nameless(node), *offer, pool=self._pool_of_name.get(pool, -1))

        return self._number(("claim", *key, taints), build)

    def _claimed(self, pool: str, offer: Offer) -> Node:
        name, zone, capacity_type = offer
        kind = self._catalog.by_name[name]
        offering = self._catalog.offering(*offer)
        assert offering is not None
        if pool:
            owner = self.pools[self._pool_of_name[pool]]
            return node_of_pool("", owner, kind, offering)
        labels = {key: values[0] for key, values in kind.labels.items() if len(values) == 1}
        labels |= {
            ARCH_LABEL: kind.architecture,
            OS_LABEL: kind.os[0],
            INSTANCE_TYPE_LABEL: name,
            REGION_LABEL: self._catalog.region or zone[:-1],
            ZONE_LABEL: zone,
            CAPACITY_TYPE_LABEL: capacity_type,
        }
        capacity = {**kind.capacity, **(offering.capacity_override or {})}
        return Node("", labels=labels, capacity=capacity, allocatable=kind.allocatable(offering))

    def _number(self, key: Hashable, build: Callable[[], NodeKind]) -> int:
        number = self._numbers.get(key)
        if number is None:
            number = self._numbers[key] = len(self.kinds)
            kind = build()
            column = amounts_of(self._setting.resources, kind.node.allocatable)
            self.kinds.append(kind)
            self._columns.append(column)
            self._placer.add_kind(kind, column)
        return number

    @property
    def allocatable(self) -> Int64s:
        """Allocatable of all kinds, shape (n_resources, n_kinds), read-only."""
        if self._table.shape[1] != len(self._columns):
            self._table = np.stack(self._columns, axis=1)
            self._table.flags.writeable = False
        return self._table


def _nameless(node: Node) -> Node:
    labels = {key: value for key, value in node.labels.items() if key != HOSTNAME_LABEL}
    return replace(node, name="", labels=labels, provider_id="", creation_ns=None)
