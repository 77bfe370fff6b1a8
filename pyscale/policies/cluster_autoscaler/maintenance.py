"""What an iteration puts right before it looks at pods: instances that failed or never came.

Specification section 2, step 8; upstream ``core/static_autoscaler.go``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from .cluster_state import ClusterState
from .options import GroupOptions, Options
from .world import NodeGroupRow, World


class Maintenance:
    """Removes instances and corrects targets, by what the cluster state says.

    Parameters
    ----------
    options : Options
    state : ClusterState
    world : World
    group_options : callable
        Options of a node group, by its name.
    """

    def __init__(
        self,
        options: Options,
        state: ClusterState,
        world: World,
        group_options: Callable[[str], GroupOptions],
    ) -> None:
        self._options = options
        self._state = state
        self._world = world
        self._options_of = group_options

    def run(self, rows: Sequence[NodeGroupRow], now: int) -> bool:
        """Put right what can be; return whether the iteration goes on."""
        self._remove_late_instances(rows, now)
        if not self._state.is_cluster_healthy():
            return False
        self._remove_failed_instances(now)
        fixed = False
        for group in rows:
            wrong = self._state.incorrect_size(group.name)
            if wrong is None or wrong.current >= wrong.expected:
                continue
            if wrong.since + self._options_of(group.name).max_node_provision_time < now:
                if self._world.decrease_target(group.name, wrong.current - wrong.expected):
                    return False
                fixed = True
        return not fixed

    def _remove_late_instances(self, groups: Sequence[NodeGroupRow], now: int) -> None:
        force = self._options.force_delete_unregistered_nodes
        late = self._state.late_instances(now)
        for group in groups if late else ():
            name = group.name
            names = late.get(name)
            if not names:
                continue
            if not force:
                possible = self._world.target_size(name) - group.min_size
                if possible <= 0:
                    continue
                names = names[:possible]
            names = self._all_if_atomic(name, names)
            error = self._world.delete_nodes(name, names, force=force)
            self._state.invalidate_instances(name)
            if error:
                return

    def _remove_failed_instances(self, now: int) -> None:
        """Delete what reports a creation error; a group that refuses is not listed afresh."""
        force = self._options.force_delete_failed_nodes
        removed = False
        for name, failed in self._state.failed_instances().items():
            names = self._all_if_atomic(name, failed)
            if not self._world.delete_nodes(name, names, force=force):
                self._state.invalidate_instances(name)
                removed = True
        if removed:
            self._state.recalculate(now)

    def _all_if_atomic(self, group: str, names: list[str]) -> list[str]:
        own = self._options_of(group)
        if own.zero_or_max_node_scaling and not own.allow_non_atomic_scale_up_to_max:
            return [instance.name for instance in self._world.instances(group)]
        return names
