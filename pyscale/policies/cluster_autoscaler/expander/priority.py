"""The priority expander: rules that name node groups by regular expressions.

Specification section 4.6; upstream ``expander/priority``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from ....errors import InvalidObjectError
from .option import Option

START_PRIORITY = -1
"""Rules of lower priority never win."""

Rules = dict[int, list[re.Pattern[str]]]


def highest_priority(options: Sequence[Option], config: str | None) -> list[Option]:
    """Keep the options whose group the matching rules of the highest priority name.

    Without a usable configuration, or if nothing matches, nothing is filtered.
    """
    if config is None:
        return list(options)
    try:
        rules = parse_priorities(config)
    except InvalidObjectError:
        return list(options)
    best = START_PRIORITY
    kept: list[Option] = []
    for option in options:
        for priority, patterns in rules.items():
            if priority < best or not any(pattern.search(option.group) for pattern in patterns):
                continue
            if priority > best:
                best, kept = priority, []
            if all(other is not option for other in kept):
                kept.append(option)
    return kept or list(options)


def parse_priorities(config: str, where: str = "priority expander") -> Rules:
    """Read the YAML of the ConfigMap's key ``priorities``: ``int -> [regex]``.

    A key given twice keeps its last value.

    Raises
    ------
    InvalidObjectError
        If the text is no such map, or an expression is invalid.
    """
    rules: Rules = {}
    for key, patterns in _read_yaml(config, where).items():
        if isinstance(key, bool) or not isinstance(key, int):
            raise InvalidObjectError(where, f"expected an integer priority, found {key!r}")
        if patterns is None:
            patterns = []
        if not isinstance(patterns, list) or not all(isinstance(p, str) for p in patterns):
            raise InvalidObjectError(
                f"{where}, priority {key}",
                f"expected a list of regular expressions, found {patterns!r}",
            )
        try:
            rules[key] = [re.compile(pattern) for pattern in patterns]
        except re.error as error:
            raise InvalidObjectError(
                f"{where}, priority {key}", f"expected a regular expression: {error}"
            ) from error
    return rules


def _read_yaml(config: str, where: str) -> dict[Any, Any]:
    try:
        import yaml
    except ImportError:
        from ....errors import MissingDependencyError

        raise MissingDependencyError("PyYAML", "io") from None
    try:
        found = yaml.safe_load(config)
    except yaml.YAMLError as error:
        problem = str(error).split("\n")[0]
        raise InvalidObjectError(where, f"expected YAML: {problem}") from error
    if not isinstance(found, dict):
        raise InvalidObjectError(where, f"expected a map of priorities, found {found!r}")
    return found
