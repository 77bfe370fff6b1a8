"""From numbers of replicas over time to pods that come and go."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pyscale.model.pod_table import NEVER


def follow(wanted: NDArray[np.int64], window: int, tolerance: int) -> NDArray[np.int64]:
    """Return the replicas of an autoscaler that grows at once and shrinks late.

    Parameters
    ----------
    wanted : ndarray of int64, shape (n_steps, n_workloads)
        Replicas that the load calls for at each step.
    window : int
        Steps over which the largest wish counts before shrinking.
    tolerance : int
        A change of at most one part in ``tolerance`` is left out.

    Returns
    -------
    ndarray of int64, shape (n_steps, n_workloads)
    """
    replicas = np.empty_like(wanted)
    now = wanted[0].copy()
    for step in range(len(wanted)):
        largest = wanted[max(0, step - window + 1) : step + 1].max(axis=0)
        target = np.where(wanted[step] > now, wanted[step], np.minimum(now, largest))
        change = np.abs(target - now) * tolerance > now
        now = np.where(change, target, now)
        replicas[step] = now
    return replicas


def lifetimes(
    replicas: NDArray[np.int64], step_ns: int, offset_ns: int = 0
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return arrival, duration and count of the pods behind a number of replicas.

    The youngest pods leave first, as a ReplicaSet has it.

    Parameters
    ----------
    replicas : ndarray of int64, shape (n_steps,)
        Replicas from each step on; the first step is time 0.
    step_ns : int
        Length of a step.
    offset_ns : int
        How long after a step its change takes effect; not for the first one.

    Returns
    -------
    arrival_ns, duration_ns, count : ndarray of int64, shape (n_groups,)
        In the order of arrival; ``NEVER`` for pods still there at the end.
    """
    steps = np.concatenate(([0], np.flatnonzero(np.diff(replicas)) + 1))
    rows: list[list[int]] = []
    stack: list[list[int]] = []  # groups that run, [arrival, count], oldest first
    now = 0
    for step, number in zip(steps.tolist(), replicas[steps].tolist(), strict=True):
        time = step * step_ns + offset_ns if step else 0
        if number > now:
            stack.append([time, number - now])
        while now > number:
            group = stack[-1]
            leaving = min(group[1], now - number)
            rows.append([group[0], time - group[0], leaving])
            now -= leaving
            group[1] -= leaving
            if not group[1]:
                stack.pop()
        now = number
    rows += [[arrival, NEVER, count] for arrival, count in stack]
    table = np.array(sorted(rows), dtype=np.int64).reshape(-1, 3)
    return table[:, 0], table[:, 1], table[:, 2]
