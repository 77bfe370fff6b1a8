"""Checks of single fields; each yields (path, problem) pairs."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import TypeAlias

from pyscale.errors import InvalidObjectError
from pyscale.model.quantity import format_quantity
from pyscale.model.requirements import LabelSelector, NodeSelectorTerm, Requirement
from pyscale.model.resources import CPU, EPHEMERAL_STORAGE, MEMORY, NANO, PODS, Resources
from pyscale.model.taints import NO_EXECUTE, NO_SCHEDULE, PREFER_NO_SCHEDULE, Taint

Problems: TypeAlias = Iterator[tuple[str, str]]

_NAME = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?")
_DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_DNS_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_INTEGER = re.compile(r"[+-]?[0-9]{1,19}")
_NATIVE = frozenset({CPU, MEMORY, EPHEMERAL_STORAGE, PODS})

TAINT_EFFECTS = (NO_SCHEDULE, PREFER_NO_SCHEDULE, NO_EXECUTE)


def raise_first(kind: str, name: str, where: str, problems: Iterable[tuple[str, str]]) -> None:
    """Raise the first problem, if there is one.

    Raises
    ------
    InvalidObjectError
        With ``where``, kind, name and path.
    """
    for path, problem in problems:
        described = f"{kind} {name if name.isprintable() else repr(name)}" if name else kind
        raise InvalidObjectError(": ".join(filter(None, (where, described, path))), problem)


def one_of(path: str, value: str, allowed: Collection[str]) -> Problems:
    """The value is one of a few."""
    if value not in allowed:
        yield path, f"expected one of {', '.join(filter(None, allowed))}, found {value!r}"


def within(path: str, value: int, least: int, most: int | None = None) -> Problems:
    """The number lies between two bounds."""
    if value < least or (most is not None and value > most):
        bounds = f">= {least}" if most is None else f"from {least} to {most}"
        yield path, f"expected a number {bounds}, found {value}"


@lru_cache(maxsize=1 << 14)
def is_qualified_name(key: str) -> bool:
    """Whether the text may be the key of a label, an annotation, a taint or a resource."""
    prefix, slash, name = key.rpartition("/")
    if slash and not is_dns_subdomain(prefix):
        return False
    return len(name) <= 63 and _NAME.fullmatch(name) is not None


@lru_cache(maxsize=1 << 14)
def is_label_value(value: str) -> bool:
    """Whether the text may be a label's value."""
    return value == "" or (len(value) <= 63 and _NAME.fullmatch(value) is not None)


def is_dns_subdomain(name: str) -> bool:
    """Whether the text is a DNS subdomain, the name of most objects."""
    return len(name) <= 253 and _DNS_SUBDOMAIN.fullmatch(name) is not None


def is_dns_label(name: str) -> bool:
    """Whether the text is one DNS label."""
    return len(name) <= 63 and _DNS_LABEL.fullmatch(name) is not None


def object_name(path: str, name: str) -> Problems:
    """The name of an object."""
    if not name:
        yield path, "expected a name, found none"
    elif not is_dns_subdomain(name):
        yield path, f"expected a lower-case DNS name, found {name!r}"


def namespace(path: str, name: str) -> Problems:
    """The name of a namespace."""
    if not is_dns_label(name):
        yield path, f"expected a lower-case DNS label, found {name!r}"


def label_key(path: str, key: str) -> Problems:
    """The key of a label."""
    if not is_qualified_name(key):
        yield path, f"expected a label key such as example.com/name, found {key!r}"


def label_value(path: str, value: str) -> Problems:
    """The value of a label."""
    if not is_label_value(value):
        wanted = "a label value of at most 63 letters, digits, '-', '_' and '.'"
        yield path, f"expected {wanted}, found {value!r}"


def entry(path: str, key: str) -> str:
    """The path of a mapping's entry."""
    return f"{path}.{key}" if re.fullmatch(r"[\w-]+", key) else f"{path}[{key!r}]"


def labels(path: str, given: Mapping[str, str]) -> Problems:
    """A mapping of labels."""
    for key, value in given.items():
        if not (is_qualified_name(key) and is_label_value(value)):
            yield from label_key(entry(path, key), key)
            yield from label_value(entry(path, key), value)


def annotation_keys(path: str, given: Mapping[str, str]) -> Problems:
    """A mapping of annotations: only keys are restricted."""
    for key in given:
        if not is_qualified_name(key.lower()):
            yield from label_key(entry(path, key), key)


def metadata(
    name: str,
    given_labels: Mapping[str, str],
    given_annotations: Mapping[str, str],
    given_namespace: str | None = None,
) -> Problems:
    """Name, namespace, labels and annotations of an object."""
    yield from object_name("$.metadata.name", name)
    if given_namespace is not None:
        yield from namespace("$.metadata.namespace", given_namespace)
    yield from labels("$.metadata.labels", given_labels)
    yield from annotation_keys("$.metadata.annotations", given_annotations)


def is_integer_resource(name: str) -> bool:
    """Whether the resource is counted in whole units and cannot be overcommitted."""
    return name.startswith("hugepages-") or ("/" in name and not name.startswith("kubernetes.io/"))


def resources(path: str, given: Resources) -> Problems:
    """A resource list: known names, nothing negative, whole devices."""
    for name, amount in given.items():
        if amount < 0:
            yield entry(path, name), f"expected an amount >= 0, found {format_quantity(amount)}"
        if name in _NATIVE:
            continue
        if not is_qualified_name(name):
            yield entry(path, name), f"expected a resource name, found {name!r}"
        if is_integer_resource(name) and amount % NANO:
            yield entry(path, name), f"expected a whole number, found {format_quantity(amount)}"


def requests_and_limits(path: str, requests: Resources, limits: Resources) -> Problems:
    """Requests and limits of one container or pod."""
    yield from resources(f"{path}.limits", limits)
    yield from resources(f"{path}.requests", requests)
    for name, amount in requests.items():
        limit = limits.get(name)
        here = entry(f"{path}.requests", name)
        if limit is None:
            if is_integer_resource(name):
                yield entry(f"{path}.limits", name), "expected a limit, as for every device"
        elif amount > limit:
            text = format_quantity(limit)
            yield here, f"expected at most the limit {text}, found {format_quantity(amount)}"
        elif amount != limit and is_integer_resource(name):
            text = format_quantity(limit)
            yield here, f"expected the limit {text}, found {format_quantity(amount)}"


def node_requirement(path: str, requirement: Requirement) -> Problems:
    """One expression over node labels.

    That the values of Gt and Lt are integers is checked here, although the API server leaves it
    to the scheduler, where the expression then never matches.
    """
    yield from label_key(f"{path}.key", requirement.key)
    operator, values = requirement.operator, requirement.values
    yield from one_of(
        f"{path}.operator", operator, ("In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt")
    )
    yield from value_count(path, operator, values)
    if operator in ("Gt", "Lt"):
        yield from integer(f"{path}.values[0]", values[0])
    else:
        yield from label_values(path, values)


def value_count(path: str, operator: str, values: tuple[str, ...]) -> Problems:
    """How many values an operator takes."""
    if operator in ("In", "NotIn") and not values:
        yield f"{path}.values", f"expected at least one value for {operator}, found none"
    if operator in ("Exists", "DoesNotExist") and values:
        yield f"{path}.values", f"expected no values for {operator}, found {len(values)}"
    if operator in ("Gt", "Lt", "Gte", "Lte") and len(values) != 1:
        yield f"{path}.values", f"expected one value for {operator}, found {len(values)}"


def integer(path: str, text: str) -> Problems:
    """A text that is a 64-bit integer."""
    if not _INTEGER.fullmatch(text) or not -(2**63) <= int(text) < 2**63:
        yield path, f"expected an integer, found {text!r}"


def label_values(path: str, values: tuple[str, ...]) -> Problems:
    """The values of an expression."""
    for index, value in enumerate(values):
        if not is_label_value(value):
            yield from label_value(f"{path}.values[{index}]", value)


def node_selector_term(path: str, term: NodeSelectorTerm) -> Problems:
    """One term of a node selector."""
    for index, requirement in enumerate(term.match_expressions):
        yield from node_requirement(f"{path}.matchExpressions[{index}]", requirement)
    for index, requirement in enumerate(term.match_fields):
        here = f"{path}.matchFields[{index}]"
        yield from one_of(f"{here}.key", requirement.key, ("metadata.name",))
        yield from one_of(f"{here}.operator", requirement.operator, ("In", "NotIn"))
        if len(requirement.values) != 1:
            yield f"{here}.values", f"expected one value, found {len(requirement.values)}"
        yield from object_name(f"{here}.values[0]", requirement.values[0])


def node_selector(path: str, terms: tuple[NodeSelectorTerm, ...]) -> Problems:
    """The required terms of a node affinity."""
    if not terms:
        yield f"{path}.nodeSelectorTerms", "expected at least one term, found none"
    for index, term in enumerate(terms):
        yield from node_selector_term(f"{path}.nodeSelectorTerms[{index}]", term)


def label_selector(path: str, selector: LabelSelector | None) -> Problems:
    """A selector over pod or namespace labels."""
    if selector is None:
        return
    yield from labels(f"{path}.matchLabels", selector.match_labels)
    for index, expression in enumerate(selector.match_expressions):
        here = f"{path}.matchExpressions[{index}]"
        yield from label_key(f"{here}.key", expression.key)
        operators = ("In", "NotIn", "Exists", "DoesNotExist")
        yield from one_of(f"{here}.operator", expression.operator, operators)
        yield from value_count(here, expression.operator, expression.values)
        yield from label_values(here, expression.values)


def taints(path: str, given: tuple[Taint, ...]) -> Problems:
    """The taints of a node or a pool."""
    seen = set()
    for index, taint in enumerate(given):
        here = f"{path}[{index}]"
        yield from label_key(f"{here}.key", taint.key)
        yield from label_value(f"{here}.value", taint.value)
        yield from one_of(f"{here}.effect", taint.effect, TAINT_EFFECTS)
        if (taint.key, taint.effect) in seen:
            yield here, f"expected each key and effect once, found {taint.key}:{taint.effect} twice"
        seen.add((taint.key, taint.effect))


def ip_address(path: str, text: str) -> Problems:
    """An address of IPv4 or IPv6; empty means all."""
    if text:
        try:
            ipaddress.ip_address(text)
        except ValueError:
            yield path, f"expected an IP address, found {text!r}"


def int_or_percent(path: str, value: int | str | None) -> Problems:
    """A count or a percentage up to 100%."""
    if value is None:
        return
    if isinstance(value, int):
        yield from within(path, value, 0)
    elif not re.fullmatch(r"[0-9]{1,9}%", value) or int(value[:-1]) > 100:
        yield path, f"expected a count or a percentage up to 100%, found {value!r}"
