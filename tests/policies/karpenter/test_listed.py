"""Items that are made when they are read."""

import pytest

from pyscale.policies.karpenter.listed import Listed


def test_it_reads_like_a_list_of_what_it_would_make():
    items = Listed(4, lambda i: i * i)
    assert len(items) == 4
    assert list(items) == [0, 1, 4, 9]
    assert items[-1] == 9
    assert items[1:3] == [1, 4]
    assert items[::-2] == [9, 1]
    assert 4 in items


@pytest.mark.parametrize("place", [4, -5])
def test_there_is_nothing_beyond_its_ends(place):
    with pytest.raises(IndexError, match=f"expected a place below 4, found {place}"):
        Listed(4, str)[place]


def test_nothing_is_made_before_it_is_read():
    made = []
    items = Listed(3, made.append)
    assert not made
    items[2]
    assert made == [2]
