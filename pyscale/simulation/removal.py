"""How nodes leave: cordon, evictions within the budgets, shutdown; and replacements first."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pyscale.kernel._engine import Engine
from pyscale.policies.base import BOOTING, DRAINING, READY, Int64s
from pyscale.policies.decision import ReplaceNodes
from pyscale.policies.disruption_budgets import BudgetTable

from .cloud import Cloud
from .events import Event
from .options import SimulationOptions
from .recorder import Recorder

GONE = 4


@dataclass(frozen=True, slots=True)
class _Drain:
    force: bool
    number: int


@dataclass(slots=True)
class _Replacement:
    action: ReplaceNodes
    waiting: set[int]
    is_open: bool = True


class Removal:
    """Nodes that are being drained or replaced.

    Parameters
    ----------
    engine : Engine
    cloud : Cloud
    budgets : BudgetTable
    options : SimulationOptions
    recorder : Recorder
    """

    def __init__(
        self,
        engine: Engine,
        cloud: Cloud,
        budgets: BudgetTable,
        options: SimulationOptions,
        recorder: Recorder,
    ) -> None:
        self._engine, self._cloud, self._budgets = engine, cloud, budgets
        self._options, self._recorder = options, recorder
        self._drains: dict[int, _Drain] = {}
        self._n_drains = 0
        self._replacements: list[_Replacement] = []
        self._replacement_of_node: dict[int, int] = {}

    def allowed(self) -> Int64s:
        """Return what each disruption budget allows now."""
        if not len(self._budgets):
            return np.empty(0, np.int64)
        return self._budgets.allowed(*self._engine.class_counts())

    def remove(
        self, node: int, grace_ns: int | None, force: bool, shrinks_group: bool = True
    ) -> bool:
        """Begin to remove a node; return whether that was possible."""
        engine, state = self._engine, self._engine.node_state(node)
        if state not in (BOOTING, READY):
            return False
        group = self._cloud.group_of(node)
        if group is not None and shrinks_group:
            if group.desired <= group.group.min_size:
                detail = f"the group keeps at least {group.group.min_size}"
                self._cloud.fail_node("MinSize", node, detail)
                return False
            group.desired -= 1
        self._cloud.leave_group(node)
        if state == BOOTING:
            self._shut_down(node)
            return True
        engine.drain(node, True)
        self._drains[node] = _Drain(force, self._n_drains)
        self._n_drains += 1
        if grace_ns is not None:
            engine.push(engine.now + grace_ns, Event.GRACE_OVER, node)
        self.evict_again(node)
        return True

    def evict_again(self, node: int) -> None:
        """Evict what the budgets allow; shut down if nothing is left."""
        if node not in self._drains:
            return
        left = self._evict(node, within_budgets=True)
        if left:
            engine = self._engine
            engine.push(engine.now + self._options.eviction_retry_ns, Event.EVICT_AGAIN, node)
        else:
            self._shut_down(node)

    def grace_over(self, node: int) -> None:
        """Evict the rest, or call the removal off."""
        drain = self._drains.get(node)
        if drain is None:
            return
        if drain.force:
            self._evict(node, within_budgets=False)
            self._shut_down(node)
            return
        del self._drains[node]
        self._engine.drain(node, False)
        group = self._cloud.group_of(node)
        if group is not None:
            group.desired += 1
            group.join(node, self._cloud.offer_of(node)[1])
        self._cloud.fail_node("DrainTimeout", node)

    def lose(self, node: int) -> bool:
        """The machine is taken back, whatever runs on it; False if it was gone already."""
        engine = self._engine
        if engine.node_state(node) == GONE:
            return False
        if engine.node_state(node) in (READY, DRAINING):
            self._evict(node, within_budgets=False)
        self._drains.pop(node, None)
        index = self._cloud.leave_group(node)
        if engine.node_state(node) in (BOOTING, READY, DRAINING):
            engine.terminate(node)
        self._cloud.give_back(node)
        self._replacement_fails(node)
        if index >= 0:
            self._cloud.fill(index)
        return True

    def launch_failed(self, node: int) -> bool:
        """A machine that never joins is given back; False if that was done before."""
        engine = self._engine
        if engine.node_state(node) != BOOTING:
            return False
        self._cloud.fail_node("LaunchFailed", node)
        index = self._cloud.leave_group(node)
        engine.terminate(node)
        self._cloud.give_back(node)
        self._replacement_fails(node)
        if index >= 0:
            self._cloud.fill(index)
        return True

    def machine_gone(self, node: int) -> None:
        """The machine of a drained node is shut down."""
        if self._engine.node_state(node) != GONE:
            self._cloud.give_back(node)

    def _shut_down(self, node: int) -> None:
        self._drains.pop(node, None)
        self._engine.terminate(node)
        self._engine.push(self._engine.now + self._options.shutdown_ns, Event.MACHINE_GONE, node)
        self._replacement_fails(node)

    def _evict(self, node: int, within_budgets: bool) -> bool:
        # Lowest id first; whether pods are left that are not daemons.
        engine = self._engine
        pods, classes = engine.tenants(node)
        n_pods = len(pods)
        if within_budgets and len(self._budgets):
            pods = self._allowed_of(pods, classes)
        self._recorder.n_evicted += len(pods)
        self._recorder.n_lost += engine.evict(pods)
        return len(pods) < n_pods

    def _allowed_of(self, pods: list[int], classes: list[int]) -> list[int]:
        # Each pod that goes takes one off what the budgets over it allow.
        allowed, of_class = self.allowed(), self._budgets.of_class
        chosen = []
        for pod, pod_class in zip(pods, classes, strict=True):
            budgets = of_class[pod_class]
            if any(allowed[budget] < 1 for budget in budgets):
                continue
            for budget in budgets:
                allowed[budget] -= 1
            chosen.append(pod)
        return chosen

    def replace(self, action: ReplaceNodes) -> list[int]:
        """Launch the new nodes and cordon the old ones; return the new nodes."""
        engine = self._engine
        old = [node for node in action.remove if engine.node_state(node) == READY]
        if not old:
            return []
        bought: list[int] = []
        number = len(self._replacements)
        is_whole = True
        for add in action.add:
            nodes = self._cloud.claim(add, watched=True)
            if nodes is None:
                is_whole = False
                break
            bought += nodes
        self._replacements.append(_Replacement(action, set(bought)))
        if not is_whole:
            self._replacements[number].is_open = False
            self._cloud.fail_node("ReplacementFailed", old[0])
            return bought
        for node in old:
            engine.cordon(node, True)
        for node in bought:
            self._replacement_of_node[node] = number
        if bought:
            engine.push(engine.now + action.timeout_ns, Event.REPLACEMENT_OVER, number)
        else:
            self._complete(self._replacements[number])
        return bought

    def joined(self, node: int) -> None:
        """A node that a replacement waits for is ready."""
        number = self._replacement_of_node.pop(node, None)
        if number is None:
            return
        replacement = self._replacements[number]
        replacement.waiting.discard(node)
        if replacement.is_open and not replacement.waiting:
            self._complete(replacement)

    def replacement_over(self, number: int) -> None:
        """Call a replacement off that took too long."""
        replacement = self._replacements[number]
        if not replacement.is_open:
            return
        replacement.is_open = False
        engine = self._engine
        old = [node for node in replacement.action.remove if engine.node_state(node) == READY]
        for node in old:
            engine.cordon(node, False)
        if old:
            self._cloud.fail_node("ReplacementFailed", old[0])

    def _complete(self, replacement: _Replacement) -> None:
        replacement.is_open = False
        for node in replacement.action.remove:
            if self._engine.node_state(node) == READY:
                self.remove(node, replacement.action.grace_ns, force=True)

    def _replacement_fails(self, node: int) -> None:
        number = self._replacement_of_node.pop(node, None)
        if number is not None:
            self.replacement_over(number)
