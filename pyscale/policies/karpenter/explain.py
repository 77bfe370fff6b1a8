"""Why no NodePool could make a node for a pod, in the words of the program."""

from __future__ import annotations

from .classes import PodForm
from .podspec import untolerated
from .result import REASONS, Solution
from .solver import Solver
from .templates import Template

_PLAIN = {
    "volume": "no alternative of its volumes is compatible with the pool",
    "topology": "spread or (anti-)affinity allows no domain that the pool offers",
    "min-values": "minValues are not met by the types that are left",
    "limits": "no type is within the pool's limits",
    "node-limits": "the pool may have no further node",
    "reserved-offering": "compatible reservations exist and are taken; it waits for one",
}


def explain(solver: Solver, solution: Solution, pod: int) -> list[tuple[str, str]]:
    """Return (NodePool, reason) for a pod of the batch without a place, in the order tried.

    The pod is taken in its last form, with every preference dropped.  A pool that is not named was
    not tried.

    Raises
    ------
    KeyError
        If the pod has a place.
    """
    if pod not in solution.errors:
        raise KeyError(pod)
    form = _last_form(solver, solution, pod)
    reasons = []
    for template, code in zip(solver.templates, solution.raw.reasons[pod].tolist(), strict=True):
        if code:
            word = REASONS[code]
            reasons.append((template.pool.name, _PLAIN.get(word) or _detail(word, template, form)))
    return reasons


def _last_form(solver: Solver, solution: Solution, pod: int) -> PodForm:
    number = int(solution.raw.classes[pod])
    while (after := solver.relaxed_class(number)) >= 0:
        number = after
    return solver.form_of_class(number)


def _detail(word: str, template: Template, form: PodForm) -> str:
    requirements, columns = template.requirements, template.columns
    if word == "taints":
        taints = untolerated(template.pool.taints, form.spec.tolerations)
        shown = ", ".join(f"{taint.key}={taint.value}:{taint.effect}" for taint in taints)
        return f"it does not tolerate {shown}"
    wanted = form.requirements
    if word == "requirements":
        key = requirements.undefined_key(wanted, columns.well_known)
        if key is not None:
            return f"it requires {wanted.get_or_exists(key)!r}, which the pool does not define"
        key = requirements.conflicting_key(wanted)
        if key is None:
            return "its requirements contradict the pool's"
        held = requirements.get_or_exists(key)
        return f"it requires {wanted.get_or_exists(key)!r}, the pool has {held!r}"
    merged = requirements.merged(wanted)
    meeting = sum(kind.requirements.intersects(merged) for kind in columns.types)
    fitting = {
        i
        for i, group in columns.columns
        if all(amount <= group.allocatable.get(name, 0) for name, amount in form.requests.items())
    }
    offered = len(columns.types_of(columns.allowed(merged)))
    return (
        f"of {len(columns.types)} types {meeting} meet the requirements, {len(fitting)} have room "
        f"for its requests, {offered} meet the requirements and have an offering"
    )
