import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyscale.traces.generators.integers import ONE, Integers, day_wave, exp2, log2


@given(st.integers(-4 * ONE, 15 * ONE))
def test_exp2_is_a_power_of_two(exponent):
    found = int(exp2(np.array([exponent]))[0])
    assert found == pytest.approx(2 ** (exponent / ONE) * ONE, rel=3e-4)


@given(st.integers(1, 2**32 - 1))
def test_log2_rounds_down(value):
    found = int(log2(np.array([value], dtype=np.uint64))[0])
    assert math.log2(value) - 2 / ONE <= found / ONE <= math.log2(value) + 1e-9


def test_the_wave_is_a_cosine_of_a_day():
    minutes = np.arange(-1440, 2880)
    exact = 1000 * np.cos(2 * np.pi * minutes / 1440)
    assert np.abs(day_wave(minutes) - exact).max() < 3
    assert day_wave(0) == 1000
    assert day_wave(720) == -1000


def test_distributions_have_their_moments():
    draw = Integers(7, 0)
    assert draw.exponential(1000, 20_000).mean() == pytest.approx(1000, rel=0.05)
    normal = draw.normal(20_000) / ONE
    assert abs(normal.mean()) < 0.03
    assert normal.std() == pytest.approx(1, rel=0.03)
    assert np.median(draw.lognormal(500, ONE, 20_000)) == pytest.approx(500, rel=0.05)
    assert np.bincount(draw.choice([1, 0, 3], 20_000)) / 20_000 == pytest.approx(
        [0.25, 0, 0.75], abs=0.02
    )
    between = draw.between(-2, 2, 1000)
    assert (between.min(), between.max()) == (-2, 2)


def test_the_words_are_those_of_pcg64():
    assert Integers(0, 1).words(3).tolist() == [3821399010, 2392889704, 3439874040]
    assert Integers(0, 2).words(1).tolist() != Integers(0, 1).words(1).tolist()
    with pytest.raises(ValueError, match="seed must be >= 0, found -1"):
        Integers(-1, 0)
