"""A view is read when it is asked, and only within the decide it came with."""

from copy import copy

import numpy as np
import pytest

from pyscale.catalog import kwok
from pyscale.model.pod_table import PodTable
from pyscale.model.pods import Container, PodSpec, PodTemplate
from pyscale.model.resources import CPU, MEMORY, NANO
from pyscale.model.times import HOUR, SECOND
from pyscale.policies.base import Policy
from pyscale.policies.decision import Decision
from pyscale.simulation import SimulationOptions, simulate

TEMPLATE = PodTemplate(PodSpec((Container(requests={CPU: NANO, MEMORY: 2**30 * NANO}),)))


class Keeper(Policy):
    """Keeps its views, and what ``look`` finds in each while it holds."""

    def __init__(self, look):
        self.look, self.views, self.found = look, [], []

    def decide(self, view):
        self.views.append(view)
        self.found.append(self.look(view))
        return Decision((), view.now_ns + 60 * SECOND)


def run(look=lambda view: None):
    pods = PodTable(
        (TEMPLATE,),
        np.zeros(1, np.int32),
        np.ones(1, np.int64),
        np.array([90 * SECOND], np.int64),
        np.array([HOUR], np.int64),
    )
    keeper = Keeper(look)
    simulate(pods, keeper, kwok(), options=SimulationOptions(end_ns=300 * SECOND))
    return keeper


@pytest.mark.parametrize(
    "name", ["node_id", "pending_pod", "node_requested", "group_desired", "disruptions_allowed"]
)
def test_a_column_that_is_asked_for_too_late_is_refused(name):
    first = run().views[0]
    with pytest.raises(RuntimeError, match="this view is over: read it within the decide"):
        getattr(first, name)


def test_a_column_that_was_read_in_time_stays():
    keeper = run(lambda view: (view.n_pending, len(view.node_requested)))
    assert [found[0] for found in keeper.found] == [0, 0, 1, 1, 1, 1]
    assert keeper.views[2].n_pending == 1
    assert {found[1] for found in keeper.found} == {len(keeper.views[0].setting.resources)}


def test_a_copy_of_a_view_reads_like_the_view():
    keeper = run(lambda view: copy(view).n_pending == view.n_pending)
    assert all(keeper.found)


def test_what_a_view_does_not_have_is_an_attribute_error():
    def look(view):
        with pytest.raises(AttributeError, match="has no attribute nodes"):
            view.nodes  # noqa: B018
        return True

    assert all(run(look).found)
