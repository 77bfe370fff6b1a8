"""The mix of Karpenter's own scheduler benchmark, as columns, in any size."""

from __future__ import annotations

from itertools import product

import numpy as np

from pyscale.catalog import fake
from pyscale.model.groups import NodePool
from pyscale.model.nodes import HOSTNAME_LABEL, ZONE_LABEL
from pyscale.model.pods import Container, PodSpec, PodTemplate
from pyscale.model.quantity import parse_quantity
from pyscale.model.requirements import (
    LabelSelector,
    NodeSelectorTerm,
    PreferredNodeSelectorTerm,
    Requirement,
)
from pyscale.model.topology import (
    PodAffinityTerm,
    TopologySpreadConstraint,
    WeightedPodAffinityTerm,
)
from pyscale.policies.karpenter.batch import PendingPods
from pyscale.policies.karpenter.solver import Solver
from pyscale.policies.karpenter.state import ClusterObjects, Settings

CPUS = ("100m", "250m", "500m", "1000m", "1500m")
MEMORIES = ("100Mi", "256Mi", "512Mi", "1024Mi", "2048Mi", "4096Mi")
LETTERS = "abcdefg"
LIMITS = {"cpu": parse_quantity("1000000000"), "memory": parse_quantity("1000000000Gi")}


def _template(requests: dict[str, int], labels: dict[str, str], **spec: object) -> PodTemplate:
    return PodTemplate(
        PodSpec(containers=(Container(requests=requests),), **spec),  # type: ignore[arg-type]
        labels=labels,
    )


def _spread(key: str, letter: str) -> tuple[TopologySpreadConstraint, ...]:
    selector = LabelSelector({"my-label": letter})
    return (TopologySpreadConstraint(1, key, "DoNotSchedule", selector),)


def _blocks() -> list[list[PodTemplate]]:
    """The templates of the five blocks: generic, spread twice, affinity, anti-affinity."""
    blocks: list[list[PodTemplate]] = [[], [], [], [], []]
    for cpu, memory in product(CPUS, MEMORIES):
        size = {"cpu": parse_quantity(cpu), "memory": parse_quantity(memory)}
        for own in LETTERS:
            blocks[0].append(_template(size, {"my-label": own}))
            for block, key in ((1, ZONE_LABEL), (2, HOSTNAME_LABEL)):
                blocks[block] += [
                    _template(
                        size,
                        {"my-label": own},
                        topology_spread_constraints=_spread(key, selected),
                    )
                    for selected in LETTERS
                ]
            together = PodAffinityTerm(ZONE_LABEL, LabelSelector({"my-affinity": own}))
            blocks[3].append(
                _template(size, {"my-affinity": own}, required_pod_affinity=(together,))
            )
        apart = PodAffinityTerm(HOSTNAME_LABEL, LabelSelector({"app": "nginx"}))
        blocks[4].append(_template(size, {"app": "nginx"}, required_pod_anti_affinity=(apart,)))
    return blocks


def diverse_mix(n: int, seed: int = 0) -> Solver:
    """Return a solver with ``n`` pending pods in five blocks of equal size, over fake:400."""
    blocks = _blocks()
    starts = np.cumsum([0, *(len(block) for block in blocks)])
    rng = np.random.default_rng(seed)
    block_of_pod = np.minimum(np.arange(n) // max(1, n // 5), 4)
    sizes = np.diff(starts)[block_of_pod]
    number = starts[block_of_pod] + rng.integers(sizes)
    pending = PendingPods(
        [template for block in blocks for template in block],
        number.astype(np.int32),
        rng.permutation(n).astype(np.int64),
    )
    objects = ClusterObjects((NodePool("default", limits=LIMITS),), fake(400))
    return Solver(objects, pending=pending)


def preferring_pods(n: int, preference_policy: str) -> Solver:
    """Return a solver with ``n`` equal pods that prefer a zone and to keep apart, over fake:400."""
    zone = NodeSelectorTerm((Requirement(ZONE_LABEL, "In", ("test-zone-1",)),))
    alike = LabelSelector({"app": "nginx"})
    template = _template(
        {"cpu": parse_quantity("2"), "memory": parse_quantity("2Gi")},
        {"app": "nginx"},
        preferred_node_affinity=(PreferredNodeSelectorTerm(1, zone),),
        preferred_pod_anti_affinity=(
            WeightedPodAffinityTerm(10, PodAffinityTerm(ZONE_LABEL, alike)),
            WeightedPodAffinityTerm(1, PodAffinityTerm(HOSTNAME_LABEL, alike)),
        ),
    )
    objects = ClusterObjects((NodePool("default", limits=LIMITS),), fake(400))
    pending = PendingPods([template], np.zeros(n, dtype=np.int32))
    return Solver(objects, Settings(preference_policy=preference_policy), pending)
