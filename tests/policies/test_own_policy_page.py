"""The policy that the documentation shows is one that works."""

import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "design" / "own_policy.md"


@pytest.mark.skipif(not PAGE.exists(), reason="the documentation is not beside the tests")
def test_the_policy_of_the_page_runs(monkeypatch):
    code = re.search(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL).group(1)
    page = ModuleType("own_policy_page")
    monkeypatch.setitem(sys.modules, page.__name__, page)  # policies are pickled by reference
    exec(compile(code, str(PAGE), "exec"), page.__dict__)
    assert page.result.name == "one-per-pod"
