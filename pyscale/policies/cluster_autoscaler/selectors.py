"""Label selectors over pods, by rule of the API."""

from __future__ import annotations

from collections.abc import Mapping

from ...model.requirements import LabelSelector


def selector_matches(selector: LabelSelector | None, labels: Mapping[str, str]) -> bool:
    """Whether labels match; no selector matches nothing, an empty one everything."""
    if selector is None:
        return False
    if any(labels.get(key) != value for key, value in selector.match_labels.items()):
        return False
    for requirement in selector.match_expressions:
        key, operator = requirement.key, requirement.operator
        has = key in labels
        if operator == "In":
            holds = has and labels[key] in requirement.values
        elif operator == "NotIn":
            holds = not has or labels[key] not in requirement.values
        elif operator == "Exists":
            holds = has
        else:
            holds = not has
        if not holds:
            return False
    return True
