"""Recorded tables of quantities, selectors and tolerations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from decimal import Decimal
from typing import Any

from pyscale.manifests import node_from_dict, pod_template_from_dict
from pyscale.model.quantity import InvalidQuantityError, Quantity
from pyscale.model.requirements import LabelSelector, NodeSelectorTerm
from pyscale.policies.kube_scheduler.label_rules import (
    is_empty,
    joined,
    label_selector_error,
    label_selector_matches,
    label_selector_text,
)
from pyscale.policies.kube_scheduler.node_rules import (
    any_term_matches,
    node_selector_errors,
    tolerates,
)


def _bits(values: Any) -> str:
    return "".join("1" if value else "0" for value in values)


def selector_rows(case_input: Mapping[str, Any], accepted: list[Any]) -> dict[str, Any]:
    """Return the recorded table of label selectors, node selectors and tolerations."""
    label_sets = case_input["labelSets"]
    nodes = [node_from_dict(node, validate=False) for node in case_input["nodeSets"]]
    spec = pod_template_from_dict(
        {"spec": {"tolerations": case_input["tolerations"]}}, validate=False
    ).spec
    taints = node_from_dict(
        {"metadata": {"name": "n"}, "spec": {"taints": case_input["taints"]}}, validate=False
    ).taints
    return {
        "labelSelectors": [
            _label_selector_row(_label_selector(selector), label_sets)
            for selector in case_input["labelSelectors"]
        ],
        "nodeSelectors": [
            _node_selector_row(_node_selector(selector), nodes)
            for selector in case_input["nodeSelectors"]
        ],
        "tolerations": [
            _bits(tolerates(toleration, taint) for taint in taints)
            for toleration in spec.tolerations
        ],
    }


def _label_selector_row(
    selector: LabelSelector | None, label_sets: Sequence[Mapping[str, str]]
) -> dict[str, Any]:
    if selector is None:
        return {"match": "0" * len(label_sets), "string": "", "empty": False}
    error = label_selector_error(selector)
    if error is not None:
        return {"error": error}
    return {
        "match": _bits(label_selector_matches(selector, labels) for labels in label_sets),
        "string": label_selector_text(selector),
        "empty": is_empty(selector),
    }


def _node_selector_row(terms: Sequence[NodeSelectorTerm], nodes: Sequence[Any]) -> dict[str, Any]:
    errors = node_selector_errors(terms)
    matches = [any_term_matches(terms, node.labels, node.name) for node in nodes]
    unmatched = [i for i, matched in enumerate(matches) if not matched]
    row: dict[str, Any] = {
        "lazyMatch": _bits(matches),
        "podMatch": _bits(matches),
        "podErrors": len(unmatched) if errors else 0,
    }
    if errors:
        row["parseError"] = joined(errors)
        if unmatched:
            row["lazyErrorCount"] = len(unmatched)
            row["lazyErrors"] = [[unmatched[0], joined(errors)]]
    return row


def _label_selector(raw: Mapping[str, Any] | None) -> LabelSelector | None:
    constraint = {"maxSkew": 1, "topologyKey": "k", "labelSelector": raw}
    spec = pod_template_from_dict(
        {"spec": {"topologySpreadConstraints": [constraint]}}, validate=False
    ).spec
    return spec.topology_spread_constraints[0].label_selector


def _node_selector(raw: Mapping[str, Any]) -> tuple[NodeSelectorTerm, ...]:
    affinity = {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": raw}}
    spec = pod_template_from_dict({"spec": {"affinity": affinity}}, validate=False).spec
    return spec.required_node_affinity or ()


def quantity_rows(case_input: Mapping[str, Any], accepted: list[Any]) -> dict[str, Any]:
    """Return the recorded table of quantities."""
    return {"results": [_quantity_row(text) for text in case_input["quantities"]]}


def _quantity_row(text: str | float) -> dict[str, Any]:
    try:
        quantity = Quantity.parse(text) if isinstance(text, str) else Quantity.from_json(text)
    except InvalidQuantityError as error:
        row: dict[str, Any] = {"error": error.reason}
        with suppress(InvalidQuantityError):
            # Reading JSON trims blanks and takes null, which parsing does not.
            row["jsonUnmarshal"] = f'"{Quantity.from_json(text)}"'
        return row
    rounded, is_exact = quantity.round_up(0)
    return {
        "canonical": str(quantity),
        "json": str(quantity),
        "value": quantity.value(),
        "milliValue": quantity.milli_value(),
        "asInt64": list(quantity.as_int64()),
        "scaled": {
            name: quantity.scaled_value(scale) for name, scale in (("m", -3), ("n", -9), ("M", 6))
        },
        "sign": quantity.sign,
        "isZero": quantity.is_zero,
        "format": quantity.format,
        "approxFloat": _go_float(quantity.approximate_float()),
        "neg": str(-quantity),
        "roundUp0": [str(rounded), is_exact],
        "twice": str(quantity + quantity),
        "plus1500m": str(Quantity.parse("1500m") + quantity),
        "1GiMinus": str(Quantity.parse("1Gi") - quantity),
        "cmp1": quantity.compare(Quantity.parse("1")),
    }


def _go_float(value: float) -> str:
    """Write a float as Go's ``strconv.FormatFloat(value, 'g', -1, 64)``."""
    if value in (float("inf"), float("-inf")):
        return "+Inf" if value > 0 else "-Inf"
    mantissa, exponent = f"{Decimal(repr(value)):e}".split("e")
    digits = mantissa.rstrip("0").rstrip(".") if "." in mantissa else mantissa
    power = int(exponent)
    if value == 0:
        return "-0" if str(value).startswith("-") else "0"
    if power < -4 or power >= 6:
        return f"{digits}e{'-' if power < 0 else '+'}{abs(power):02d}"
    return f"{Decimal(repr(value)).normalize():f}"
