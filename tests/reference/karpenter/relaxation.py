"""Dropping one preference at a time."""

from .pods import PREFERRED, add_prefer_no_schedule_toleration, node_affinity, required_node_terms


def relax(pod, tolerate_prefer_no_schedule):
    """Apply the first applicable step to the pod's spec and say which; None if nothing is left
    to relax."""
    terms = required_node_terms(pod.spec)
    if len(terms) > 1:
        dropped = terms.pop(0)
        return f"dropped required node affinity term {dropped}"
    for field in ("podAffinity", "podAntiAffinity"):
        dropped = drop_heaviest(pod.spec.get("affinity", {}).get(field, {}).get(PREFERRED))
        if dropped:
            return f"dropped preferred {field} term {dropped}"
    dropped = drop_heaviest(node_affinity(pod.spec).get(PREFERRED))
    if dropped:
        return f"dropped preferred node affinity term {dropped}"
    dropped = drop_schedule_anyway(pod.spec.get("topologySpreadConstraints") or [])
    if dropped:
        return f"dropped ScheduleAnyway constraint over {dropped['topologyKey']}"
    if tolerate_prefer_no_schedule and add_prefer_no_schedule_toleration(pod.spec):
        return "added a toleration of PreferNoSchedule taints"
    return None


def drop_heaviest(weighted_terms):
    if not weighted_terms:
        return None
    weighted_terms.sort(key=lambda term: -term["weight"])
    return weighted_terms.pop(0)


def drop_schedule_anyway(constraints):
    """The last constraint of the list takes the free place."""
    for i, constraint in enumerate(constraints):
        if constraint["whenUnsatisfiable"] == "ScheduleAnyway":
            constraints[i] = constraints[-1]
            constraints.pop()
            return constraint
    return None
