"""When Karpenter provisions: pods are gathered in a window, then placed in one round.

Follows Karpenter core ``pkg/controllers/provisioning/batcher.go`` and ``provisioner.go``.
"""

from __future__ import annotations

from dataclasses import dataclass

from pyscale.model.times import SECOND

from ..base import ClusterView

#: A pod that still waits starts a new window after this time.
REQUEUE_NS = 10 * SECOND


@dataclass(slots=True)
class Window:
    """The batching window.

    It opens with a pod that needs a place and closes when none has come for ``idle_ns``, at the
    latest after ``max_ns``.
    """

    idle_ns: int
    max_ns: int
    opened_ns: int = -1
    last_ns: int = -1
    requeue_ns: int = -1
    newest_pod: int = -1

    def is_over(self, view: ClusterView) -> bool:
        """Say whether a round is due; to be asked at every look."""
        now = view.now_ns
        if not view.n_pending:
            self.opened_ns = self.requeue_ns = -1
            return False
        newest = int(view.pending_pod.max())
        is_new = newest > self.newest_pod
        self.newest_pod = max(newest, self.newest_pod)
        if self.opened_ns < 0:
            if not is_new and now < self.requeue_ns:
                return False
            self.opened_ns = self.last_ns = now
        elif is_new:
            self.last_ns = now
        return now >= self.closes_ns

    @property
    def closes_ns(self) -> int:
        """When the open window closes if no other pod comes."""
        return min(self.last_ns + self.idle_ns, self.opened_ns + self.max_ns)

    def close(self, now_ns: int) -> None:
        """Note that a round has run."""
        self.opened_ns = -1
        self.requeue_ns = now_ns + REQUEUE_NS

    @property
    def wake_ns(self) -> int | None:
        """When there is something to do without a new pod, None if not at all."""
        if self.opened_ns >= 0:
            return self.closes_ns
        return self.requeue_ns if self.requeue_ns >= 0 else None
