"""Polls that are left out while nothing happens change nothing of a run."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyscale.catalog import SpotProcess, ec2, kwok
from pyscale.model.disruption import DisruptionBudget, DisruptionSettings
from pyscale.model.groups import NodePool
from pyscale.model.nodes import CAPACITY_TYPE_LABEL
from pyscale.model.pod_table import PodTable
from pyscale.model.pods import Container, PodSpec, PodTemplate
from pyscale.model.requirements import Requirement
from pyscale.model.resources import CPU, MEMORY, NANO
from pyscale.model.times import HOUR, MINUTE, SECOND
from pyscale.policies.karpenter import Karpenter
from pyscale.policies.karpenter.disruption_loop import DisruptionLoop
from pyscale.simulation import SimulationOptions, simulate


def web(name, cpu):
    requests = {CPU: cpu * NANO, MEMORY: cpu * 2**31 * NANO}
    return PodTemplate(PodSpec((Container(requests=requests),)), labels={"app": name})


TEMPLATES = tuple(web(f"web-{cpu}", cpu) for cpu in (1, 3, 7))


def pool(capacity_types=("on-demand",), **disruption):
    requirements = (
        Requirement(CAPACITY_TYPE_LABEL, "In", capacity_types),
        Requirement("kubernetes.io/os", "In", ("linux",)),
        Requirement("kubernetes.io/arch", "In", ("amd64",)),
    )
    settings = DisruptionSettings(**disruption)
    return NodePool("default", requirements=requirements, disruption=settings)


POOLS = {
    "at once": pool(consolidate_after_ns=0),
    "after a while": pool(consolidate_after_ns=7 * MINUTE),
    "spot": pool(("on-demand", "spot"), consolidate_after_ns=30 * SECOND),
    "one at a time": pool(consolidate_after_ns=0, budgets=(DisruptionBudget("1"),)),
    "not in the first half hour": pool(
        consolidate_after_ns=0,
        budgets=(DisruptionBudget("0", schedule="0 * * * *", duration_ns=30 * MINUTE),),
    ),
    "short-lived": replace(pool(consolidate_after_ns=0), expire_after_ns=2 * HOUR),
}


@pytest.mark.parametrize("name", POOLS)
@settings(max_examples=5)
@given(data=st.data())
def test_a_run_that_rests_is_the_run_that_polls_every_ten_seconds(name, data):
    n = data.draw(st.integers(1, 12))
    arrivals = sorted(data.draw(st.integers(0, 7200)) for _ in range(n))
    pods = PodTable(
        TEMPLATES,
        np.array([data.draw(st.integers(0, 2)) for _ in range(n)], np.int32),
        np.ones(n, np.int64),
        np.array(arrivals, np.int64) * SECOND,
        np.array([data.draw(st.integers(1, 9000)) for _ in range(n)], np.int64) * SECOND,
    )
    catalog = kwok()
    if name == "spot":
        prices = {kind.name: 10**9 for kind in catalog.instance_types}
        catalog = replace(catalog, spot_prices=SpotProcess(1, "test", prices))
    policy = Karpenter([POOLS[name]])
    options = SimulationOptions(end_ns=5 * HOUR)
    resting = simulate(pods, policy, catalog, options=options)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DisruptionLoop, "rest", lambda self, *_: self.wake_ns)
        polling = simulate(pods, policy, catalog, options=options)
    assert resting.digest() == polling.digest()
    assert resting.metrics.decisions <= polling.metrics.decisions


def test_a_quiet_cluster_is_left_alone_for_hours():
    pods = PodTable(
        TEMPLATES,
        np.array([0], np.int32),
        np.array([1], np.int64),
        np.array([0], np.int64),
        np.array([100 * HOUR], np.int64),
    )
    options = SimulationOptions(end_ns=100 * HOUR)
    result = simulate(pods, Karpenter([POOLS["at once"]]), ec2("us-east-1"), options=options)
    assert result.metrics.decisions < 30
