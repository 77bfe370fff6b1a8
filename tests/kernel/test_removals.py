"""Nodes are emptied as the simulator that looks at every pod empties them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from reference.cluster_autoscaler_hints import Pair, assert_removals_agree, no_question
from strategies_cluster_autoscaler import (
    all_pods,
    clusters,
    node_of,
    owned_pods,
    plain_owned_pods,
    template,
)

from pyscale.kernel._hints import Hints
from pyscale.policies.cluster_autoscaler.classes import ClassTable
from pyscale.policies.cluster_autoscaler.kernel_placement import KernelPlacement

OUTCOMES = st.sampled_from([1, 2, 2, 2, 2, 3, 4])


@given(
    cluster=clusters,
    templates=st.lists(owned_pods | all_pods, min_size=1, max_size=5)
    | st.lists(plain_owned_pods, min_size=1, max_size=5),
    outcomes=st.lists(OUTCOMES, min_size=5, max_size=5),
    unusable=st.sets(st.integers(0, 4), max_size=2),
    told_after=st.integers(0, 5),
)
def test_a_node_goes_if_all_its_pods_find_a_place(
    cluster, templates, outcomes, unusable, told_after
):
    pair = Pair(cluster, templates)
    usable = pair.placement.mask()
    usable[[node for node in pair.twin.names if node not in unusable]] = True
    assert_removals_agree(pair, usable, outcomes, told_after)


def test_short_masks_and_tables_are_refused():
    placement = KernelPlacement()
    node = placement.add_node(node_of(4, 4, 4), "n")
    short, mask = np.zeros(0, np.bool_), np.zeros(1, np.bool_)
    outcomes = np.zeros(8, np.int8)

    with pytest.raises(ValueError, match="a mask must have 1 entries, found 0"):
        placement.begin_removals(Hints(), short, mask, outcomes, no_question)
    with pytest.raises(ValueError, match="a mask must have 1 entries, found 0"):
        placement.begin_removals(Hints(), mask, short, outcomes, no_question)
    placement.class_id(ClassTable().add(0, template(1, 1)))
    with pytest.raises(ValueError, match="outcomes must have 1 entries, found 0"):
        placement.begin_removals(Hints(), mask, mask, outcomes[:0], no_question)
    assert placement.is_there(node)
