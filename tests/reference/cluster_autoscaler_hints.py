"""The hinting simulator and the removal of a node, pod by pod, as the specification writes them."""

from __future__ import annotations

import numpy as np

from pyscale.kernel._hints import Hints
from pyscale.kernel._removals import BLOCKED, REMOVABLE
from pyscale.policies.cluster_autoscaler.classes import ClassTable
from pyscale.policies.cluster_autoscaler.kernel_placement import KernelPlacement
from pyscale.policies.cluster_autoscaler.world import PodList, PodsByNode

MAX_FAILED_SHAPES = 10
SKIPPED, MOVED, WAITS, BLOCKS = 1, 2, 3, 4


class Hinted:
    """Places pods ``(id, key, class)`` by priority, hints first, then by rotating scan.

    Parameters
    ----------
    placement : KernelPlacement
        Asked one question at a time.
    """

    def __init__(self, placement: KernelPlacement) -> None:
        self.placement = placement
        self.pods: dict[int, list] = {}
        self.names: dict[int, str] = {}
        self.current: dict[int, str] = {}
        self.old: dict[int, str] = {}

    def add_node(self, node, name, pods) -> int:
        handle = self.placement.add_node(node, name, own=[pod_class for _, _, pod_class in pods])
        self.pods[handle], self.names[handle] = list(pods), name
        return handle

    def drop_old(self) -> None:
        self.old, self.current = self.current, {}

    def place(self, pods, usable, accepted, stop=False) -> dict[int, int]:
        """Return the node of every pod placed."""
        placed: dict[int, int] = {}
        failed: dict[str, set[int]] = {}
        for priority in sorted({c.effective_priority for _, _, c in pods}, reverse=True):
            level = [pod for pod in pods if pod[2].effective_priority == priority]
            for pod in level:
                node = self._hinted(pod, usable)
                if node is not None:
                    placed[pod[0]] = node
            for pod in level:
                if pod[0] in placed:
                    continue
                node = self._anywhere(pod, accepted, failed)
                if node is not None:
                    placed[pod[0]] = node
                elif stop:
                    break
        return placed

    def _hinted(self, pod, usable) -> int | None:
        name = self.current.get(pod[1]) or self.old.get(pod[1])
        node = next((n for n, own in self.names.items() if own == name), None)
        if node is None or not usable[node]:
            return None
        if self.placement.refusal(pod[2], node) is not None:
            return None
        return self._settle(pod, node)

    def _anywhere(self, pod, accepted, failed) -> int | None:
        uid, shape = pod[2].controller_uid, pod[2].shape
        known = failed.setdefault(uid, set()) if uid is not None else set()
        if shape in known:
            return None
        node = self.placement.scan(pod[2], accepted)
        if node is not None:
            return self._settle(pod, node)
        if uid is not None and not pod[2].is_daemon_set and len(known) < MAX_FAILED_SHAPES:
            known.add(shape)
        return None

    def _settle(self, pod, node) -> int:
        self.placement.place(pod[2], node)
        self.pods[node].append(pod)
        self.current[pod[1]] = self.names[node]
        return node

    def remove(self, node, usable, accepted, outcomes):
        """Return what became of a node: ("moved", nodes by pod), ("blocked", pod) or ("stays",)."""
        moved, waits = [], False
        for pod in self.pods[node]:
            outcome = outcomes[pod[2].index]
            if outcome >= BLOCKS:
                return "blocked", pod[0]
            waits |= outcome == WAITS
            if outcome == MOVED and not pod[2].is_daemon_set:
                moved.append(pod)
        before = {handle: list(pods) for handle, pods in self.pods.items()}
        self.placement.fork()
        for _, _, pod_class in self.pods[node]:
            self.placement.state.remove_pod(self.placement.class_id(pod_class), node)
        others_usable, others_accepted = usable.copy(), accepted.copy()
        others_usable[node] = others_accepted[node] = False
        placed = self.place(moved, others_usable, others_accepted, stop=True)
        if len(placed) < len(moved):
            self.placement.revert()
            self.pods = before
            return ("stays",)
        self.placement.remove_node(node)
        self.placement.commit()
        del self.names[node], self.pods[node]
        usable[node] = accepted[node] = False
        return "moved", placed, waits


class Pair:
    """The same cluster twice: for the kernel, and for the twin."""

    def __init__(self, cluster, templates):
        self.table = ClassTable()
        self.classes = [self.table.add(i, each) for i, each in enumerate(templates)]
        self.placement, self.twin = KernelPlacement(), Hinted(KernelPlacement())
        for pod_class in self.classes:
            self.placement.class_id(pod_class)
        self.hints, self.n_pods = Hints(), 0
        for number, (node, kinds) in enumerate(cluster):
            pods = self.pods(kinds)
            name = f"n{number}"
            self.placement.add_nodes(
                [node], [name], PodsByNode.of([self.columns(pods)]), self.classes
            )
            self.twin.add_node(node, name, pods)

    def pods(self, kinds, keys=None):
        """New pods; those of the same key share a hint."""
        found = []
        for place, kind in enumerate(kinds):
            pod_class = self.classes[kind % len(self.classes)]
            key = self.n_pods if keys is None else keys[place % len(keys)]
            found.append((self.n_pods, key, pod_class))
            self.n_pods += 1
        return found

    @staticmethod
    def columns(pods):
        return PodList(
            np.array([pod for pod, _, _ in pods], np.int64),
            np.array([key for _, key, _ in pods], np.int64),
            np.array([pod_class.index for _, _, pod_class in pods], np.int32),
        )

    def contents(self):
        """What either thinks is on the nodes."""
        ours = {n: list(self.placement.content(n)) for n in self.twin.names}
        return ours, {n: [pod for pod, _, _ in self.twin.pods[n]] for n in self.twin.names}


def no_question(pod, index):
    raise AssertionError("every class has an outcome")


def assert_removals_agree(pair, usable, outcomes, told_after, rounds=2):
    """Try to remove every node, and compare what comes of it."""
    placement, twin = pair.placement, pair.twin
    accepting = usable & placement.open_nodes
    codes = np.array(outcomes, np.int8)
    found = []
    for _ in range(rounds):
        placement.fork()
        twin.placement.fork()
        before = {node: list(pods) for node, pods in twin.pods.items()}, dict(twin.names)
        masks = [mask.copy() for mask in (usable, accepting)]
        for mask in (usable, accepting):
            masks.append(twin.placement.mask())
            masks[-1][: len(twin.pods)] = mask[: len(twin.pods)]
        removal = placement.begin_removals(pair.hints, masks[0], masks[1], codes, no_question)
        for number, node in enumerate(list(twin.names)):
            status = removal.remove(node)
            found.append(status)
            expected = twin.remove(node, masks[2], masks[3], outcomes)
            if status == REMOVABLE:
                pods, _, to = removal.moves(removal.first)
                placed = dict(zip(pods.tolist(), to.tolist(), strict=True))
                assert expected == ("moved", placed, removal.waits)
                assert removal.moves()[0][removal.first : removal.last].tolist() == pods.tolist()
            elif status == BLOCKED:
                assert expected == ("blocked", removal.blocking)
            else:
                assert expected == ("stays",)
            assert placement.last_match == twin.placement.last_match
            for mine, other in zip(masks[:2], masks[2:], strict=True):
                assert np.flatnonzero(mine).tolist() == np.flatnonzero(other).tolist()
            if number >= told_after:
                removal.publish()
                ours, theirs = pair.contents()
                assert ours == theirs
        placement.revert()
        twin.placement.revert()
        twin.pods, twin.names = before
        pair.hints.drop_old()
        twin.drop_old()
        assert pair.contents()[0] == pair.contents()[1]
    return found
