"""What Cluster Autoscaler remembers of groups: updates that find nothing new are cut short."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from pyscale.model.nodes import Node
from pyscale.model.times import MINUTE, SECOND
from pyscale.policies.cluster_autoscaler.cluster_state import ClusterState
from pyscale.policies.cluster_autoscaler.options import Options, group_options
from pyscale.policies.cluster_autoscaler.world import NO_PODS, Instance, NodeGroupRow, NodeRow

GROUPS = ("a", "b")


class Cloud:
    """Machines of two groups; some never register, some cannot be had."""

    def __init__(self) -> None:
        self.targets = dict.fromkeys(GROUPS, 2)
        self.machines = {group: [Instance(f"{group}{i}") for i in range(2)] for group in GROUPS}
        self.registered = [f"{group}{i}" for group in GROUPS for i in range(2)]
        self.version = 0
        self.time = 0
        self.listed: dict[str, list[NodeRow]] = {}

    def now(self) -> int:
        return self.time

    def instances(self, group: str) -> Sequence[Instance]:
        return self.machines[group]

    def target_size(self, group: str) -> int:
        return self.targets[group]

    def decrease_target(self, group: str, delta: int) -> str:
        self.targets[group] += delta
        return ""

    def rows(self) -> dict[str, list[NodeRow]]:
        found: dict[str, list[NodeRow]] = {}
        for name in self.registered:
            row = NodeRow(name, name[0], Node(name=name), (), False, True, 0, 0, NO_PODS)
            found.setdefault(row.group, []).append(row)
        return found

    def same_rows(self) -> dict[str, list[NodeRow]]:
        """Nodes by group; a group that has the same ones as in the last call has the same list."""
        before, self.listed = self.listed, self.rows()
        for group, own in self.listed.items():
            known = before.get(group, [])
            if [row.name for row in known] == [row.name for row in own]:
                self.listed[group] = known
        return self.listed

    def change(self, draw: np.random.Generator, number: int) -> None:
        group = GROUPS[draw.integers(2)]
        kind = draw.integers(8)
        if kind == 0:
            self.targets[group] += 1
        elif kind == 1:
            name = f"{group}-{number}"
            self.machines[group] = [*self.machines[group], Instance(name)]
            if draw.integers(2):
                self.registered.append(name)
                self.version += 1
        elif kind == 2 and self.registered:
            self.registered.pop(int(draw.integers(len(self.registered))))
            self.version += 1
        elif kind == 3:
            failed = Instance(f"{group}-none-{number}", error="OutOfResources")
            self.machines[group] = [*self.machines[group], failed]
        elif kind == 4 and self.machines[group]:
            self.machines[group] = self.machines[group][1:]
        elif kind > 4:
            self._settle()

    def _settle(self) -> None:
        """All that is wanted comes, and nothing else is there."""
        for group in GROUPS:
            names = [f"{group}{i}" for i in range(self.targets[group])]
            self.machines[group] = [Instance(name) for name in names]
        self.registered = [i.name for group in GROUPS for i in self.machines[group]]
        self.version += 1


def answers(state: ClusterState, now: int) -> list[object]:
    return [
        state.is_cluster_healthy(),
        state.upcoming(now),
        state.late_instances(now),
        state.failed_instances(),
        state.clocks(),
        *((state.is_safe_to_scale_up(g, now), state.is_scaling_up(g)) for g in GROUPS),
        *((state.registered(g), repr(state.incorrect_size(g))) for g in GROUPS),
    ]


@pytest.mark.parametrize("seed", range(20))
def test_cut_short_updates_find_what_whole_ones_find(seed: int) -> None:
    draw = np.random.default_rng(seed)
    options = Options()
    own = group_options(options, {})
    clouds = Cloud(), Cloud()
    states = [ClusterState(options, cloud, lambda group: own) for cloud in clouds]  # type: ignore[arg-type]
    cut_short = 0
    for step in range(150):
        rolls = int(draw.integers(2**32)) if draw.integers(5) == 0 else None
        event, group = int(draw.integers(40)), GROUPS[draw.integers(2)]
        passed = int(draw.integers(1, 4)) * (2 * MINUTE if draw.integers(5) == 0 else 10 * SECOND)
        found = []
        for cloud, state in zip(clouds, states, strict=True):
            cloud.time += passed
            now = cloud.time
            if rolls is not None:
                cloud.change(np.random.default_rng(rolls), step)
            if event == 0:
                cloud.targets[group] += 1
                state.register_scale_up(group, 1, now)
                state.recalculate(now)
            elif event == 1:
                state.register_scale_down(group, now)
            elif event == 2:
                state.register_failed_scale_up(group, now)
            elif event == 3:  # a resize that does not last
                cloud.targets[group] += 1
                state.recalculate(now)
                cloud.targets[group] -= 1
            if state is states[1]:
                state._known_targets = None
                nodes = cloud.rows()
            else:
                cut_short += state._known_targets == cloud.targets
                nodes = cloud.same_rows()
            rows = [NodeGroupRow(g, 0, 9, cloud.targets[g], None) for g in GROUPS]
            state.update(nodes, cloud.version, rows, now)
            found.append(answers(state, now))
        assert found[0] == found[1]
        assert clouds[0].targets == clouds[1].targets
    assert cut_short
