"""``pyscale bench hpa``: the arithmetic of pod autoscaling, and a day of it with nodes.

Inputs are whole numbers alone.  The expected replicas were computed once by the plain restatement
that the tests hold the kernel to, row by row; the tests compute histograms anew from all samples.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyscale.bench._frame import Row, Work
from pyscale.bench._instances import below
from pyscale.catalog import ec2
from pyscale.kernel._histogram import HistogramBank
from pyscale.kernel._replicas import ReplicaHistory
from pyscale.policies.pod_autoscaler.replica_tables import (
    METRIC_DTYPE,
    POLICY_DTYPE,
    SECOND,
    WORKLOAD_DTYPE,
)
from pyscale.policies.pod_autoscaler.usage import cpu_bank
from pyscale.simulation import simulate
from pyscale.traces import load_example

N_WORKLOADS = 10**6
N_SAMPLES = 10**6
N_CONTAINERS = 1000
PERIOD = 15 * SECOND
WINDOW = 300 * SECOND
HALF_LIFE_S = 86_400
BEGIN_S = 1_700_000_000
SYNCS_BEFORE = WINDOW // PERIOD  # fills the window of stabilisation


def tables(
    has_window: bool,
) -> tuple[NDArray[np.void], NDArray[np.void], NDArray[np.void]]:
    """Return workloads, one metric each, and policies: upstream's default behavior."""
    workloads = np.zeros(N_WORKLOADS, WORKLOAD_DTYPE)
    metrics = np.zeros(N_WORKLOADS, METRIC_DTYPE)
    workloads["current"] = 1 + below(1, N_WORKLOADS, 99)
    workloads["status"] = workloads["current"]
    workloads["minimum"] = 1
    workloads["maximum"] = 200
    workloads["first_metric"] = np.arange(N_WORKLOADS)
    workloads["n_metrics"] = 1
    workloads["tolerance_up"] = workloads["tolerance_down"] = 0.1
    workloads["has_behavior"] = has_window
    workloads["down_window"] = WINDOW if has_window else 0
    workloads["n_up_policies"], workloads["n_down_policies"] = 2, 1
    policies = np.array([(0, 4, PERIOD), (1, 100, PERIOD), (1, 100, PERIOD)], POLICY_DTYPE)
    metrics["valid"] = 1
    metrics["target"] = 65
    metrics["n_metrics"] = metrics["n_ready"] = workloads["current"]
    metrics["request"] = 1000 * workloads["current"].astype(np.int64)
    metrics["usage"] = metrics["request"] * (20 + below(2, N_WORKLOADS, 130)) // 100
    return workloads, metrics, policies


def reconcile(has_window: bool, expected: tuple[int, int]) -> Callable[[Path | None], Work]:
    """Reconcile all workloads once; with windows, after as many syncs as a window holds."""

    def prepare(golden: Path | None) -> Work:
        workloads, metrics, policies = tables(has_window)
        history = ReplicaHistory(N_WORKLOADS)
        desired = np.zeros(N_WORKLOADS, np.int32)
        outcome = np.zeros(N_WORKLOADS, np.uint8)
        now = 0

        def run() -> NDArray[np.int32]:
            nonlocal now
            now += PERIOD
            history.reconcile(now, workloads, metrics, policies, desired, outcome)
            return desired

        for _ in range(SYNCS_BEFORE if has_window else 1):
            run()
        return Work(run, expected, replicas_answer)

    return prepare


def replicas_answer(desired: NDArray[np.int32]) -> tuple[int, int]:
    """Sum of the replicas, and a checksum of who has how many."""
    weights = np.arange(1, len(desired) + 1, dtype=np.uint64)
    with np.errstate(over="ignore"):
        checksum = (desired.astype(np.uint64) * weights).sum(dtype=np.uint64)
    return int(desired.sum(dtype=np.int64)), int(checksum)


def samples() -> tuple[NDArray[np.int32], NDArray[np.float64], NDArray[np.int64]]:
    """Return container, cores and second of a minute's samples of a day, in order of time."""
    containers = below(3, N_SAMPLES, N_CONTAINERS).astype(np.int32)
    cores = below(4, N_SAMPLES, 4000) / 1000
    seconds = BEGIN_S + np.sort(below(5, N_SAMPLES, 1440)) * 60
    return containers, cores, seconds


def histograms(golden: Path | None) -> Work:
    """Add CPU samples to decaying histograms."""
    containers, cores, seconds = samples()

    def run() -> HistogramBank:
        bank = cpu_bank(HALF_LIFE_S)
        for _ in range(N_CONTAINERS):
            bank.new()
        bank.add_many(containers, cores, 0.1, seconds)
        return bank

    return Work(run, HISTOGRAMS, histograms_answer)


def histograms_answer(bank: HistogramBank) -> int:
    """Sum of the 90th percentiles in thousandths of a core, rounded one by one."""
    values = np.zeros(N_CONTAINERS)
    bank.percentiles(0.9, values)
    return int(np.rint(values * 1000).astype(np.int64).sum())


def day(policy: str) -> Callable[[Path | None], Work]:
    """Run ``web-and-batch`` under HPA and a node autoscaler; two runs must agree to the byte."""

    def prepare(golden: Path | None) -> Work:
        trace = load_example("web-and-batch")
        machines = ec2("us-east-1")

        def run() -> Any:
            return simulate(trace, policy, machines, pod_autoscaler="hpa")

        return Work(run, run().digest(), lambda result: result.digest())

    return prepare


ONE_METRIC = (64_256_345, 32_142_157_458_003)
BEHAVIORS = (64_259_328, 32_143_635_722_240)
HISTOGRAMS = 3_711_780

ROWS = (
    Row(
        "hpa/one-metric",
        "10^6 HPA evaluations with one metric",
        reconcile(False, ONE_METRIC),
        0.050,
    ),
    Row(
        "hpa/behaviors",
        "10^6 HPA evaluations with behaviors and full windows of 300 s",
        reconcile(True, BEHAVIORS),
        0.200,
    ),
    Row(
        "hpa/histograms",
        "10^6 VPA samples into 10^3 decaying histograms",
        histograms,
        0.050,
    ),
    Row(
        "hpa/day-cluster-autoscaler",
        "web-and-batch, 24 h, HPA every 15 s, Cluster Autoscaler",
        day("cluster-autoscaler"),
        2.0,
        repeats=1,
    ),
    Row(
        "hpa/day-karpenter",
        "web-and-batch, 24 h, HPA every 15 s, Karpenter",
        day("karpenter"),
        2.0,
        repeats=1,
    ),
)
