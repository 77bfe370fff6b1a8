"""From exact amounts to the integers of tables."""

from __future__ import annotations

from fractions import Fraction
from math import ceil, floor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyscale.errors import InvalidObjectError
from pyscale.model.resource_space import LARGEST_AMOUNT, ResourceSpace

SPACE = ResourceSpace(("cpu", "memory", "x.io/gpu"))
amounts = st.dictionaries(st.sampled_from(SPACE.names), st.integers(-(10**20), 10**20))


@given(st.lists(amounts, max_size=5))
def test_requests_are_rounded_up_and_capacities_down(given_amounts: list[dict[str, int]]) -> None:
    requests = SPACE.requests(given_amounts)
    capacities = SPACE.capacities(given_amounts)
    assert requests.shape == capacities.shape == (3, len(given_amounts))
    for column, entry in enumerate(given_amounts):
        for row, (name, unit) in enumerate(zip(SPACE.names, SPACE.units, strict=True)):
            exact = Fraction(entry.get(name, 0), unit)
            assert requests[row, column] == ceil(exact)
            assert capacities[row, column] == floor(exact)


def test_cpu_is_in_milli_cores_and_all_else_in_its_own_unit() -> None:
    assert SPACE.units == (10**6, 10**9, 10**9)
    assert SPACE.amounts([1500, 0, 2]) == {"cpu": 1_500_000_000, "x.io/gpu": 2 * 10**9}


def test_a_space_covers_what_is_used_in_a_fixed_order() -> None:
    space = ResourceSpace.covering([{"z": 1, "memory": 5}, {"a": 1, "zero": 0, "debt": -1}])
    assert space.names == ("cpu", "memory", "pods", "a", "z")
    assert (len(space), space.row_of["a"]) == (5, 3)


def test_tables_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="read-only"):
        SPACE.requests([{}])[0, 0] = 1
    assert SPACE.requests([]).dtype == np.int64


def test_an_amount_that_kernels_could_not_add_is_refused() -> None:
    largest = LARGEST_AMOUNT * 10**9
    assert SPACE.requests([{"memory": largest}])[1, 0] == LARGEST_AMOUNT
    message = r"pods\[1\]: expected at most 2\*\*61 units of memory, found 2305843009213693953"
    with pytest.raises(InvalidObjectError, match=message):
        SPACE.requests([{}, {"memory": largest + 10**9}], "pods")
    with pytest.raises(InvalidObjectError, match=r"capacities\[0\]: expected at most"):
        SPACE.capacities([{"memory": -largest - 1}])


def test_a_request_of_another_resource_is_refused_but_a_capacity_is_left_out() -> None:
    assert not SPACE.capacities([{"pods": 5}]).any()
    assert not SPACE.requests([{"pods": 0}]).any()
    message = r"requests\[0\]: expected one of cpu, memory, x\.io/gpu, found pods"
    with pytest.raises(InvalidObjectError, match=message):
        SPACE.requests([{"pods": 5}])


def test_a_name_given_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="names must differ"):
        ResourceSpace(("cpu", "cpu"))
