import msgspec
import pytest
from public_data import public_file

from pyscale import traces
from pyscale.errors import TraceError, UnsupportedError
from pyscale.model.pod_table import NEVER

SECOND = 10**9
CONTAINER = {"name": "c", "image": "i", "resources": {"requests": {"cpu": "1"}}}


def deployment(replicas, cpu="1", name="web"):
    container = {**CONTAINER, "resources": {"requests": {"cpu": cpu}}}
    labels = {"app": name}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": "shop"},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
        },
    }


def cron_job(**spec):
    template = {"spec": {"containers": [CONTAINER], "restartPolicy": "Never"}}
    return {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": {"name": "tick", "namespace": "shop"},
        "spec": {"schedule": "* * * * *", "jobTemplate": {"spec": {"template": template}}} | spec,
    }


def rollout(replicas):
    value = deployment(replicas)
    return value | {"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout"}


def event(ts, applied=(), deleted=()):
    return {"ts": ts, "applied_objs": list(applied), "deleted_objs": list(deleted)}


def write(tmp_path, events, lifecycles=None, config=None, **changes):
    document = {
        "version": 2,
        "config": {"trackedObjects": config or {}},
        "events": events,
        "index": {},
        "pod_lifecycles": lifecycles or {},
    } | changes
    path = tmp_path / "t.sktrace"
    path.write_bytes(msgspec.msgpack.encode(document))
    return path


def rows(trace):
    pods = trace.pods
    durations = [NEVER if d == NEVER else d // SECOND for d in pods.duration_ns.tolist()]
    return list(
        zip((pods.arrival_ns // SECOND).tolist(), durations, pods.count.tolist(), strict=True)
    )


def test_a_scale_event_is_the_difference(tmp_path):
    path = write(
        tmp_path,
        [
            event(100),
            event(100, [deployment(2)]),
            event(110, [deployment(5)]),
            event(120, [deployment(1)]),
            event(130, [deployment(1)]),
            event(140, deleted=[deployment(1)]),
        ],
    )
    trace = traces.load_trace(path)
    assert rows(trace) == [(0, 20, 1), (0, 40, 1), (10, 10, 3)]
    assert trace.owners == ("shop/web",)
    assert trace.metadata["origin_unix_ns"] == 100 * SECOND


def test_another_template_replaces_all_pods(tmp_path):
    path = write(tmp_path, [event(0, [deployment(2)]), event(5, [deployment(3, cpu="2")])])
    trace = traces.load_trace(path)
    assert rows(trace) == [(0, 5, 2), (5, NEVER, 3)]
    assert len(trace.pods.templates) == 2


def test_lifetimes_are_used_in_turn(tmp_path):
    key = ("apps/v1.Deployment", "shop/web")
    lives = {2**64 - 1: [{"Finished": [10, 13]}, {"Running": 11}, "Empty"]}
    path = write(
        tmp_path, [event(0, [deployment(4)]), event(2, deleted=[deployment(4)])], {key: lives}
    )
    assert rows(traces.load_trace(path)) == [(0, 2, 1)] * 4
    path = write(tmp_path, [event(0, [deployment(4)])], {key: lives})
    assert sorted(rows(traces.load_trace(path))) == [
        (0, NEVER, 1),
        (0, NEVER, 1),
        (0, 3, 1),
        (0, 3, 1),
    ]


def test_a_cron_job_runs_until_it_is_deleted(tmp_path):
    key = ("batch/v1.CronJob", "shop/tick")
    lives = {key: {1: [{"Finished": [0, 30]}, {"Finished": [60, 70]}]}}
    events = [event(90, [cron_job()]), event(250, deleted=[cron_job()])]
    assert rows(traces.load_trace(write(tmp_path, events, lives))) == [
        (30, 30, 1),
        (90, 10, 1),
        (150, 30, 1),
    ]
    events = [event(90, [cron_job(timeZone="Asia/Tokyo")])]
    with pytest.raises(UnsupportedError, match="the time zone Asia/Tokyo of a CronJob"):
        traces.load_trace(write(tmp_path, events))


def test_a_custom_kind_has_its_template_at_the_configured_path(tmp_path):
    config = {"argoproj.io/v1alpha1.Rollout": {"podSpecTemplatePaths": ["/spec/template"]}}
    path = write(tmp_path, [event(0, [rollout(3)])], config=config)
    assert rows(traces.load_trace(path)) == [(0, NEVER, 3)]
    with pytest.raises(TraceError, match="expected one path to the pod template of a Rollout"):
        traces.load_trace(write(tmp_path, [event(0, [rollout(3)])]))


def test_pods_come_alone(tmp_path):
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "p", "namespace": "shop"},
        "spec": {"containers": [CONTAINER]},
    }
    lives = {("v1.Pod", "shop/p"): {7: [{"Finished": [5, 9]}]}}
    assert rows(traces.load_trace(write(tmp_path, [event(4, [pod])], lives))) == [(0, 4, 1)]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"version": 1}, "t.sktrace, version: expected version 2, found 1"),
        ({"events": 3}, "events: expected a list, found int"),
        ({"events": [event("x")]}, "events[0].ts: expected Unix seconds, found 'x'"),
        ({"events": [event(5), event(4)]}, "events[1].ts: time goes backwards: 4 after 5"),
        ({"events": [{"ts": 1, "applied_objs": [3]}]}, "events[0].applied_objs: expected a dict"),
        ({"events": [event(1, [{"kind": "Pod"}])]}, "metadata.name: a .Pod without name"),
        ({"events": [event(1, [deployment(1, cpu="x")])]}, "$.spec.template.spec.containers[0]"),
        ({"pod_lifecycles": {"a": {}}}, "pod_lifecycles: expected a pair of kind and name"),
        (
            {"pod_lifecycles": {("a", "b"): {1: [{"Finished": [5, 1]}]}}},
            "pod_lifecycles.a b: time goes backwards: 1 after 5",
        ),
        ({"pod_lifecycles": {("a", "b"): {1: ["Done"]}}}, "expected Empty, Running or Finished"),
        ({"events": []}, "expected pods, found none"),
    ],
)
def test_a_fault_is_one_line(tmp_path, changes, message):
    with pytest.raises(TraceError) as caught:
        traces.load_trace(
            write(tmp_path, [], **changes)
            if "events" not in changes
            else write(tmp_path, **changes)
        )
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_other_bytes_are_refused(tmp_path):
    path = tmp_path / "t.sktrace"
    path.write_bytes(b"\xc1\x00")
    with pytest.raises(TraceError, match="is not MessagePack"):
        traces.load_trace(path)
    path.write_bytes(msgspec.msgpack.encode([1]))
    with pytest.raises(TraceError, match="expected a SimKube trace, found another MessagePack"):
        traces.load_trace(path)


def test_the_public_example_scales():
    trace = traces.load_trace(public_file("dsb-scaling.sktrace"))
    assert len(trace.owners) == 27
    assert trace.pods.n_pods == 54
