"""Identical nodes are runs."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pyscale.model.node_table import NodeTable
from pyscale.model.nodes import Node, NodeCondition


def node(index: int, zone: str) -> Node:
    name = f"n{index}"
    return Node(
        name,
        labels={"kubernetes.io/hostname": name, "zone": zone},
        provider_id=f"id-{index}",
        creation_ns=index,
        conditions=(NodeCondition("Ready", "True", "", index),),
    )


@given(st.lists(st.sampled_from("abc"), max_size=20))
def test_runs_spell_out_the_nodes(zones: list[str]) -> None:
    table = NodeTable.from_nodes(node(index, zone) for index, zone in enumerate(zones))
    assert len(table) == len(zones)
    assert len(table.kinds) == len(set(zones))
    kind_id, start, length = table.runs()
    spelled = [
        table.kinds[kind].labels["zone"]
        for kind, count in zip(kind_id, length, strict=True)
        for _ in range(count)
    ]
    assert spelled == zones
    assert (kind_id[1:] != kind_id[:-1]).all()
    assert start.tolist() == [int(length[:run].sum()) for run in range(len(length))]


def test_a_kind_has_no_name_of_its_own() -> None:
    (kind,) = NodeTable.from_nodes([node(0, "a"), node(1, "a")]).kinds
    assert (kind.name, kind.provider_id, kind.creation_ns) == ("", "", None)
    assert kind.labels == {"zone": "a"}
