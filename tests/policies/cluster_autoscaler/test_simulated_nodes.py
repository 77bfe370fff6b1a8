"""Views become rows; what a view says anew is told apart from what stays."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from strategies_cluster_autoscaler import template

from pyscale.model.groups import NodeGroup
from pyscale.model.nodes import Node
from pyscale.policies.base import BOOTING, DRAINING, READY, NodeKind, Placements
from pyscale.policies.cluster_autoscaler.classes import ClassTable
from pyscale.policies.cluster_autoscaler.simulated_nodes import SimulatedNodes, node_id, node_name
from pyscale.policies.cluster_autoscaler.simulated_pods import SimulatedPods
from pyscale.policies.cluster_autoscaler.succession import succession_of
from pyscale.policies.cluster_autoscaler.world import NO_PODS, TO_BE_DELETED, NodeRow

GROUPS = tuple(
    NodeGroup(name=name, instance_types=("m5.large",), zones=("a",), max_size=9) for name in "ab"
)
KINDS = tuple(NodeKind(Node(name=f"kind-{group}"), group=group) for group in (-1, 0, 1))


class Cluster:
    """Nodes that come, boot, take pods, drain and go."""

    def __init__(self, draw: np.random.Generator) -> None:
        self.draw = draw
        self.nodes: dict[int, list[int]] = {}  # kind, state, cordoned, version
        self.pods: dict[int, list[int]] = {}
        self.n_nodes = self.n_pods = self.now = 0

    def change(self) -> None:
        draw = self.draw
        self.now += 10**10
        if draw.integers(3) == 0:
            kind, state = int(draw.integers(3)), BOOTING if draw.integers(2) else READY
            self.nodes[self.n_nodes] = [kind, state, 0, 0]
            self.pods[self.n_nodes] = []
            self.n_nodes += 1
        for node in list(self.nodes):
            record, event = self.nodes[node], int(draw.integers(12))
            if event > 4:
                continue
            if event == 0:
                del self.nodes[node]
                continue
            if record[1] == BOOTING:
                record[1] = READY
            elif event == 1:
                record[1], record[2] = DRAINING, 1
            elif event == 2:
                record[2] = 1 - record[2]
            elif event == 3:
                self.pods[node] = self.pods[node][1:]
            else:
                self.pods[node] = [*self.pods[node], self.n_pods]
                self.n_pods += 1
            record[3] += 1

    def view(self) -> SimpleNamespace:
        ids = np.array(list(self.nodes), np.int64)
        columns = np.array(list(self.nodes.values()), np.int64).reshape(-1, 4)

        def pods_of(rows: np.ndarray) -> Placements:
            lists = [self.pods[node] for node in ids[rows].tolist()]
            pods = np.array([pod for held in lists for pod in held], np.int64)
            starts = np.cumsum([0, *map(len, lists)])
            return Placements(starts, pods, (pods % 2).astype(np.int32), pods)

        return SimpleNamespace(
            now_ns=self.now,
            groups=GROUPS,
            kinds=KINDS,
            node_id=ids,
            node_kind=columns[:, 0].astype(np.int32),
            node_state=columns[:, 1].astype(np.uint8),
            node_cordoned=columns[:, 2] > 0,
            node_version=columns[:, 3],
            node_ready_ns=10 * ids,
            pods_of=pods_of,
        )


def pods_of(table: ClassTable) -> SimulatedPods:
    return SimulatedPods([table.add(i, template(1, i)) for i in range(2)])


def written(row: NodeRow) -> tuple[object, ...]:
    """Everything but the second of a deletion's taint."""
    taints = [taint.key for taint in row.taints]
    plain = replace(row, pods=NO_PODS, taints=())
    return plain, taints, row.pods.ids.tolist(), row.pods.classes.tolist()


@pytest.mark.parametrize("seed", range(8))
def test_a_row_is_another_object_exactly_if_its_node_changed(seed: int) -> None:
    cluster = Cluster(np.random.default_rng(seed))
    nodes, pods = SimulatedNodes(), pods_of(ClassTable())
    in_between = 0
    versions: dict[int, int] = {}
    for _ in range(120):
        cluster.change()
        before, listed = nodes.rows, list(nodes.rows)
        known = {node_id(row.name): row for row in before}
        members = dict(nodes.members)
        view = cluster.view()

        nodes.read(view, pods)

        afresh = SimulatedNodes()
        afresh.read(view, pods_of(ClassTable()))
        assert list(map(written, nodes.rows)) == list(map(written, afresh.rows))
        assert nodes.members == afresh.members
        assert all(
            nodes.members[name] is names
            for name, names in members.items()
            if names == nodes.members[name]
        )
        assert all(a is b for a, b in zip(before, listed, strict=True))
        for row in nodes.rows:
            node = node_id(row.name)
            version = cluster.nodes[node][3]
            assert (known.get(node) is row) == (node in known and versions[node] == version)
            assert (row.taint(TO_BE_DELETED) is not None) == (cluster.nodes[node][1] == DRAINING)
        versions = {node_id(row.name): cluster.nodes[node_id(row.name)][3] for row in nodes.rows}
        how, by_name = nodes.succession, succession_of(before, nodes.rows)
        if how is None:
            in_between += 1
            assert not len(by_name.kept)
            continue
        assert how.before is before
        assert how.kept.tolist() == by_name.kept.tolist()
        assert how.fresh.tolist() == by_name.fresh.tolist()
        assert how.held.starts.tolist() == by_name.held.starts.tolist()
        assert list(how.held.pods) == list(by_name.held.pods)
    assert in_between


def test_names_of_nodes_are_their_ids() -> None:
    assert node_id(node_name(17)) == 17
