"""Families that record one component: no loop, no world."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ...model.nodes import Node
from ...policies.cluster_autoscaler import expander as expanders
from ...policies.cluster_autoscaler.balancing import balance
from ...policies.cluster_autoscaler.budgets import Bucket, Cropper, GroupFacts
from ...policies.cluster_autoscaler.equivalence import PodGroup, equivalence_groups
from ...policies.cluster_autoscaler.estimator import Counts, Estimate
from ...policies.cluster_autoscaler.kernel_placement import KernelPlacement
from ...policies.cluster_autoscaler.limits import cluster_limit, combined, similar_groups_limit
from ...policies.cluster_autoscaler.pod_list import FilterOutSchedulable
from ...policies.cluster_autoscaler.similar import Comparator
from ...policies.cluster_autoscaler.snapshot import Snapshot
from ...policies.cluster_autoscaler.succession import succession_of
from ...policies.cluster_autoscaler.world import NodeRow, PodColumns
from .reader import GPU_LABEL, CaseReader, timestamp

Json = dict[str, Any]


def estimator(given: Json) -> Json:
    """One template, ready-made pod groups."""
    reader = CaseReader(given)
    placement = KernelPlacement()
    handles: dict[str, int] = {}
    pods: dict[str, list[Json]] = {}
    for pod in given.get("pods") or ():
        pods.setdefault(pod["nodeName"], []).append(pod)
    for node in given.get("nodes") or ():
        row = reader.node_row(node)
        classes = [reader.pod_class(pod) for pod in pods.get(row.name, ())]
        handles[row.name] = placement.add_node(row.node, row.name, own=classes)
    template = given["template"]
    shape = reader.shape(template["nodeTemplate"], tuple(template.get("pods") or ()))
    groups = [
        PodGroup(reader.template_class(group["template"]), list(range(group["count"])))
        for group in given["groups"]
    ]
    members = [given["group"], *(given.get("similar") or ())]
    options = reader.options
    limit = combined(
        (
            options.max_nodes_per_scaleup,
            similar_groups_limit((group["targetSize"], group["maxSize"]) for group in members),
            cluster_limit(options.max_nodes_total, given.get("currentNodes", 0)),
        )
    )
    result: Json = {}
    kept = list(range(len(groups)))
    if given["prefilter"]:
        placement.fork()
        fresh = placement.add_node(shape.node, "template-node", own=shape.pods)
        kept = [i for i in kept if placement.refusal(groups[i].pod_class, fresh) is None]
        placement.revert()
        result["schedulable"] = kept or None
    found = placement.estimate(
        shape, [groups[i] for i in kept], limit, options.fastpath_binpacking_enabled
    )
    return result | _estimate(found, kept, {handle: name for name, handle in handles.items()})


def _estimate(found: Estimate, kept: list[int], names: dict[int, str]) -> Json:
    def by_group(counts: Counts) -> dict[str, int]:
        return {str(kept[position]): count for position, count in counts.items()}

    runs: list[list[Any]] = []
    for nodes, counts in found.per_node:
        if not counts:
            continue
        row = by_group(counts)
        if runs and runs[-1][1] == row:
            runs[-1][0] += nodes
        else:
            runs.append([nodes, row])
    result: Json = {
        "nodeCount": found.node_count,
        "placed": by_group(found.placed),
        "perNode": runs,
    }
    if found.arithmetic_nodes:
        result["arithmeticNodes"] = found.arithmetic_nodes
    if found.existing:
        result["existing"] = {names[node]: by_group(c) for node, c in found.existing.items()}
    return result


def equivalence(given: Json) -> Json:
    """Pods in pending order, grouped."""
    reader = CaseReader(given)
    names = [pod["name"] for pod in given["pods"]]
    pods = PodColumns(reader.table.classes)
    listed = pods.listed([_add_pod(pods, reader, pod) for pod in given["pods"]])
    groups = equivalence_groups(listed, pods.table)
    return {"groups": sorted(([names[pod] for pod in g.pods] for g in groups), key=lambda g: g[0])}


def expander(given: Json) -> Json:
    """A chain of filters over given options."""
    reader = CaseReader(given)
    groups = {group["name"]: group for group in given["nodeGroups"]}
    options = []
    for choice in given["choices"]:
        group = groups[choice["group"]]
        placed = [
            (PodGroup(reader.template_class(int(index)), []), count)
            for index, count in sorted(choice["pods"].items(), key=lambda item: int(item[0]))
        ]
        options.append(
            expanders.Option(
                group["name"],
                reader.shape(group["nodeTemplate"], tuple(group.get("templatePods") or ())),
                choice["nodeCount"],
                placed,
                price=group.get("price"),
            )
        )
    chain = expanders.Expander(
        reader.options.expander, given.get("priorityExpanderConfig"), reader.pod_price(), GPU_LABEL
    )
    size = len(given.get("nodes") or ())
    kept = chain.narrow(options, size)
    best = chain.best(options, size)
    return {
        "kept": [sorted(option.group for option in left) for left in kept],
        "best": best.group if best is not None else None,
    }


def crop(given: Json) -> Json:
    """Nodes that could go, cropped to the budgets."""
    reader = CaseReader(given)
    group_of = {node["name"]: node["nodeGroup"] for node in given["nodes"]}
    members = list(group_of.values())
    facts = {
        group["name"]: GroupFacts(
            reader.group_row(group).target,
            members.count(group["name"]),
            bool((group.get("options") or {}).get("zeroOrMaxNodeScaling")),
        )
        for group in given["nodeGroups"]
    }
    progress = given["inProgress"]
    cropper = Cropper(
        reader.options.max_scale_down_parallelism,
        reader.options.max_drain_parallelism,
        len(progress["empty"]),
        len(progress["drain"]),
        facts,
    )
    empty, drain = cropper.crop(given["empty"], given["drain"], group_of.__getitem__)
    return {"empty": [_bucket(b) for b in empty], "drain": [_bucket(b) for b in drain]}


def _bucket(bucket: Bucket) -> Json:
    row: Json = {"group": bucket.group, "nodes": bucket.nodes}
    if bucket.batch:
        row["batch"] = bucket.batch
    return row


def balancing(given: Json) -> Json:
    """Which groups are similar, and how new nodes are divided over them."""
    reader = CaseReader(given)
    rows = {group["name"]: reader.group_row(group) for group in given["nodeGroups"]}
    comparator = Comparator(reader.options)
    shapes = {name: row.template for name, row in rows.items() if row.template is not None}
    similar = {
        name: [
            other
            for other, candidate in shapes.items()
            if other != name and comparator.difference(shape, candidate) is None
        ]
        for name, shape in shapes.items()
    }

    def divided(names: list[str]) -> dict[str, int]:
        groups = [(name, rows[name].target, rows[name].max_size) for name in names]
        return {change.name: change.size for change in balance(given["newNodes"], groups)}

    main = given["main"]
    result: Json = {"similar": similar, "balanced": divided([main, *similar[main]])}
    if given.get("groups"):
        result["balancedSet"] = divided(given["groups"])
    return result


def filter_out_schedulable(given: Json) -> Json:
    """Several calls; the snapshot is rebuilt before each, hints and the scan's start persist."""
    reader = CaseReader(given)
    snapshot = Snapshot(KernelPlacement())
    processor = FilterOutSchedulable()
    pods = PodColumns(reader.table.classes)
    nodes = list(given["nodes"])
    bound = list(given.get("pods") or ())
    before: list[NodeRow] = []
    calls = []
    for call in given["calls"]:
        removed = set(call.get("removeNodes") or ())
        nodes = [node for node in nodes if node["name"] not in removed]
        nodes += call.get("addNodes") or ()
        bound = [pod for pod in bound if pod["nodeName"] not in removed]
        on_node: dict[str, list[int]] = {}
        for pod in bound:
            on_node.setdefault(pod["nodeName"], []).append(_add_pod(pods, reader, pod))
        rows = [
            replace(row, pods=pods.listed(on_node.get(row.name, [])))
            for row in map(reader.node_row, nodes)
        ]
        how = succession_of(before, rows)
        fresh = [(rows[i].name, _current(rows[i])) for i in how.fresh.tolist()]
        snapshot.load(how.kept, how.fresh[: how.n_changed], fresh, how.held, pods.table)
        before = rows
        snapshot.fork()
        pending = [_add_pod(pods, reader, pod) for pod in call["pending"]]
        placed, left = processor.run(snapshot, pods.listed(pending), pods.table)
        calls.append(
            {
                "placed": {pods.names[pod]: node for pod, node in placed.items()},
                "remaining": [pods.names[pod] for pod in left],
            }
        )
    return {"calls": calls}


def _add_pod(pods: PodColumns, reader: CaseReader, given: Json) -> int:
    created = timestamp(given.get("creationTimestamp"))
    return pods.add(given["name"], f"uid-{given['name']}", reader.pod_class(given), created)


def _current(row: NodeRow) -> Node:
    return replace(row.node, taints=row.taints, unschedulable=row.unschedulable)
