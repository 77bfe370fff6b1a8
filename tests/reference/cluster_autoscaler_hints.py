"""The hinting simulator and the removal of a node, pod by pod, as the specification writes them."""

from __future__ import annotations

from pyscale.policies.cluster_autoscaler.kernel_placement import KernelPlacement

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
