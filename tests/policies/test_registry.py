"""Policies are found by name, also those of other packages."""

from importlib.metadata import EntryPoint

import pytest

from pyscale.errors import InvalidObjectError
from pyscale.policies import registry


@pytest.fixture
def others(monkeypatch):
    entries = (
        EntryPoint("mine", "pyscale.policies.check:check_policy", registry.GROUP),
        EntryPoint("broken", "pyscale.policies.nowhere:Policy", registry.GROUP),
        EntryPoint("karpenter", "pyscale.policies.check:check_policy", registry.GROUP),
    )
    monkeypatch.setattr(registry, "entry_points", lambda group: entries)


def test_a_policy_of_another_package_is_found(others):
    assert registry.find_policy("mine").__name__ == "check_policy"
    assert "mine" in registry.policy_names()


def test_an_unknown_name_gets_the_nearest_spellings(others):
    with pytest.raises(InvalidObjectError, match=r"'karpentr': unknown policy: did you mean karp"):
        registry.find_policy("karpentr")


def test_a_registration_that_cannot_be_loaded_is_named(others):
    with pytest.raises(InvalidObjectError, match="cannot load pyscale"):
        registry.find_policy("broken")
