"""The documentation lists every feature that is refused by name."""

import ast
from pathlib import Path

import pytest

import pyscale
from pyscale.policies.cluster_autoscaler import options

PACKAGE = Path(pyscale.__file__).parent
PAGE = Path(__file__).resolve().parent.parent / "docs" / "reference" / "unsupported.md"


def fixed_parts(node):
    """The pieces of a text that are the same in every message."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return [node.value]
    if isinstance(node, ast.JoinedStr):
        return [part.value for part in node.values if isinstance(part, ast.Constant)]
    return []


def refused():
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "UnsupportedError":
                yield from fixed_parts(node.args[0])
    yield from options._UNSUPPORTED.values()


@pytest.mark.skipif(not PAGE.exists(), reason="the documentation is not beside the tests")
def test_every_refused_feature_is_on_the_page():
    page = PAGE.read_text(encoding="utf-8")
    parts = {part.strip(": '") for part in refused()}
    assert "static capacity" in parts
    missing = sorted(part for part in parts if part not in page)
    assert not missing, f"say in {PAGE.name} what to do instead: {missing}"
