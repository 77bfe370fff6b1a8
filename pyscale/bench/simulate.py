"""``pyscale bench simulate``: pods that come and go under kube-scheduler in virtual time.

Groups keep one size and the policy is asked once, so this is the world without an autoscaler.  The
answers were recorded once; a change of kube-scheduler's decisions changes the checksum, nothing
else may.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pyscale.bench._frame import Row, Work
from pyscale.catalog import kwok
from pyscale.model.groups import NodeGroup
from pyscale.policies.base import ClusterView, Policy
from pyscale.policies.decision import Decision, Keep
from pyscale.simulation.engine import Simulation
from pyscale.simulation.result import Result
from pyscale.traces import load_example

BYTES_PER_POD = 64

Answer = tuple[int, int, int, int, bool]
Run = tuple[Simulation, Result]


@dataclass(frozen=True)
class FixedGroups(Policy):
    """Groups that keep the size they start with."""

    name = "fixed-groups"
    groups: tuple[NodeGroup, ...]

    def node_groups(self) -> tuple[NodeGroup, ...]:
        """Return the groups."""
        return self.groups

    def decide(self, view: ClusterView) -> Decision:
        """Keep everything, and never ask again."""
        return Decision((Keep("the groups have one size"),))


def answer(run: Run) -> Answer:
    """Events, pods never bound, nano-dollars, who ran where, and whether memory was kept to."""
    simulation, result = run
    pods = np.arange(1, len(result.pods) + 1, dtype=np.uint64)
    with np.errstate(over="ignore"):
        product = pods * (result.pods.node.astype(np.int64) + 2).astype(np.uint64)
    return (
        simulation.engine.n_events,
        result.metrics.unschedulable_pods,
        result.metrics.cost_nano,
        int(product.sum(dtype=np.uint64)),
        simulation.engine.live_bytes <= BYTES_PER_POD * len(result.pods),
    )


def web_and_batch(
    n_pods: int, size: int, per_group: int, expected: Answer, per_event: bool = False
) -> Callable[[Path | None], Work]:
    """Run one day on two groups, one for each architecture."""

    def prepare(golden: Path | None) -> Work:
        trace = load_example("web-and-batch", n_pods=n_pods)
        catalog = kwok()
        groups = tuple(
            NodeGroup(
                arch,
                (f"m-{size}x-{arch}-linux",),
                catalog.zones,
                max_size=per_group,
                desired_size=per_group,
            )
            for arch in ("amd64", "arm64")
        )

        def run() -> Run:
            simulation = Simulation(trace, FixedGroups(groups), catalog)
            return simulation, simulation.run()

        return Work(run, expected, answer, units=expected[0] if per_event else 1)

    return prepare


SMALL = (29_304, 0, 4_018_677_915_207, 19_811_020_456, True)
LARGE = (1_832_410, 0, 372_904_343_205_180, 1_905_490_883_528_185, True)

ROWS = (
    Row(
        "simulate/web-and-batch",
        "web-and-batch with 16,000 pods on 300 nodes, a whole run",
        web_and_batch(16_000, 16, 150, SMALL),
    ),
    Row(
        "simulate/web-and-batch-1e6",
        "a pod's arrival or departure: web-and-batch with 10^6 pods on 7,000 nodes, "
        f"at most {BYTES_PER_POD} bytes per pod",
        web_and_batch(1_000_000, 64, 3500, LARGE, per_event=True),
        1e-6,
        repeats=3,
    ),
)
