"""YAML as the Kubernetes tools read it: no timestamps, no base 60, every key a string."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Any

from pyscale.errors import InvalidObjectError, MissingDependencyError

try:
    import yaml
except ImportError:
    raise MissingDependencyError("PyYAML", "io") from None

_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
MOST_VALUES = 1_000_000
"""Values that one document with aliases may expand to."""

_INT = "tag:yaml.org,2002:int"
_FLOAT = "tag:yaml.org,2002:float"


class _Loader(_Base):  # type: ignore[misc]
    """The safe loader, with a mapping that keeps its keys as JSON has them."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[str, Any]:
        """Build a mapping; keys that are numbers or booleans become their texts."""
        if not isinstance(node, yaml.MappingNode):
            raise yaml.constructor.ConstructorError(
                None, None, f"expected a mapping, found {node.id}", node.start_mark
            )
        seen = set()
        for key_node, _ in node.value:
            problem = ""
            if not isinstance(key_node, yaml.ScalarNode):
                problem = "expected a text as key of a mapping"
            elif key_node.value in seen:
                problem = f"expected each key once, found {key_node.value!r} twice"
            if problem:
                raise yaml.constructor.ConstructorError(None, None, problem, key_node.start_mark)
            seen.add(key_node.value)
        self.flatten_mapping(node)  # merge keys come first, so that the mapping's own ones win
        return {
            key_node.value: self.construct_object(value_node, deep=deep)
            for key_node, value_node in node.value
        }


def _resolvers() -> dict[str, list[tuple[str, re.Pattern[str]]]]:
    """PyYAML's rules for plain scalars without timestamps and without numbers to base 60."""
    integer = re.compile(
        r"[-+]?0b[01_]+$|[-+]?0[0-7_]+$|[-+]?(?:0|[1-9][0-9_]*)$|[-+]?0x[0-9a-fA-F_]+$"
    )
    number = re.compile(
        r"[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?$"
        r"|[-+]?\.(?:inf|Inf|INF)$|\.(?:nan|NaN|NAN)$"
    )
    replaced = {_INT: integer, _FLOAT: number}
    return {
        first: [
            (tag, replaced.get(tag, pattern))
            for tag, pattern in rules
            if tag != "tag:yaml.org,2002:timestamp"
        ]
        for first, rules in _Base.yaml_implicit_resolvers.items()
    }


_Loader.yaml_implicit_resolvers = _resolvers()


def _expanded_size(value: Any, known: dict[int, float]) -> float:
    """The number of values that a document has once its aliases are written out."""
    if not isinstance(value, dict | list):
        return 1
    size = known.get(id(value))
    if size is None:
        known[id(value)] = math.inf  # what contains itself has no end
        parts = value.values() if isinstance(value, dict) else value
        size = known[id(value)] = 1 + sum(_expanded_size(part, known) for part in parts)
    return size


def documents(text: str, where: str) -> Iterator[Any]:
    """Yield the documents of a YAML text; an empty one is None.

    Raises
    ------
    InvalidObjectError
        With ``where``, the document's number from 1, line and column.
    """
    loader = _Loader(text)
    number = 1
    has_aliases = "&" in text and "*" in text
    try:
        while loader.check_data():
            document = loader.get_data()
            if has_aliases and _expanded_size(document, {}) > MOST_VALUES:
                problem = f"aliases that expand to more than {MOST_VALUES} values"
                raise InvalidObjectError(f"{where}, document {number}", problem)
            yield document
            number += 1
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f" (line {mark.line + 1}, column {mark.column + 1})" if mark else ""
        problem = f"{error.problem or error.context}{place}"
        raise InvalidObjectError(f"{where}, document {number}", problem) from None
    except yaml.YAMLError as error:
        problem = f"this is not YAML: {error}".replace("\n", " ")
        raise InvalidObjectError(f"{where}, document {number}", problem) from None
    except RecursionError:
        raise InvalidObjectError(f"{where}, document {number}", "nested too deeply") from None
    except (ValueError, OverflowError) as error:
        # a scalar that looks like a number, a date or binary data but is none
        raise InvalidObjectError(f"{where}, document {number}", f"a bad scalar: {error}") from None
    finally:
        loader.dispose()
