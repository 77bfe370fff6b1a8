"""Hypothesis profiles, and what holds for every test's sub-processes."""

from __future__ import annotations

import os

from hypothesis import settings

# ``dev`` by default, ``ci`` reproducible, ``nightly`` thorough.
settings.register_profile("dev", max_examples=50, deadline=None)
settings.register_profile("ci", max_examples=50, deadline=None, derandomize=True)
settings.register_profile("nightly", max_examples=2000, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "dev"))

# The suite tests the installed package: a sub-process must not find the checkout first.
os.environ["PYTHONSAFEPATH"] = "1"
