"""The Auto Scaling groups that an operator of Cluster Autoscaler would have to keep."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from pyscale.model.catalog import Catalog
from pyscale.model.groups import NodeGroup
from pyscale.model.nodes import CAPACITY_TYPE_LABEL

from .group_rules import GroupRules
from .machines import Machines
from .needs import (
    EKS_CAPACITY_TYPE_LABEL,
    EKS_CAPACITY_TYPES,
    Need,
    Pods,
    need_of,
    shape_class,
    weights,
)


@dataclass(frozen=True)
class NodeGroupPlan:
    """Generated groups and what they serve.

    ``groups_of_class`` names, per class of pod, the groups generated for it; ``unserved`` are the
    classes that no machine of the catalogue can hold.  ``cost`` is an estimate, in US dollars per
    hour, of the machines that the pods fill on average.
    """

    groups: tuple[NodeGroup, ...]
    groups_of_class: Mapping[int, tuple[str, ...]]
    unserved: tuple[int, ...]
    cost: float


def node_groups_from_catalog(
    pods: Pods,
    catalog: Catalog,
    rules: GroupRules | None = None,
    *,
    max_groups: int | None = None,
) -> tuple[NodeGroup, ...]:
    """Return the groups that :func:`plan_node_groups` plans."""
    return plan_node_groups(pods, catalog, rules, max_groups=max_groups).groups


def plan_node_groups(
    pods: Pods,
    catalog: Catalog,
    rules: GroupRules | None = None,
    *,
    max_groups: int | None = None,
) -> NodeGroupPlan:
    """Generate the Auto Scaling groups that serve given pods, as a careful operator would.

    Parameters
    ----------
    pods : PodTable or sequence of (PodTemplate, count)
        The pods; of a table, the average number that run at a time decides between machines.
    catalog : Catalog
        Machines, zones and prices.
    rules : GroupRules, optional
        What the operator takes for granted.
    max_groups : int, optional
        Merge groups until there are no more than this many, as far as pods allow it.

    Returns
    -------
    NodeGroupPlan
        Groups sorted by name.

    Raises
    ------
    InvalidObjectError
        If a zone is unknown.
    ValueError
        If ``max_groups`` is below 1.

    Notes
    -----
    The rules, in order:

    1. Pods need the same group if these are equal: allowed machines (from architecture, instance
       type and other labels of machines that they name), zones, purchase option, labels of their
       own that they select, taints, devices, ratio of memory to cores (below 3, below 6, above
       6 GiB per core), and size of machine (rule 4); or if the same machine is chosen for them.
    2. Pods that select labels of their own get a dedicated group with these labels and with the
       taints that they tolerate; pods that ask for a device and tolerate a taint of its name, a
       group with that taint.  Other tolerations need no group.
    3. Pods with a required spread over zones or (anti-)affinity within zones get one group per
       zone, since Cluster Autoscaler sees only the first zone of a group.  Others get one group
       over all their zones.
    4. Size: the smallest number of cores with a machine that holds ``pods_per_node`` pods of
       each kind; if none does, the machine that holds most.  For pods that ask for devices, whose
       price has little to do with cores, every machine that holds one pod of each kind.
    5. Type: among those of that size that are sold in most of the zones the one on which the pods
       cost least, ties by name.  Pods are counted as if each kind filled machines of its own.
    6. ``max_groups``: first groups per zone are put together, the need with most zones first;
       then always the two needs whose union costs least more.  Needs that no machine can have in
       common (another architecture, zone, purchase option, value of a label) stay apart, so that
       more groups than ``max_groups`` may be left.

    Cost: O(classes x types), and O(needs^2 x types) for ``max_groups``.  Deterministic.
    """
    if max_groups is not None and max_groups < 1:
        raise ValueError(f"max_groups must be >= 1, found {max_groups}")
    rules = rules or GroupRules()
    sizes = _Sizes(Machines(catalog, rules.zones, rules.reserve), rules)
    needs, unserved = _distinct_needs(pods, sizes)
    if max_groups is not None:
        needs = _merge_down(needs, max_groups, sizes)
    return _plan(needs, unserved, sizes)


@dataclass(frozen=True)
class _Sizes:
    """How a machine is chosen for a need."""

    machines: Machines
    rules: GroupRules

    def candidates(self, need: Need) -> NDArray[np.intp]:
        """Return the types that are sold for the need and hold its pods, possibly none."""
        prices = self.machines.prices(need.capacity_type)
        in_zones = np.array([zone in need.zones for zone in self.machines.zones])
        n_zones = np.isfinite(prices[:, in_zones]).sum(axis=1)
        feasible = need.allowed & (need.fit > 0) & (n_zones > 0)
        if (feasible & need.preferred).any():
            feasible &= need.preferred
        if feasible.any():
            feasible &= n_zones == n_zones[feasible].max()
        return np.flatnonzero(feasible)

    def large_enough(self, need: Need, candidates: NDArray[np.intp]) -> NDArray[np.intp]:
        """Return the types that hold as many of the need's pods as they should."""
        cores, fit = self.machines.cores[candidates], need.fit[candidates]
        wanted = 1 if need.has_devices else self.rules.pods_per_node
        enough = (fit >= wanted) & (cores >= self.rules.min_cores)
        if not enough.any():
            enough = fit == fit.max()
        return candidates[enough]

    def cores(self, need: Need, candidates: NDArray[np.intp]) -> int:
        """Return the cores that the need's machine has."""
        if need.has_devices:
            return int(self.machines.cores[self.ranked(need)[0][2]])
        return int(self.machines.cores[self.large_enough(need, candidates)].min())

    def ranked(self, need: Need) -> list[tuple[float, str, int]]:
        """Return (US dollars per hour, name, type) of the types of the right size, best first."""
        candidates = self.candidates(need)
        if not len(candidates):
            return []
        if need.has_devices:
            sized = self.large_enough(need, candidates)
        else:
            sized = candidates[self.machines.cores[candidates] == self.cores(need, candidates)]
            largest = need.fit[sized].max()
            sized = sized[need.fit[sized] >= min(self.rules.pods_per_node, largest)]
        prices = self.machines.prices(need.capacity_type)
        found = []
        for index in sized.tolist():
            paid = prices[index][[zone in need.zones for zone in self.machines.zones]]
            paid = paid[np.isfinite(paid)]
            price = float(paid.sum()) / len(paid)
            cost = float(need.nodes[index]) * price
            found.append((cost, self.machines.types[index].name, index))
        return sorted(found)


def _distinct_needs(pods: Pods, sizes: _Sizes) -> tuple[list[Need], tuple[int, ...]]:
    templates, running = weights(pods)
    found: dict[tuple[object, ...], Need] = {}
    unserved = []
    for class_id, template in enumerate(templates):
        weight = float(running[class_id])
        if weight <= 0:
            continue
        need = need_of(class_id, template, weight, sizes.machines, sizes.rules)
        if need is None:
            unserved.append(class_id)
            continue
        size = sizes.cores(need, sizes.candidates(need))
        key = (*need.constraints(), shape_class(template.spec), size)
        same = found.get(key)
        merged = need if same is None else same.merged(need)
        # Kinds of pods that share all constraints but no machine stay apart, by their number.
        if merged is None or not sizes.ranked(merged):
            key, merged = (*key, class_id), need
        found[key] = merged
    return _same_choice_together(found.values(), sizes), tuple(unserved)


def _same_choice_together(needs: Iterable[Need], sizes: _Sizes) -> list[Need]:
    """Merge needs for which groups would come out equal."""
    found: dict[tuple[object, ...], Need] = {}
    for need in needs:
        key = (*need.constraints(), sizes.ranked(need)[0][1])
        same = found.get(key)
        merged = need if same is None else same.merged(need)
        if merged is None or sizes.ranked(merged)[0][1] != key[-1]:
            key, merged = (*key, need.class_ids), need
        found[key] = merged
    return list(found.values())


def _merge_down(needs: list[Need], max_groups: int, sizes: _Sizes) -> list[Need]:
    needs = list(needs)
    while _count(needs) > max_groups:
        zonal = [i for i, need in enumerate(needs) if need.is_zonal]
        if not zonal:
            break
        widest = max(zonal, key=lambda i: (len(needs[i].zones), -i))
        needs[widest] = replace(needs[widest], is_zonal=False)

    costs = [sizes.ranked(need)[0][0] for need in needs]
    alive = dict(enumerate(needs))
    pairs: dict[tuple[int, int], tuple[float, Need]] = {}

    def consider(a: int, b: int) -> None:
        union = alive[a].merged(alive[b])
        ranked = sizes.ranked(union) if union is not None else []
        if union is not None and ranked:
            pairs[a, b] = ranked[0][0] - costs[a] - costs[b], union

    for a, b in combinations(alive, 2) if len(alive) > max_groups else ():
        consider(a, b)
    while len(alive) > max_groups and pairs:
        (a, b), (_, union) = min(pairs.items(), key=lambda item: (item[1][0], item[0]))
        pairs = {pair: v for pair, v in pairs.items() if a not in pair and b not in pair}
        del alive[a], alive[b]
        new = len(costs)
        alive[new] = union
        costs.append(sizes.ranked(union)[0][0])
        for other in [index for index in alive if index != new]:
            consider(other, new)
    return list(alive.values())


def _count(needs: Iterable[Need]) -> int:
    return sum(len(need.zones) if need.is_zonal else 1 for need in needs)


def _plan(
    needs: Iterable[Need],
    unserved: tuple[int, ...],
    sizes: _Sizes,
) -> NodeGroupPlan:
    groups: list[NodeGroup] = []
    groups_of_class: dict[int, tuple[str, ...]] = {}
    names: set[str] = set()
    total = 0.0
    for need in needs:
        ranked = sizes.ranked(need)
        cost, first, index = ranked[0]
        total += cost
        types = _alternatives(sizes.machines, ranked, sizes.rules.types_per_group)
        zones = _sold_in(sizes.machines, need, index)
        served = []
        for part in [(zone,) for zone in zones] if need.is_zonal else [zones]:
            stem = f"{first.replace('.', '-')}-{need.capacity_type}"
            if len(part) == 1 and len(sizes.machines.zones) > 1:
                stem += f"-{part[0]}"
            stem = "-".join([stem, *(need.labels[key] for key in sorted(need.labels))])
            name = _unused(stem, names)
            served.append(name)
            groups.append(
                NodeGroup(
                    name=name,
                    instance_types=types,
                    zones=part,
                    max_size=sizes.rules.max_size,
                    capacity_type=need.capacity_type,
                    labels=_labels(need, sizes.machines, index),
                    taints=tuple(sorted(need.taints, key=lambda t: (t.key, t.effect, t.value))),
                )
            )
        groups_of_class.update(dict.fromkeys(need.class_ids, tuple(served)))
    groups.sort(key=lambda group: group.name)
    return NodeGroupPlan(tuple(groups), dict(sorted(groups_of_class.items())), unserved, total)


def _alternatives(
    machines: Machines, ranked: Sequence[tuple[float, str, int]], count: int
) -> tuple[str, ...]:
    # Cluster Autoscaler takes all machines of a group to be equal, so only equal ones go in.
    first = machines.types[ranked[0][2]]
    equal = [
        name
        for _, name, index in ranked
        if machines.types[index].capacity.get("memory") == first.capacity.get("memory")
        and machines.types[index].architecture == first.architecture
        and machines.cores[index] == machines.cores[ranked[0][2]]
        and machines.devices[index] == machines.devices[ranked[0][2]]
    ]
    return tuple(equal[:count])


def _sold_in(machines: Machines, need: Need, index: int) -> tuple[str, ...]:
    prices = machines.prices(need.capacity_type)[index]
    return tuple(
        zone
        for zone, price in zip(machines.zones, prices.tolist(), strict=True)
        if zone in need.zones and price < float("inf")
    )


def _labels(need: Need, machines: Machines, index: int) -> dict[str, str]:
    own = {
        **machines.labels[index],
        CAPACITY_TYPE_LABEL: need.capacity_type,
        EKS_CAPACITY_TYPE_LABEL: EKS_CAPACITY_TYPES.get(need.capacity_type, ""),
    }
    copied = {key: own[key] for key in need.copied if key in own}
    return dict(sorted({**copied, **need.labels}.items()))


def _unused(stem: str, names: set[str]) -> str:
    name, number = stem, 1
    while name in names:
        number += 1
        name = f"{stem}-{number}"
    names.add(name)
    return name
