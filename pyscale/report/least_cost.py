"""How far the runs of a comparison are from what they must have cost at least."""

from __future__ import annotations

from collections.abc import Sequence

from ..study.least_cost import LeastCost
from .figures import bars
from .page import Section

_WHY = (
    "Nobody can run these pods for less, on machines that one of the policies may buy: at some "
    "price for every core and byte no machine is worth more than it costs, and the pods are worth "
    "this much for the time that each of them ran. The cheapest that is possible lies between the "
    "two: pods do not fill machines exactly, may not go everywhere, and machines boot and drain."
)


def least_cost_section(found: Sequence[LeastCost], names: Sequence[str]) -> Section:
    """Return the bounds as a section for the page of a comparison, whose policies have names."""
    says = [
        f"The pods of {name} cost ${each.cost_nano / 1e9:,.2f}; nobody could have run them for "
        f"less than ${each.least_nano / 1e9:,.2f}."
        for name, each in zip(names, found, strict=True)
    ]
    figure = bars(
        "Cost, and the least that it must be",
        "$",
        names,
        {
            "cost": [each.cost_nano / 1e9 for each in found],
            "at least": [each.least_nano / 1e9 for each in found],
        },
    )
    return Section("How far from the cheapest", [" ".join(says)], figures=[(figure, _WHY)])
