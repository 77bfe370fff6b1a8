"""The mixed-group trap: machines that are not what their group's template promised."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from pyscale.catalog.nodes import node_of_group
from pyscale.model.catalog import Catalog
from pyscale.model.groups import NodeGroup
from pyscale.model.resources import CPU, MEMORY, NANO
from pyscale.simulation.clock import HOUR
from pyscale.simulation.prices import Market, dollars
from pyscale.simulation.result import Result


@dataclass(frozen=True, slots=True)
class MixedGroupUse:
    """What the mixed groups of one run launched, against the first type of each group.

    Attributes
    ----------
    name : str
        Of the run.
    groups : int
        Groups with more than one machine type.
    launched : int
        Machines that these groups bought.
    other : int
        Those of another type than their group's first one, which makes the template.
    priced : int
        Those of them that could have been of the first type: it is sold in their zone.
    cost_nano, template_cost_nano : int
        Bill of the priced ones, and that of as many first types for the same time.
    vcpu_hours, gib_hours : float
        Allocatable cores and memory of the priced ones times hours, beyond that of first types;
        below 0 if less was bought than the template promised.
    """

    name: str
    groups: int
    launched: int
    other: int
    priced: int
    cost_nano: int
    template_cost_nano: int
    vcpu_hours: float
    gib_hours: float

    def to_dict(self) -> dict[str, Any]:
        """Return all figures as plain data."""
        return asdict(self)


def mixed_group_use(
    result: Result, groups: Sequence[NodeGroup], catalog: Catalog
) -> MixedGroupUse | None:
    """Return how often machines differed from their group's template; None without mixed groups.

    Parameters
    ----------
    result : Result
        Of a run over these groups.
    groups : sequence of NodeGroup
        In the order in which the policy had them.
    catalog : Catalog
        That of the run.

    Notes
    -----
    Cluster Autoscaler takes a group's first type for the template while the group has no node, and
    the first good node later; this counts against the first type.  O(nodes).
    """
    mixed = {index for index, group in enumerate(groups) if len(group.instance_types) > 1}
    if not mixed:
        return None
    options = result.metadata["options"]
    market = Market(catalog, result.metadata["epoch_ns"])
    launched = other = priced = cost = template_parts = cores = memory = 0
    columns = (result.nodes.kind, result.nodes.created_ns, result.nodes.until_ns(result.end_ns))
    for number, (kind_id, begin, end) in enumerate(
        zip(*(column.tolist() for column in columns), strict=True)
    ):
        kind = result.kinds[kind_id]
        if kind.group not in mixed:
            continue
        launched += 1
        group = groups[kind.group]
        first = group.instance_types[0]
        if kind.instance_type == first:
            continue
        other += 1
        offer = (first, kind.zone, kind.capacity_type)
        if market.index_of(offer) < 0:
            continue
        priced += 1
        life = int(end - begin)
        promised = node_of_group("", group, catalog, first, kind.zone).allocatable
        cores += life * (kind.node.allocatable.get(CPU, 0) - promised.get(CPU, 0))
        memory += life * (kind.node.allocatable.get(MEMORY, 0) - promised.get(MEMORY, 0))
        cost += int(result.node_cost_nano[number])
        billed = max(int(end), int(begin) + options["minimum_billing_ns"])
        template_parts += market.cost(offer, int(begin), billed)
    return MixedGroupUse(
        name=result.name,
        groups=len(mixed),
        launched=launched,
        other=other,
        priced=priced,
        cost_nano=cost,
        template_cost_nano=dollars(template_parts),
        vcpu_hours=cores / (NANO * HOUR),
        gib_hours=memory / (2**30 * NANO * HOUR),
    )


def mixed_group_lines(uses: Iterable[MixedGroupUse]) -> list[str]:
    """Return a sentence per run whose machines differed from their template."""
    return [_sentence(use) for use in uses if use.other]


def _sentence(use: MixedGroupUse) -> str:
    parts = [
        f"{use.name}: {use.other:,} of {use.launched:,} machines of mixed groups were not of the "
        "first type, which makes the template"
    ]
    if use.priced:
        extra = (use.cost_nano - use.template_cost_nano) / 1e9
        parts.append(
            f"they cost ${use.cost_nano / 1e9:,.2f}, ${abs(extra):,.2f} "
            f"{'less' if extra < 0 else 'more'} than first types for the same time, and had "
            f"{_more(use.vcpu_hours)} vCPU-hours and {_more(use.gib_hours)} GiB-hours"
        )
    return "; ".join(parts) + "."


def _more(amount: float) -> str:
    return f"{abs(amount):,.1f} {'fewer' if amount < 0 else 'more'}"
