"""The scheduling queue in virtual time: priority, backoff, flushes, gates, events.

Follows ``S/backend/queue/scheduling_queue.go``, ``backoff_queue.go`` and
``P/queuesort/priority_sort.go`` of kubernetes 1.36.  Times are int64 nanoseconds; nobody reads a
clock here: the caller says what time it is.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

SECOND = 1_000_000_000


@dataclass(frozen=True)
class QueueOptions:
    """Durations of the queue.

    Attributes
    ----------
    initial_backoff_ns, max_backoff_ns : int
        podInitialBackoffSeconds and podMaxBackoffSeconds.
    flush_interval_ns : int
        How often pods are looked for that wait too long.
    max_unschedulable_ns : int
        How long a pod waits for an event before it is tried again anyway.
    """

    initial_backoff_ns: int = SECOND
    max_backoff_ns: int = 10 * SECOND
    flush_interval_ns: int = 30 * SECOND
    max_unschedulable_ns: int = 300 * SECOND

    def __post_init__(self) -> None:
        if not 0 <= self.initial_backoff_ns <= self.max_backoff_ns:
            raise ValueError(
                f"max_backoff_ns must be at least initial_backoff_ns = {self.initial_backoff_ns}, "
                f"found {self.max_backoff_ns}"
            )
        for name in ("flush_interval_ns", "max_unschedulable_ns"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be >= 1, found {getattr(self, name)}")

    def backoffs(self) -> tuple[int, ...]:
        """Return how long a pod backs off after its first failure, its second, and so on."""
        durations = [min(self.initial_backoff_ns, self.max_backoff_ns)]
        while 0 < durations[-1] < self.max_backoff_ns:
            durations.append(min(2 * durations[-1], self.max_backoff_ns))
        return tuple(durations)


@dataclass
class QueuedPod:
    """A pod in the queue.

    Attributes
    ----------
    key : str
    priority : int
    sequence : int
        Order of arrival; settles what priority and timestamp leave open.
    timestamp_ns : int
        When it was added, or last failed.
    gates : tuple of str
        Scheduling gates; with any, the pod is not tried.
    unschedulable_count, consecutive_errors, attempts : int
    rejectors : frozenset of str
        Plugins that refused it last.
    """

    key: str
    priority: int
    sequence: int
    timestamp_ns: int
    gates: tuple[str, ...] = ()
    unschedulable_count: int = 0
    consecutive_errors: int = 0
    attempts: int = 0
    rejectors: frozenset[str] = frozenset()
    place: str = field(default="", compare=False)

    @property
    def order(self) -> tuple[int, int, int]:
        """Higher priority first, then longer waiting, then earlier arrival."""
        return -self.priority, self.timestamp_ns, self.sequence


ACTIVE, BACKOFF, ERROR_BACKOFF, UNSCHEDULABLE, IN_FLIGHT = (
    "active",
    "backoff",
    "error-backoff",
    "unschedulable",
    "in-flight",
)
Hint = Callable[[QueuedPod], bool]


class SchedulingQueue:
    """Pods that wait to be scheduled.

    Operations are O(log pods), but for events and flushes, which look at every parked pod.
    """

    def __init__(self, options: QueueOptions | None = None) -> None:
        self.options = options or QueueOptions()
        self.pods: dict[str, QueuedPod] = {}
        self._active: list[tuple[tuple[int, int, int], str]] = []
        self._backoff: list[tuple[int, tuple[int, int, int], str]] = []
        self._error_backoff: list[tuple[int, tuple[int, int, int], str]] = []
        self._in_flight: dict[str, list[Hint]] = {}
        self._n_added = 0
        self._last_flush_ns = 0

    def __len__(self) -> int:
        return len(self.pods)

    # --- pods come and go ---

    def add(self, key: str, priority: int, now_ns: int, gates: Iterable[str] = ()) -> None:
        """Add a new pod; one with gates is parked until they are gone."""
        if key in self.pods:
            raise ValueError(f"pod {key!r} is in the queue already")
        pod = QueuedPod(key, priority, self._n_added, now_ns, tuple(gates))
        self._n_added += 1
        self.pods[key] = pod
        if pod.gates:
            pod.place = UNSCHEDULABLE
        else:
            self._activate(pod)

    def remove(self, key: str) -> None:
        """Forget a pod: it was deleted, or bound."""
        self.pods.pop(key, None)
        self._in_flight.pop(key, None)

    def set_gates(self, key: str, gates: Iterable[str], now_ns: int) -> None:
        """Change a pod's gates; once the list is empty the pod is tried (no backoff)."""
        pod = self.pods[key]
        was_gated, pod.gates = bool(pod.gates), tuple(gates)
        if was_gated and not pod.gates and pod.place == UNSCHEDULABLE:
            self._requeue(pod, now_ns)

    # --- the loop ---

    def pop(self, now_ns: int) -> str | None:
        """Return the next pod to be tried, None if there is none.

        With no active pod the first one that backs off is tried at once; pods that back off after
        an internal error are not.
        """
        self.flush(now_ns)
        pod = self._first(self._active, ACTIVE) or self._first(self._backoff, BACKOFF)
        if pod is None:
            return None
        pod.place = IN_FLIGHT
        pod.attempts += 1
        self._in_flight[pod.key] = []
        return pod.key

    def fail(self, key: str, rejectors: Iterable[str], now_ns: int) -> None:
        """Take back a pod that was popped and found no node.

        Parameters
        ----------
        key : str
        rejectors : iterable of str
            Plugins that refused it; none stands for an internal error.
        now_ns : int
        """
        pod = self.pods[key]
        seen = self._in_flight.pop(key, [])
        pod.rejectors = frozenset(rejectors)
        pod.timestamp_ns = now_ns
        if not pod.rejectors:
            pod.consecutive_errors += 1
            pod.place = ERROR_BACKOFF
            heapq.heappush(self._error_backoff, (self._expiry(pod), pod.order, pod.key))
            return
        pod.unschedulable_count += 1
        pod.consecutive_errors = 0
        if any(hint(pod) for hint in seen):
            self._requeue(pod, now_ns)
        else:
            pod.place = UNSCHEDULABLE

    def event(self, hint: Hint, now_ns: int) -> list[str]:
        """Tell the queue that something happened that may help pods.

        Parameters
        ----------
        hint : callable
            Takes a :class:`QueuedPod` and says whether it is worth trying again; see ``events.py``.
        now_ns : int

        Returns
        -------
        list of str
            The pods that left the parking place.  Pods being tried are asked again if they fail.
        """
        moved = []
        for pod in self._in_order(UNSCHEDULABLE):
            if not pod.gates and hint(pod):
                self._requeue(pod, now_ns)
                moved.append(pod.key)
        for hints in self._in_flight.values():
            hints.append(hint)
        return moved

    def flush(self, now_ns: int) -> None:
        """Move pods whose backoff is over, and those that wait too long."""
        for heap, place in ((self._backoff, BACKOFF), (self._error_backoff, ERROR_BACKOFF)):
            while heap and not self._is_backing_off(heap[0][0], now_ns):
                _, order, key = heapq.heappop(heap)
                pod = self.pods.get(key)
                if pod is not None and pod.place == place and pod.order == order:
                    self._activate(pod)
        if now_ns - self._last_flush_ns >= self.options.flush_interval_ns:
            self._last_flush_ns = now_ns - now_ns % self.options.flush_interval_ns
            for pod in self._in_order(UNSCHEDULABLE):
                waited = now_ns - pod.timestamp_ns
                if not pod.gates and waited > self.options.max_unschedulable_ns:
                    self._requeue(pod, now_ns)

    def next_time(self, now_ns: int) -> int | None:
        """Return when :meth:`pop` may next give a pod if nothing else happens; None: never."""
        if self._first(self._active, ACTIVE, take=False) or self._first(
            self._backoff, BACKOFF, take=False
        ):
            return now_ns
        times = []
        if self._first(self._error_backoff, ERROR_BACKOFF, take=False):
            times.append(self._error_backoff[0][0] + SECOND)
        interval = self.options.flush_interval_ns
        for pod in self._in_order(UNSCHEDULABLE):
            if not pod.gates:
                due = pod.timestamp_ns + self.options.max_unschedulable_ns + 1
                times.append(-(-due // interval) * interval)
        return max(min(times), now_ns) if times else None

    # --- inside ---

    def backoff_ns(self, pod: QueuedPod) -> int:
        """Return how long a pod backs off after its last failure."""
        count = pod.consecutive_errors or pod.unschedulable_count
        if count == 0:
            return 0
        durations = self.options.backoffs()
        return durations[min(count, len(durations)) - 1]

    def _expiry(self, pod: QueuedPod) -> int:
        expiry = pod.timestamp_ns + self.backoff_ns(pod)
        return expiry - expiry % SECOND

    @staticmethod
    def _is_backing_off(expiry_ns: int, now_ns: int) -> bool:
        return expiry_ns >= now_ns - now_ns % SECOND

    def _activate(self, pod: QueuedPod) -> None:
        pod.place = ACTIVE
        heapq.heappush(self._active, (pod.order, pod.key))

    def _requeue(self, pod: QueuedPod, now_ns: int) -> None:
        expiry = self._expiry(pod)
        backs_off = self.backoff_ns(pod) > 0
        if backs_off and self._is_backing_off(expiry, now_ns):
            pod.place = BACKOFF
            heapq.heappush(self._backoff, (expiry, pod.order, pod.key))
        else:
            self._activate(pod)

    def _first(self, heap: list, place: str, take: bool = True) -> QueuedPod | None:  # type: ignore[type-arg]
        """The first pod of a heap that is still there; entries that are not are dropped."""
        while heap:
            order, key = heap[0][-2:]
            pod = self.pods.get(key)
            if pod is not None and pod.place == place and pod.order == order:
                if take:
                    heapq.heappop(heap)
                return pod
            heapq.heappop(heap)
        return None

    def _in_order(self, place: str) -> list[QueuedPod]:
        return sorted((p for p in self.pods.values() if p.place == place), key=lambda p: p.order)
