"""``pyscale explain`` on the command line."""

import json

from command import pyscale, refusal


def dump(tmp_path):
    node = {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": "n0", "labels": {"kubernetes.io/hostname": "n0"}},
        "status": {"allocatable": {"cpu": "2", "memory": "4Gi", "pods": "10"}},
    }
    tainted = {
        **node,
        "metadata": {"name": "n1", "labels": {"kubernetes.io/hostname": "n1"}},
        "spec": {"taints": [{"key": "gpu", "effect": "NoSchedule"}]},
    }
    container = {"name": "c", "image": "i", "resources": {"requests": {"cpu": "1"}}}
    pods = [
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name, "namespace": "default"},
            "spec": {"containers": [container], **extra},
        }
        for name, extra in (("a", {"nodeName": "n0"}), ("b", {}))
    ]
    path = tmp_path / "dump.json"
    path.write_text(
        json.dumps({"kind": "List", "apiVersion": "v1", "items": [node, tainted, *pods]})
    )
    return path


def test_a_pending_pod_is_explained_as_a_table(tmp_path):
    done = pyscale("explain", dump(tmp_path), "--pod", "b")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "pod default/b: n0"
    assert "TaintToleration: node(s) had untolerated taint(s)" in done.stdout


def test_json_has_every_verdict(tmp_path):
    done = pyscale("explain", dump(tmp_path), "--pod", "default/a", "--format", "json")
    explanation = json.loads(done.stdout)
    assert explanation["bound_to"] == "n0"
    assert explanation["nodes"][1]["verdict"]["plugin"] == "TaintToleration"


def test_a_profile_that_names_an_unknown_plugin_is_one_line(tmp_path):
    config = tmp_path / "config.yaml"
    config.write_text(
        "apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\n"
        "profiles:\n- plugins:\n    score:\n      enabled:\n      - name: NodeLuck\n"
    )
    done = pyscale("explain", dump(tmp_path), "--pod", "b", "--config", config)
    assert refusal(done) == (
        f"{config}: $.profiles[0].plugins.score.enabled[0].name: unknown plugin 'NodeLuck'"
    )


def test_a_pod_that_is_not_in_the_dump_is_named(tmp_path):
    path = dump(tmp_path)
    assert refusal(pyscale("explain", path, "--pod", "z")) == (
        f"{path}: there is no pod 'default/z'"
    )
