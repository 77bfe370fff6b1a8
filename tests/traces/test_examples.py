import numpy as np
import pytest

from pyscale.model.pod_table import NEVER
from pyscale.traces import list_examples, load_example

DAY = 24 * 3600 * 10**9


def running(trace):
    """Return the largest number of pods at one time, every pod starting at once."""
    pods = trace.pods
    stays = pods.duration_ns == NEVER
    ends = np.where(stays, np.iinfo(np.int64).max, pods.arrival_ns + pods.duration_ns)
    times = np.concatenate([ends, pods.arrival_ns])
    change = np.concatenate([-pods.count, pods.count])
    return int(np.cumsum(change[np.argsort(times, kind="stable")]).max())


@pytest.mark.parametrize(
    ("name", "parameters", "digest"),
    [
        ("web-and-batch", {}, "35e65afa29dddffc869439eb5cb314623a457dde1ada042aeca474a703915462"),
        (
            "web-and-batch",
            {"seed": 3, "zone_spread": True, "priorities": True},
            "9c55a29fe8e19dca27005a65af4fe7d92eb92b23fecd9c657786a7f05f79d749",
        ),
        (
            "web-and-batch",
            {"n_pods": 1_000_000},
            "5752785548bb1dfd01b2a24b2826c64a092c3f843ea10d0c83f15e10b9f67e15",
        ),
        ("gpu-training", {}, "00364f12e5a72abd02fbc1637f0f7694f31a2b698785b13fb33c78665070c111"),
        ("bursty-batch", {}, "a5142184508f6c0ce005dd73ba915c6960ece7005d803fa48cbf9fa60a19c35b"),
    ],
)
def test_the_bytes_are_the_same_on_every_machine(name, parameters, digest):
    assert load_example(name, **parameters).digest() == digest


@pytest.mark.parametrize("name", list_examples())
def test_another_seed_is_another_trace(name):
    assert load_example(name, seed=1).digest() != load_example(name, seed=2).digest()


def test_web_and_batch_has_about_5000_pods_at_the_peak():
    trace = load_example("web-and-batch")
    assert 4_500 < running(trace) < 5_500
    assert len(trace.owners) == 200
    assert trace.pods.arrival_ns.max() < DAY
    assert trace.summary.rows_kept == len(trace)


def test_web_and_batch_grows_with_its_scale():
    whole, tenfold = load_example("web-and-batch"), load_example("web-and-batch", scale="10")
    assert tenfold.pods.n_pods == pytest.approx(10 * whole.pods.n_pods, rel=0.2)
    assert load_example("web-and-batch", scale=0.5).pods.n_pods < whole.pods.n_pods


@pytest.mark.parametrize("n_pods", [2_000, 99_999, 250_000])
def test_web_and_batch_meets_a_number_of_pods(n_pods):
    trace = load_example("web-and-batch", n_pods=n_pods)
    assert trace.pods.n_pods == n_pods
    assert trace.pods.count.min() >= 1


def test_the_replicas_carry_the_load():
    trace = load_example("web-and-batch", seed=5)
    loads = trace.loads
    assert loads is not None
    assert len(loads) == 150
    noon = 12 * 3600 * 10**9
    load = loads.at(noon)
    pods = trace.pods
    ends = np.where(pods.duration_ns == NEVER, DAY, pods.arrival_ns + pods.duration_ns)
    there = (pods.arrival_ns <= noon) & (noon < ends)
    for index, workload in enumerate(loads.workloads):
        assert trace.owners[index] == workload.name
        replicas = int(pods.count[there & (trace.owner_id == index)].sum())
        request = workload.template.spec.containers[0].requests["cpu"] // 10**6
        use = workload.cpu_use_milli(int(load[index]), replicas)
        assert use <= request * 8 // 10 + 1
        assert workload.min_replicas <= replicas <= workload.max_replicas


def test_constraints_are_options():
    def has(trace, field):
        return any(getattr(template.spec, field) for template in trace.pods.templates)

    plain = load_example("web-and-batch")
    assert has(plain, "node_selector")
    assert has(plain, "tolerations")
    assert not has(plain, "topology_spread_constraints")
    assert not has(plain, "priority")
    full = load_example("web-and-batch", zone_spread=True, priorities=True)
    assert has(full, "topology_spread_constraints")
    assert has(full, "priority")
    assert full.pods.arrival_ns.tolist() == plain.pods.arrival_ns.tolist()


def test_training_gangs_arrive_together():
    trace = load_example("gpu-training", n_jobs=50, priorities=True)
    training = [name for name in trace.pods.names if name.startswith("training")]
    assert len(training) == 50
    assert trace.pods.count.max() >= 4
    assert trace.summary.requests["nvidia.com/gpu"] > 0


@pytest.mark.parametrize(
    ("name", "parameters", "message"),
    [
        ("web", {}, "expected one of web-and-batch, gpu-training, bursty-batch, found 'web'"),
        ("gpu-training", {"n_pods": 3}, "gpu-training: expected one of seed, .*, found 'n_pods'"),
        ("gpu-training", {"n_jobs": 0}, "n_jobs must be >= 1, found 0"),
        ("bursty-batch", {"n_bursts": 0}, "n_bursts must be >= 1, found 0"),
        ("bursty-batch", {"burst_pods": 0}, "burst_pods must be from 1 to 1048575, found 0"),
        ("web-and-batch", {"n_workloads": 7}, "n_workloads must be >= 8, found 7"),
        ("web-and-batch", {"n_pods": 7}, "n_pods must be >= 2000, found 7"),
        ("web-and-batch", {"scale": 0}, "scale must be > 0 and <= 100000, found 0"),
        ("web-and-batch", {"seed": -1}, "seed must be >= 0, found -1"),
    ],
)
def test_parameters_out_of_range_are_refused(name, parameters, message):
    with pytest.raises(ValueError, match=message):
        load_example(name, **parameters)
