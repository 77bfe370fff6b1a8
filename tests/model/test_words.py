"""Numbers of things, for people."""

import pytest

from pyscale.model.words import plural


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0 pods"), (1, "1 pod"), (2, "2 pods"), (1200, "1,200 pods")]
)
def test_one_has_no_s(number, text):
    assert plural(number, "pod") == text
