"""How a run went over time, as step functions made from its columns when somebody asks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pyscale.policies.base import Int64s

from .clock import HOUR

if TYPE_CHECKING:
    from .result import Result


@dataclass(frozen=True, slots=True)
class Steps:
    """``values[i]`` holds from ``times_ns[i]`` to the next time; the first time is 0."""

    times_ns: Int64s
    values: NDArray[Any]

    def at(self, times_ns: Int64s) -> NDArray[Any]:
        """Return the values at given times."""
        return self.values[np.searchsorted(self.times_ns, times_ns, side="right") - 1]


def steps(times: Int64s, changes: Int64s, end_ns: int) -> Steps:
    """Return the running sum of changes at times; those after ``end_ns`` are left out."""
    inside = times <= end_ns
    order = np.argsort(times[inside], kind="stable")
    times, changes = times[inside][order], changes[inside][order]
    unique, first = np.unique(np.concatenate((np.zeros(1, np.int64), times)), return_index=True)
    total = np.cumsum(np.concatenate((np.zeros(1, np.int64), changes)))
    last = np.concatenate((first[1:], [len(total)])) - 1
    return Steps(unique, total[last])


def _present(begins: Int64s, ends: Int64s, end_ns: int, weights: Int64s | None = None) -> Steps:
    # Running sum over intervals [begin, end); an end of -1 is open.
    begins = np.asarray(begins, np.int64)
    amounts = np.ones(len(begins), np.int64) if weights is None else weights
    closed = ends >= 0
    times = np.concatenate((begins, ends[closed]))
    return steps(times, np.concatenate((amounts, -amounts[closed])), end_ns)


class Series:
    """The curves of one result.  Each is O(n log n) in the pods or nodes it is made from."""

    def __init__(self, result: Result) -> None:
        self._result = result

    def pending_pods(self) -> Steps:
        """Return how many pods pend."""
        pods, end = self._result.pods, self._result.end_ns
        chosen = ~pods.is_daemon
        return _present(pods.created_ns[chosen], pods.pended_until_ns[chosen], end)

    def running_pods(self) -> Steps:
        """Return how many pods run, daemons left out."""
        pods, end = self._result.pods, self._result.end_ns
        chosen = ~pods.is_daemon & (pods.bound_ns >= 0)
        return _present(pods.bound_ns[chosen], pods.ended_ns[chosen], end)

    def nodes(self) -> Steps:
        """Return how many machines there are."""
        nodes = self._result.nodes
        return _present(nodes.created_ns, nodes.gone_ns, self._result.end_ns)

    def nodes_by_type(self) -> dict[str, Steps]:
        """Return how many machines of each instance type there are, most node-hours first.

        Machines that were not bought are under the empty name.
        """
        result = self._result
        names = np.array([kind.instance_type for kind in result.kinds], object)
        found: dict[str, tuple[float, Steps]] = {}
        lives = result.nodes.until_ns(result.end_ns) - result.nodes.created_ns
        of_node = names[result.nodes.kind] if len(names) else names
        for name in sorted(set(of_node.tolist())):
            mine = of_node == name
            curve = _present(
                result.nodes.created_ns[mine], result.nodes.gone_ns[mine], result.end_ns
            )
            found[name] = float(lives[mine].sum(dtype=np.float64)), curve
        ranked = sorted(found.items(), key=lambda item: (-item[1][0], item[0]))
        return {name: curve for name, (_, curve) in ranked}

    def cost_usd(self, n_points: int = 500) -> Steps:
        """Return what was spent up to evenly spaced times, in US dollars.

        Bills are spread over the machine's life; the minimum bill shows at its end.
        """
        result = self._result
        points = np.linspace(0, result.end_ns, n_points + 1).astype(np.int64)
        shares = np.zeros(len(points))
        for cost, begin, until in zip(
            result.node_cost_nano.tolist(),
            result.nodes.created_ns.tolist(),
            result.nodes.until_ns(result.end_ns).tolist(),
            strict=True,
        ):
            if cost:
                length = max(until - begin, 1)
                shares += cost * np.clip((points - begin) / length, 0.0, 1.0)
        return Steps(points, shares / 1e9)

    def cost_rate_usd(self) -> Steps:
        """Return US dollars per hour, each machine at its mean price."""
        result = self._result
        until = result.nodes.until_ns(result.end_ns)
        lives = np.maximum(until - result.nodes.created_ns, 1)
        rate = (result.node_cost_nano * (HOUR / lives)).astype(np.int64)
        curve = _present(result.nodes.created_ns, result.nodes.gone_ns, result.end_ns, rate)
        return Steps(curve.times_ns, curve.values / 1e9)

    def pending_time_ns(self) -> Int64s:
        """Return how long each pod pended, sorted."""
        return np.sort(self._result.pods.waiting_ns(self._result.end_ns))

    def requested(self, resource: str) -> Steps:
        """Return the requests of running pods, daemons left out, in units of the resource."""
        result = self._result
        row = result.resources.index(resource)
        pods = result.pods
        chosen = ~pods.is_daemon & (pods.bound_ns >= 0)
        weights = result.requests[row][pods.class_id[chosen]]
        return _present(pods.bound_ns[chosen], pods.ended_ns[chosen], result.end_ns, weights)

    def allocatable(self, resource: str) -> Steps:
        """Return what all machines together offer, from the purchase on."""
        result = self._result
        row = result.resources.index(resource)
        nodes = result.nodes
        weights = result.allocatable[row][nodes.kind]
        return _present(nodes.created_ns, nodes.gone_ns, result.end_ns, weights)

    def utilisation(self, resource: str) -> Steps:
        """Return requested over allocatable, 0 while there is no machine."""
        need, room = self.requested(resource), self.allocatable(resource)
        times = np.union1d(need.times_ns, room.times_ns)
        used, most = need.at(times).astype(np.float64), room.at(times).astype(np.float64)
        return Steps(times, np.divide(used, most, out=np.zeros(len(times)), where=most > 0))
