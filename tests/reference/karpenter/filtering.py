"""Which instance types remain possible, and minValues."""

from .pods import conflicting_host_port
from .quantities import add_resources, fits, format_resources
from .tracing import LazyText, Refusal

REQUIREMENTS, FIT, OFFERING = "requirements", "fit", "offering"
CRITERIA = (REQUIREMENTS, FIT, OFFERING)
NONE_MET = {REQUIREMENTS: "none-met-requirements", FIT: "none-fit", OFFERING: "none-offering"}


def filter_instance_types(
    options, requirements, total_requests, groups, ports, well_known, relax_min_values=False
):
    """The options that can still hold everything, in group order, and the minValues that they miss.

    Raises a Refusal if none is left, or if a minValues is missed and may not be relaxed.
    """
    still_an_option = {id(instance_type) for instance_type in options}
    kept, met_by_type = [], []
    for group in groups:
        if any(conflicting_host_port(ports, used) for used in group.ports):
            continue
        need = add_resources(total_requests, group.overhead)
        for instance_type in group.types:
            if id(instance_type) not in still_an_option:
                continue
            met = criteria_met(instance_type, requirements, need, well_known)
            met_by_type.append(met)
            if met == CRITERIA:
                kept.append(instance_type)
    if not kept:
        raise Refusal(
            explain_empty(met_by_type),
            "no type is left: %s; they need %s and %s",
            LazyText(count_met, len(options), met_by_type),
            LazyText(format_resources, total_requests),
            requirements,
        )
    missed = missed_min_values(kept, requirements)
    if missed and not relax_min_values:
        raise Refusal(
            "min-values", "%d types have too few values for minValues: %s", len(kept), missed
        )
    return kept, missed


def criteria_met(instance_type, requirements, need, well_known):
    """A type counts as fitting only where it also has a compatible available offering."""
    fit = offered = False
    for group in instance_type.allocatable_groups:
        if any(
            requirements.compatible(offering.requirements, well_known)
            for offering in group.offerings
        ):
            offered = True
            if fits(need, group.allocatable):
                fit = True
                break
    met = (instance_type.requirements.intersects(requirements), fit, offered)
    return tuple(name for name, is_met in zip(CRITERIA, met, strict=False) if is_met)


def count_met(options, met_by_type):
    """For traces. Types whose daemon-overhead group has a host-port conflict are never looked
    at."""
    counts = {name: sum(name in met for met in met_by_type) for name in CRITERIA}
    text = (
        f"of {options} options {counts[REQUIREMENTS]} meet the requirements, "
        f"{counts[OFFERING]} have an offering, "
        f"{counts[FIT]} of these also fit"
    )
    conflicts = options - len(met_by_type)
    return text + (f", {conflicts} have a host-port conflict" if conflicts else "")


def explain_empty(met_by_type):
    """The category word: which criteria no type met, or else which pair was met without the
    third."""
    never_met = [NONE_MET[name] for name in CRITERIA if not any(name in met for met in met_by_type)]
    if never_met:
        return "types:" + ",".join(never_met)
    for first, second, missing in (
        (REQUIREMENTS, FIT, OFFERING),
        (FIT, OFFERING, REQUIREMENTS),
        (REQUIREMENTS, OFFERING, FIT),
    ):
        if any(first in met and second in met for met in met_by_type):
            return f"types:{first}+{second}-without-{missing}"
    return "types:no-common"


def missed_min_values(instance_types, requirements):
    """Key → the number of values that the types offer, for each minValues they do not reach.

    An empty list misses nothing.
    """
    missed = {}
    if not instance_types:
        return missed
    for key, requirement in requirements.items():
        if requirement.min_values is None:
            continue
        values = set().union(
            *(
                instance_type.requirements.get_or_exists(key).values
                for instance_type in instance_types
            )
        )
        if len(values) < requirement.min_values:
            missed[key] = len(values)
    return missed


def has_min_values(requirements):
    return any(requirement.min_values is not None for requirement in requirements.values())


def prefix_for_min_values(instance_types, requirements):
    """The length of the shortest prefix that reaches every minValues (0 without any); assumes
    that the whole list does."""
    if not has_min_values(requirements):
        return 0
    return next(
        (
            length
            for length in range(1, len(instance_types) + 1)
            if not missed_min_values(instance_types[:length], requirements)
        ),
        0,
    )
