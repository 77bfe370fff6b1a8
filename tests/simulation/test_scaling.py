"""Runs with pod autoscaling: what holds in all of them, and the chain from load to nodes."""

import pickle
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference.policies import Eager, Fixed
from reference.scheduling import Plain
from reference.workloads import PlainWorkload, pods_of

from pyscale import PodAutoscaling, simulate
from pyscale import catalog as catalogs
from pyscale.errors import InvalidObjectError, UnsupportedError
from pyscale.manifests.autoscaling import horizontal_pod_autoscaler_from_dict
from pyscale.manifests.keda import scaled_object_from_dict
from pyscale.manifests.vertical import vertical_pod_autoscaler_from_dict
from pyscale.model.autoscaling import ScaledObject
from pyscale.model.groups import NodeGroup
from pyscale.model.pod_table import PodTable
from pyscale.model.pods import Container, OwnerReference, PodSpec, PodTemplate
from pyscale.policies.pod_autoscaler.horizontal import HorizontalController
from pyscale.policies.pod_autoscaler.pod_samples import observe
from pyscale.policies.pod_autoscaler.scaled_object import decide_activation
from pyscale.simulation import SimulationOptions
from pyscale.simulation.clock import SECOND
from pyscale.traces.load import Loads, Workload
from pyscale.traces.trace import Trace

KWOK = catalogs.kwok()
SMALL = "c-4x-amd64-linux"
OWNER = (OwnerReference("ReplicaSet", "web", controller=True),)
NOTHING = PodTable.build((), [])


def template(milli_cpu, name="web", limit=0):
    limits = {"cpu": limit * 10**6} if limit else {}
    container = Container("c", requests={"cpu": milli_cpu * 10**6}, limits=limits)
    return PodTemplate(PodSpec((container,)), labels={"app": name}, owners=OWNER)


def workload(index, **more):
    fields = {
        "template": template(400, f"w{index}"),
        "initial_replicas": 2,
        "min_replicas": 1,
        "max_replicas": 12,
        "cpu_us_per_request": 10_000,
        **more,
    }
    return Workload(f"default/w{index}", **fields)


def trace_of(workloads, series, metric="requests_per_second", pods=NOTHING, **more):
    """Loads as (second, units) steps."""
    arrays = [
        (
            np.array([time * SECOND for time, _ in one], np.int64),
            np.array([value * 1000 for _, value in one], np.int64),
        )
        for one in series
    ]
    return Trace("small", pods, loads=Loads.from_series(workloads, metric, arrays), **more)


def run(trace, policy=None, end=1800, seed=0, world=None, **options):
    policy = policy or Eager(types=(SMALL,), period_ns=10 * SECOND)
    return simulate(
        trace,
        policy,
        KWOK,
        scheduler=Plain(),
        seed=seed,
        options=SimulationOptions(end_ns=end * SECOND, **(world or {})),
        pod_autoscaler=PodAutoscaling(**options),
    )


def manifest(name, metrics=None, behavior=None, least=1, most=8):
    spec = {
        "scaleTargetRef": {"kind": "Deployment", "name": name},
        "minReplicas": least,
        "maxReplicas": most,
        "metrics": metrics or [resource(50)],
    }
    if behavior:
        spec["behavior"] = behavior
    return {"metadata": {"name": f"{name}-hpa", "namespace": "default"}, "spec": spec}


def resource(percent):
    target = {"type": "Utilization", "averageUtilization": percent}
    return {"type": "Resource", "resource": {"name": "cpu", "target": target}}


def external(value, kind="AverageValue", name="requests_per_second"):
    key = "averageValue" if kind == "AverageValue" else "value"
    target = {"type": kind, key: str(value)}
    return {"type": "External", "external": {"metric": {"name": name}, "target": target}}


def per_pod(value):
    target = {"type": "AverageValue", "averageValue": str(value)}
    return {"type": "Pods", "pods": {"metric": {"name": "load"}, "target": target}}


SERIES = st.dictionaries(st.integers(0, 100), st.integers(0, 250), max_size=8).map(
    lambda found: [(10 * time, value) for time, value in sorted(found.items())]
)
BEHAVIORS = st.none() | st.fixed_dictionaries(
    {
        "scaleUp": st.fixed_dictionaries(
            {
                "stabilizationWindowSeconds": st.sampled_from((0, 40)),
                "policies": st.just([{"type": "Pods", "value": 2, "periodSeconds": 60}]),
            }
        ),
        "scaleDown": st.fixed_dictionaries(
            {
                "stabilizationWindowSeconds": st.sampled_from((0, 120)),
                "policies": st.just([{"type": "Percent", "value": 50, "periodSeconds": 30}]),
            }
        ),
    }
)
METRICS = st.lists(
    st.sampled_from((resource(50), resource(90), external(30), external(90, "Value"), per_pod(25))),
    min_size=1,
    max_size=2,
)
AUTOSCALERS = st.tuples(METRICS, BEHAVIORS)
TRIGGER = {"type": "prometheus", "metadata": {"threshold": "30", "activationThreshold": "10"}}


def keda(name, **spec):
    target = {"scaleTargetRef": {"name": name}, "triggers": [TRIGGER], "cooldownPeriod": 100}
    spec = {"maxReplicaCount": 9, **target, **spec}
    return {"metadata": {"name": name, "namespace": "default"}, "spec": spec}


@dataclass
class PlainScaling:
    """The autoscaler of one workload over real objects, asked at every instant that matters."""

    autoscaler: object
    plain: PlainWorkload
    pods: list
    options: PodAutoscaling
    initial: int
    last_active: int | None = None
    controller: HorizontalController = field(init=False)

    def __post_init__(self):
        horizontal = self.autoscaler
        if isinstance(horizontal, ScaledObject):
            horizontal = horizontal.horizontal()
        self.horizontal = horizontal
        self.controller = HorizontalController([horizontal], self.options.horizontal)

    def there(self, now):
        """Return the pods as they are when the autoscaler acts at an instant.

        What was created, bound or deleted by it at the same instant comes after it; deletions of
        the other kind (a node that is drained) come later in the instant, too.
        """
        result = []
        for pod in self.pods:
            if pod.created < now and not 0 <= pod.ended < now:
                bound = pod.bound if pod.bound < now else -1
                result.append(type(pod)(pod.number, pod.created, bound, -1, pod.node))
            elif 0 <= pod.ended < now:
                result.append(pod)
        return result

    def changes(self, end):
        """Every (time, replicas) of the scale."""
        replicas, found = self.initial, [(0, self.initial)]
        period = self.options.sample_ns
        for now in range(period, end + 1, period):
            before = replicas
            if isinstance(self.autoscaler, ScaledObject) and now % (30 * SECOND) == 0:
                load = self.plain.load_at(now)
                decision = decide_activation(
                    self.autoscaler, replicas, self.last_active, now, load > 10_000
                )
                replicas, self.last_active = decision.replicas, decision.last_active_ns
            if replicas != before:
                found.append((now, replicas))
            pods = self.there(now)
            objects, metrics = self.plain.as_objects(pods, now, now, period)
            alive = list(objects)
            # Pods that a poll of this very instant created or deleted are seen by the HPA.
            if replicas > before:
                alive += as_new(replicas - before, alive)
            if replicas < before:
                alive = alive[:replicas]
            for row, metric in zip(self.controller.metrics, self.horizontal.metrics, strict=True):
                observe(row, metric, alive, metrics, now, self.options.horizontal)
            current = np.array([replicas], np.int32)
            wanted = int(self.controller.reconcile(now, current, current).desired[0])
            if wanted != replicas:
                found.append((now, wanted))
            replicas = wanted
        return found


def as_new(count, alive):
    from pyscale.model.pods import Pod

    return [Pod(f"new{number}", template(400), phase="Pending") for number in range(count)]


def changes_of(result, number):
    load = result.load
    mine = load.scaling_workload == number
    pairs = zip(load.scaling_ns[mine].tolist(), load.scaling_replicas[mine].tolist(), strict=True)
    return list(pairs)


def check_laws(result, trace, limits):
    """Replicas within limits, no pod lost, load served or not, and nothing between."""
    load, pods, end = result.load, result.pods, result.end_ns
    for number, (least, most) in enumerate(limits):
        mine = load.owns(pods, number)
        created, ended = pods.created_ns[mine], pods.ended_ns[mine]
        for _, replicas in changes_of(result, number)[1:]:
            assert least <= replicas <= most
        changes = changes_of(result, number)
        ends = [*(time for time, _ in changes[1:]), end + 1]
        for (time, replicas), until in zip(changes, ends, strict=True):
            for now in {time, until - 1} if until > time else ():
                alive = (created <= now) & ((ended < 0) | (ended > now))
                assert alive.sum() == replicas
        times, values = trace.loads.of(number)
        lengths = np.diff(np.append(np.minimum(times, end), end))
        whole = sum(a * b for a, b in zip(values.tolist(), lengths.tolist(), strict=True))
        assert load.served[number] + load.unserved[number] == whole
    heirs = pods.origin >= 0
    assert (pods.created_ns[heirs] == pods.ended_ns[pods.origin[heirs]]).all()
    assert (pods.class_id[heirs] == pods.class_id[pods.origin[heirs]]).all()
    parts = load.waits(pods, result.nodes)
    chosen = load.shortage_pod >= 0
    total = parts["decided"] + parts["scheduled"] + parts["booted"] + parts["started"]
    lengths = load.shortage_end_ns[chosen] - load.shortage_begin_ns[chosen]
    assert total.tolist() == lengths.tolist()
    assert min((part.min(initial=0) for part in parts.values()), default=0) >= 0


@settings(max_examples=20)
@given(
    st.tuples(SERIES, SERIES),
    st.tuples(AUTOSCALERS, AUTOSCALERS),
    st.sampled_from((0, 10, 31, 400)),
    st.sampled_from((0, 25 * SECOND)),
    st.integers(0, 9),
)
def test_replicas_follow_the_rules_of_the_real_objects(series, given_rules, delay, jitter, seed):
    objects = [
        horizontal_pod_autoscaler_from_dict(manifest(f"w{number}", *rules))
        for number, rules in enumerate(given_rules)
    ]
    trace = trace_of([workload(0), workload(1, idle_cpu_milli=20)], series)
    options = {"objects": objects, "start_delay_ns": delay * SECOND}
    world = {"boot_jitter_ns": jitter, "interruptions_per_hour": 4.0}
    result = run(trace, seed=seed, end=1200, world=world, **options)
    check_laws(result, trace, [(1, 8)] * 2)
    again = run(trace, seed=seed, end=1200, world=world, **options)
    assert again.digest() == result.digest()
    assert pickle.loads(pickle.dumps(result)).digest() == result.digest()
    check_twin(result, trace, PodAutoscaling(**options))


def check_twin(result, trace, options):
    columns = result.pods.arrays()
    for number, autoscaler in enumerate(options.objects):
        one = trace.loads.workloads[number]
        steps = list(zip(*(some.tolist() for some in trace.loads.of(number)), strict=True))
        capacity = (400 - one.idle_cpu_milli) * 10**6 // one.cpu_us_per_request
        plain = PlainWorkload(
            steps, capacity, one.idle_cpu_milli, one.cpu_us_per_request, options.start_delay_ns, 400
        )
        pods = pods_of(columns, int(np.flatnonzero(result.load.class_workload == number)[0]))
        twin = PlainScaling(autoscaler, plain, pods, options, one.initial_replicas)
        assert changes_of(result, number) == twin.changes(result.end_ns)
        totals = plain.totals(pods, result.end_ns)
        assert (result.load.served[number], result.load.unserved[number]) == totals[:2]
        assert result.load.short_ns[number] == totals[2]


@settings(max_examples=20)
@given(SERIES, st.sampled_from(({}, {"minReplicaCount": 3, "idleReplicaCount": 0})))
def test_keda_wakes_and_puts_to_sleep(series, spec):
    scaled = scaled_object_from_dict(keda("w0", **spec))
    trace = trace_of([workload(0)], [series])
    result = run(trace, end=1500, objects=[scaled])
    check_laws(result, trace, [(0, 9)])
    check_twin(result, trace, PodAutoscaling(objects=[scaled]))


def test_a_step_of_load_goes_through_autoscaler_scheduler_and_boot():
    large = workload(0, template=template(3000))  # one pod per node
    trace = trace_of([large], [[(0, 200), (600, 1000)]])
    result = run(trace, end=1500, objects=[horizontal_pod_autoscaler_from_dict(manifest("w0"))])
    parts = result.load.waits(result.pods, result.nodes)
    last = -1
    assert parts["begin_ns"][last] == 600 * SECOND
    # The sync at 600 s comes before the load shows; boot takes 60 s, start 10 s.
    assert parts["decided"][last] == 15 * SECOND
    assert (parts["booted"][last], parts["started"][last]) == (60 * SECOND, 10 * SECOND)
    assert result.metrics.load.unserved_share > 0
    assert dict(result.lines())["load unserved"].endswith("%")
    curve = result.load.ready(result.pods, result.end_ns)
    assert int(curve.values[-1]) == int(result.load.wanted(result.end_ns).values[-1]) == 7


def test_the_scaled_workloads_replace_their_pods_of_the_trace():
    pods = PodTable.build(
        (template(400, "w0"), template(100, "other")), [0, 1, 0], 1, [0, 5 * SECOND, 9], 60 * SECOND
    )
    more = {"owners": ("default/w0", "default/other"), "owner_id": np.array([0, 1, 0], np.int32)}
    trace = trace_of([workload(0)], [[(0, 10)]], pods=pods, **more)
    result = run(trace)
    assert (result.pods.row >= 0).sum() == 1
    assert result.load.class_workload.tolist() == [0, -1]
    kept = run(
        trace_of([workload(0), workload(1)], [[(0, 10)], [(0, 5)]], pods=pods, **more),
        objects=[horizontal_pod_autoscaler_from_dict(manifest("w1"))],
        others="none",
    )
    assert (kept.pods.row >= 0).sum() == 3
    assert kept.load.workloads == ("default/w1",)


def test_a_workload_without_cpu_cost_scales_on_what_a_pod_serves():
    trace = trace_of([workload(0, cpu_us_per_request=0)], [[(0, 40), (300, 90)]], "concurrency")
    with pytest.raises(ValueError, match="workload default/w0: expected a CPU request and a CPU"):
        run(trace)
    result = run(trace, pod_load=10, target_percent=80)
    assert changes_of(result, 0)[-1][1] == 12
    asleep = run(trace_of([workload(0)], [[(0, 0)]]), others="keda")
    assert changes_of(asleep, 0)[-1][1] == 0


def test_a_policy_of_fixed_groups_leaves_pods_pending_and_load_unserved():
    group = NodeGroup("one", (SMALL,), ("test-zone-a",), min_size=1, max_size=1, desired_size=1)
    trace = trace_of([workload(0)], [[(0, 400)]])
    result = run(trace, Fixed((group,)))
    assert result.metrics.unschedulable_pods == 12 - 9
    assert result.load.shortage_end_ns.tolist()[-1] == -1
    share = result.load.unserved[0] / sum(result.load.served + result.load.unserved)
    assert share == result.metrics.load.unserved_share
    assert result.metrics.load.short_share == 1.0


@pytest.mark.parametrize(
    ("given_objects", "message"),
    [
        ([manifest("other")], r"default/other-hpa: target: expected a workload of the trace"),
        ([manifest("w0")] * 2, "'Deployment/w0' is scaled by default/w0-hpa too"),
        (
            [manifest("w0", [external(5, name="queue")])],
            r"metrics\[0\]: expected the trace's metric requests_per_second, found 'queue'",
        ),
        (
            [manifest("w0", [{"type": "Resource", "resource": {"name": "memory", "target": {
                "type": "Utilization", "averageUtilization": 5}}}])],
            "use of memory in a simulation",
        ),
    ],
)  # fmt: skip
def test_autoscalers_that_fit_no_workload_are_refused(given_objects, message):
    objects = [horizontal_pod_autoscaler_from_dict(each) for each in given_objects]
    with pytest.raises((InvalidObjectError, UnsupportedError), match=message):
        run(trace_of([workload(0)], [[(0, 10)]]), objects=objects)


def test_what_makes_no_sense_is_refused():
    with pytest.raises(ValueError, match="expected load signals for pod autoscaling, found none"):
        run(Trace("empty", NOTHING))
    with pytest.raises(ValueError, match="others must be one of hpa, keda, none, found 'vpa'"):
        PodAutoscaling(others="vpa")
    with pytest.raises(ValueError, match="start_delay_ns must be an int >= 0, found -1"):
        PodAutoscaling(start_delay_ns=-1)
    with pytest.raises(InvalidObjectError, match="pod autoscaler 'x': expected one of hpa, keda"):
        simulate(NOTHING, Fixed(), KWOK, pod_autoscaler="x")
    bare = workload(0, template=None)
    with pytest.raises(ValueError, match="workload default/w0: expected a pod template"):
        run(trace_of([bare], [[(0, 1)]]))
    assert run(trace_of([bare], [[(0, 1)]]), template=template(400)).is_complete
    only_cpu = keda("w0", triggers=[{"type": "cpu", "metadata": {"value": "50"}}])
    with pytest.raises(InvalidObjectError, match="minReplicaCount: expected >= 1 with only cpu"):
        run(trace_of([workload(0)], [[(0, 1)]]), objects=[scaled_object_from_dict(only_cpu)])
    with pytest.raises(ValueError, match="workload default/w0: expected loads below"):
        run(trace_of([workload(0)], [[(0, 10**12)]]))


def vertical(mode="Initial", **policy):
    policy = {"containerName": "*", "controlledResources": ["cpu"], **policy}
    return vertical_pod_autoscaler_from_dict(
        {
            "metadata": {"name": "v", "namespace": "default"},
            "spec": {
                "targetRef": {"kind": "Deployment", "name": "w0"},
                "updatePolicy": {"updateMode": mode},
                "resourcePolicy": {"containerPolicies": [policy]},
            },
        }
    )


def test_new_pods_get_the_request_that_their_use_calls_for():
    trace = trace_of([workload(0)], [[(0, 20), (900, 120)]])
    objects = [horizontal_pod_autoscaler_from_dict(manifest("w0", [external(15)])), vertical()]
    result = run(trace, objects=objects)
    load, pods = result.load, result.pods
    check_laws(result, trace, [(1, 8)])
    assert len(load.vertical_ns) > 0
    cpu = result.requests[0][pods.class_id]
    for created, request in zip(pods.created_ns.tolist(), cpu.tolist(), strict=True):
        before = load.vertical_milli[load.vertical_ns < created]
        # A recommendation at the instant of a pod's creation comes after the HPA's sync.
        assert request == (before[-1] if len(before) else 400)
    assert len(set(cpu.tolist())) > 1
    off = run(trace, objects=[objects[0], vertical("Off")])
    assert set(off.requests[0][off.pods.class_id].tolist()) == {400}
    assert off.load.vertical_ns[0] == load.vertical_ns[0]


def test_requests_stay_within_the_policy_of_the_vertical_autoscaler():
    trace = trace_of([workload(0)], [[(0, 20), (900, 120)]])
    capped = vertical(minAllowed={"cpu": "150m"}, maxAllowed={"cpu": "170m"})
    result = run(
        trace, objects=[horizontal_pod_autoscaler_from_dict(manifest("w0", [external(15)])), capped]
    )
    assert ((result.load.vertical_milli >= 150) & (result.load.vertical_milli <= 170)).all()


@pytest.mark.parametrize(
    ("vpa", "message"),
    [
        (vertical("Recreate"), "update mode Recreate in a simulation"),
        (vertical(controlledResources=["cpu", "memory"]), "controlledResources other than cpu"),
    ],
)
def test_vertical_autoscalers_that_a_run_does_not_know_are_refused(vpa, message):
    with pytest.raises(UnsupportedError, match=message):
        run(trace_of([workload(0)], [[(0, 10)]]), objects=[vpa])
