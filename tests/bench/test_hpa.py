from __future__ import annotations

import numpy as np
from reference.histogram import Samples
from reference.replicas import History, Pods, Rules, normalise, propose_per_pod

from pyscale import bench
from pyscale.bench import hpa

SECOND = 10**9


def test_the_rows_give_the_answers_that_are_recorded() -> None:
    quick = [row.name for row in bench.rows_of("hpa") if "day" not in row.name]
    for row in bench.run(quick, repeats=1):
        assert row.answer_equal, row


def plain(workload: np.void, metric: np.void, has_window: bool, now: int) -> int:
    """One workload that asked for the same all the time."""
    n, current = int(metric["n_ready"]), int(workload["current"])
    pods = Pods([(int(metric["usage"]), int(metric["request"]))] + [(0, 0)] * (n - 1))
    proposal = propose_per_pod(pods, 65, current, 0.1, 0.1, True)
    assert proposal is not None
    period = 15 * SECOND
    up = Rules(0, "Max", [("Pods", 4, period), ("Percent", 100, period)])
    down = Rules(300 * SECOND, "Max", [("Percent", 100, period)])
    rules = (up, down) if has_window else (None, None)
    history = History([(now - period, proposal)])
    return normalise(history, now, proposal, current, 1, 200, *rules, 0)


def test_what_is_timed_is_what_the_plain_restatement_gives() -> None:
    for has_window in (False, True):
        workloads, metrics, _ = hpa.tables(has_window)
        work = hpa.reconcile(has_window, (0, 0))(None)
        desired = work.run()
        for index in range(0, len(desired), 997):
            expected = plain(workloads[index], metrics[index], has_window, 10**12)
            assert desired[index] == expected, index


def test_the_percentiles_are_those_of_all_samples() -> None:
    bank = hpa.histograms(None).run()
    containers, cores, seconds = hpa.samples()
    for container in (0, 17, 999):
        slow = Samples(0.01, 1000.0, 1.05, hpa.HALF_LIFE_S)
        mine = containers == container
        for value, time in zip(cores[mine].tolist(), seconds[mine].tolist(), strict=True):
            slow.add(value, 0.1, time)
        shares = slow.shares(int(seconds[-1]))
        bucket = next(bucket for bucket, share in shares if share >= 0.9)
        assert bank.percentile(container, 0.9) == bank.start(bucket + 1)
