"""Usage of containers, gathered into aggregates: CPU samples, memory peaks, OOM events.

Follows kubernetes/autoscaler ``vertical-pod-autoscaler/pkg/recommender/model``: ``container.go``
and ``aggregate_container_state.go``.  CPU is in millicores, memory in bytes, times in seconds
since the Unix epoch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ...kernel._histogram import HistogramBank

DAY = 86_400
MOST = 10**14
"""No amount is larger (upstream's ``MaxResourceAmount``)."""

_CPU_WEIGHT = 0.1
_MEMORY_WEIGHT = 1.0
_RATIO = 1.05
_EPSILON = 1e-4


def cpu_bank(half_life: int) -> HistogramBank:
    """Return a bank of CPU histograms in cores: 10 millicores to 1000 cores."""
    return HistogramBank(0.01, 1000.0, _RATIO, _EPSILON, half_life)


def memory_bank(half_life: int) -> HistogramBank:
    """Return a bank of memory histograms in bytes: 10 MB to 1 TB."""
    return HistogramBank(1e7, 1e12, _RATIO, _EPSILON, half_life)


def amount(value: float) -> int:
    """Return an amount as upstream keeps it: truncated, from 0 to :data:`MOST`; NaN is 0."""
    if value > MOST:
        return MOST
    return int(value) if value > 0 else 0


def scaled(base: int, factor: float) -> int:
    """Return ``base`` times a float, as an amount."""
    return amount(float(base) * factor)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What survives a restart of the recommender; slightly lossy, as upstream's is."""

    cpu: tuple[dict[int, int], float, int | None]
    memory: tuple[dict[int, int], float, int | None]
    first_sample: int | None
    last_sample: int | None
    n_samples: int


class Banks:
    """The CPU and memory histograms of one recommender; an aggregate is a row in both."""

    def __init__(self, half_life: int) -> None:
        self.cpu = cpu_bank(half_life)
        self.memory = memory_bank(half_life)

    def new(self) -> Aggregate:
        """Return a new, empty aggregate."""
        row = self.cpu.new()
        self.memory.new()
        return Aggregate(self, row)


@dataclass(slots=True)
class Aggregate:
    """Usage of all containers with one name in pods with one label set."""

    banks: Banks
    row: int
    first_sample: int | None = None
    last_sample: int | None = None
    n_samples: int = 0

    def note_cpu_sample(self, time: int) -> None:
        """Extend the history; memory samples do not."""
        first, last = self.first_sample, self.last_sample
        self.first_sample = time if first is None else min(first, time)
        self.last_sample = time if last is None else max(last, time)
        self.n_samples += 1

    def merge(self, other: Aggregate) -> None:
        """Add everything of ``other``."""
        self.banks.cpu.merge(self.row, other.banks.cpu, other.row)
        self.banks.memory.merge(self.row, other.banks.memory, other.row)
        self.n_samples += other.n_samples
        if other.first_sample is not None and (
            self.first_sample is None or other.first_sample < self.first_sample
        ):
            self.first_sample = other.first_sample
        if other.last_sample is not None and (
            self.last_sample is None or other.last_sample > self.last_sample
        ):
            self.last_sample = other.last_sample

    def save(self) -> Checkpoint:
        """Return a checkpoint."""
        return Checkpoint(
            self.banks.cpu.save(self.row),
            self.banks.memory.save(self.row),
            self.first_sample,
            self.last_sample,
            self.n_samples,
        )

    def load(self, checkpoint: Checkpoint) -> None:
        """Take over a checkpoint into this empty aggregate."""
        self.banks.cpu.load(self.row, *checkpoint.cpu)
        self.banks.memory.load(self.row, *checkpoint.memory)
        self.first_sample = checkpoint.first_sample
        self.last_sample = checkpoint.last_sample
        self.n_samples = checkpoint.n_samples

    @property
    def confidence(self) -> float:
        """Days of history: its length or its number of samples, whichever is less."""
        if self.first_sample is None or self.last_sample is None:
            return 0.0
        return min((self.last_sample - self.first_sample) / DAY, self.n_samples / 1440.0)


@dataclass(slots=True)
class ContainerUsage:
    """One container of one pod, feeding its aggregate."""

    aggregate: Aggregate
    last_cpu: int | None = None
    last_memory: int | None = None
    window_end: int | None = None
    memory_peak: int = 0
    oom_peak: int = 0

    def add_cpu(self, time: int, millicores: int) -> bool:
        """Add a sample; False if it is discarded (negative, or not newer than the last)."""
        if millicores < 0 or (self.last_cpu is not None and time <= self.last_cpu):
            return False
        banks = self.aggregate.banks
        banks.cpu.add(self.aggregate.row, millicores / 1000.0, _CPU_WEIGHT, time)
        self.aggregate.note_cpu_sample(time)
        self.last_cpu = time
        return True

    def add_memory(self, time: int, value: int, is_oom: bool = False) -> bool:
        """Add a sample; only the peak of each 24 h window counts, stamped at the window's end."""
        if value < 0 or (not is_oom and self.last_memory is not None and time < self.last_memory):
            return False
        self.last_memory = time
        if self.window_end is None:
            self.window_end = time
        bank, row = self.aggregate.banks.memory, self.aggregate.row
        if time < self.window_end:
            peak = max(self.memory_peak, self.oom_peak)
            # A window whose first peak is 0 never takes another sample, as upstream.
            if peak == 0 or value <= peak:
                return True
            bank.subtract(row, float(peak), _MEMORY_WEIGHT, self.window_end)
        else:
            self.window_end += (time - self.window_end) // DAY * DAY + DAY
            self.memory_peak = self.oom_peak = 0
        bank.add(row, float(value), _MEMORY_WEIGHT, self.window_end)
        if is_oom:
            self.oom_peak = value
        else:
            self.memory_peak = value
        return True

    def add_oom(self, time: int, request: int, min_bump_up: float, bump_up_ratio: float) -> bool:
        """Add an OOM event as a memory sample; False if it is older than the window."""
        if self.window_end is not None and time < self.window_end - DAY:
            return False
        used = max(request, self.memory_peak)
        needed = max(used + amount(min_bump_up), scaled(used, bump_up_ratio))
        return self.add_memory(time, needed, is_oom=True)


@dataclass(slots=True)
class UsageModel:
    """All aggregates and live containers of a recommender.

    An aggregate's identity is the container's name and the pod's labels; ``initial`` holds what
    checkpoints brought, by (VPA, container).
    """

    half_life: int
    banks: Banks = field(init=False)
    aggregates: dict[tuple[str, tuple[tuple[str, str], ...]], Aggregate] = field(init=False)
    containers: dict[tuple[str, str], ContainerUsage] = field(init=False)
    initial: dict[tuple[str, str], Aggregate] = field(init=False)

    def __post_init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Forget everything, as a restart does."""
        self.banks = Banks(self.half_life)
        self.aggregates = {}
        self.containers = {}
        self.initial = {}

    def add_pod(self, pod: str, labels: Mapping[str, str], containers: tuple[str, ...]) -> None:
        """Start to observe the containers of a pod."""
        for name in containers:
            identity = (name, tuple(sorted(labels.items())))
            if identity not in self.aggregates:
                self.aggregates[identity] = self.banks.new()
            if (pod, name) not in self.containers:
                self.containers[pod, name] = ContainerUsage(self.aggregates[identity])

    def delete_pod(self, pod: str) -> None:
        """Stop observing a pod; its aggregates stay."""
        for key in [key for key in self.containers if key[0] == pod]:
            del self.containers[key]

    def merged(self, vpa: str, selector: Mapping[str, str]) -> dict[str, Aggregate]:
        """Return the aggregates under a selector, merged by container name, in their order.

        Upstream merges in map order; here it is the order in which they were first seen.
        """
        parts = [
            (name, aggregate)
            for (name, labels), aggregate in self.aggregates.items()
            if selector.items() <= dict(labels).items()
        ]
        parts += [(name, it) for (owner, name), it in self.initial.items() if owner == vpa]
        scratch = Banks(self.half_life)
        result: dict[str, Aggregate] = {}
        for name, aggregate in parts:
            if name not in result:
                result[name] = scratch.new()
            result[name].merge(aggregate)
        return result
