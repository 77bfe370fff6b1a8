"""Node groups in files: read, written, and refused with file, group and field."""

import json

import pytest

from pyscale.catalog import (
    ec2,
    node_group_from_dict,
    node_group_to_dict,
    node_groups_from_catalog,
    read_node_groups,
    write_node_groups,
)
from pyscale.errors import InvalidObjectError, TraceError
from pyscale.model.groups import NodeGroup
from pyscale.model.pods import Container, PodSpec, PodTemplate
from pyscale.model.taints import Taint

YAML = """
nodeGroups:
- name: web
  instanceTypes: [m5.large, m5a.large]
  zones: [us-east-1a, us-east-1b]
  minSize: 1
  maxSize: 10
  labels: {team: web}
  taints: ["dedicated=web:NoSchedule", {key: old, effect: NoExecute}]
  options:
    scaleDownUnneededTime: 5m
    scale-down-utilization-threshold: 0.6
    ignoreDaemonSetsUtilization: true
  resources: {pods: "29"}
- name: batch
  instanceTypes: [c6i.4xlarge]
  zones: [us-east-1a]
  capacityType: spot
  desiredSize: 2
"""
WEB = NodeGroup(
    "web",
    ("m5.large", "m5a.large"),
    ("us-east-1a", "us-east-1b"),
    1,
    10,
    1,
    labels={"team": "web"},
    taints=(Taint("dedicated", "NoSchedule", "web"), Taint("old", "NoExecute")),
    options={
        "scale_down_unneeded_time": 300 * 10**9,
        "scale_down_utilization_threshold": 0.6,
        "ignore_daemonsets_utilization": True,
    },
    resource_tags={"pods": 29 * 10**9},
)
GROUP = {"name": "web", "instanceTypes": ["m5.large"], "zones": ["us-east-1a"]}


def write(folder, groups, name="groups.json"):
    path = folder / name
    path.write_text(groups if isinstance(groups, str) else json.dumps(groups))
    return path


def test_a_yaml_file_becomes_groups(tmp_path):
    pytest.importorskip("yaml")
    web, batch = read_node_groups(write(tmp_path, YAML, "g.yaml"), ec2("us-east-1"))
    assert web == WEB
    assert batch.capacity_type == "spot"
    assert (batch.min_size, batch.max_size, batch.desired_size) == (0, 1000, 2)


@pytest.mark.parametrize("name", ["g.yaml", "g.yml", "g.json"])
def test_what_is_written_reads_alike(tmp_path, name):
    if not name.endswith("json"):
        pytest.importorskip("yaml")
    template = PodTemplate(spec=PodSpec(containers=(Container(requests={"cpu": 10**9}),)))
    groups = (WEB, *node_groups_from_catalog([(template, 3)], ec2("us-east-1")))
    write_node_groups(groups, tmp_path / name)
    assert read_node_groups(tmp_path / name) == groups


def test_a_group_survives_a_mapping():
    assert node_group_from_dict(node_group_to_dict(WEB)) == WEB


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": ""}, r"group 2: name: expected a name, found ''"),
        ({"maxSize": 1, "minSize": 2}, r"web: maxSize: 1 is less than minSize 2"),
        ({"minSize": -1}, r"web: minSize: expected a whole number >= 0, found -1"),
        ({"maxSize": "10"}, r"web: maxSize: expected a whole number >= 0, found '10'"),
        ({"minSize": True}, r"web: minSize: expected a whole number"),
        ({"desiredSize": 2000}, r"web: desiredSize: 2000 is not between minSize 0 and maxSize"),
        ({"zones": []}, r"web: zones: expected a list of one or more names, found \[\]"),
        ({"zones": ["us-east-1z"]}, r"web: zones: unknown zone 'us-east-1z': did you mean"),
        ({"zones": ["us-east-1a"] * 2}, r"web: zones: a name occurs twice"),
        ({"instanceTypes": ["m5.lrge"]}, r"web: instanceTypes: unknown instance type 'm5.lrge'"),
        ({"instanceTypes": "m5.large"}, r"web: instanceTypes: expected a list"),
        ({"instanceTypes": ["mac2.metal"]}, r"mac2.metal is not offered on-demand in us-east-1a"),
        ({"capacityType": "free"}, r"web: capacityType: expected on-demand or spot, found 'free'"),
        ({"labels": {"a": 1}}, r"web: labels.a: expected text \(in quotes\), found 1"),
        ({"labels": []}, r"web: labels: expected a mapping, found \[\]"),
        ({"taints": ["a=b"]}, r"web: taints\[0\]: expected key=value:Effect, found 'a=b'"),
        ({"taints": ["a=b:Never"]}, r"web: taints\[0\]: expected an effect of NoSchedule"),
        ({"taints": [7]}, r"web: taints\[0\]: expected key=value:Effect, found 7"),
        (
            {"options": {"scaleDownUnneededTime": "5 minutes"}},
            r"options.scaleDownUnneededTime: expected a duration such as .*'5 minutes'",
        ),
        (
            {"options": {"scaleDownUnneededTime": 300}},
            r"options.scaleDownUnneededTime: expected a duration such as 10m, found 300",
        ),
        (
            {"options": {"scaleDownUneededTime": "5m"}},
            r"unknown option: did you mean scaleDownUnneededTime",
        ),
        (
            {"options": {"scaleDownUtilizationThreshold": "x"}},
            r"Threshold: expected a number >= 0, found 'x'",
        ),
        (
            {"options": {"zeroOrMaxNodeScaling": 1}},
            r"zeroOrMaxNodeScaling: expected true or false, found 1",
        ),
        ({"resources": {"pods": "x"}}, r"web: resources.pods: expected a quantity"),
        ({"resources": {"pods": "-1"}}, r"web: resources.pods: expected a quantity >= 0"),
        ({"zonse": []}, r"web: zonse: unknown field: did you mean zones"),
    ],
)
def test_a_wrong_field_is_named_with_file_and_group(tmp_path, change, message):
    path = write(tmp_path, [{**GROUP, "name": "other"}, {**GROUP, **change}])
    with pytest.raises(InvalidObjectError, match=message) as caught:
        read_node_groups(path, ec2("us-east-1"))
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_two_groups_of_one_name_are_refused(tmp_path):
    with pytest.raises(InvalidObjectError, match="web: name: another group has the same name"):
        read_node_groups(write(tmp_path, [GROUP, GROUP]))


def test_other_files_are_refused(tmp_path):
    with pytest.raises(TraceError, match=r"expected a file that ends in .yaml, .yml or .json"):
        read_node_groups(tmp_path / "groups.csv")
    with pytest.raises(TraceError, match=r"expected a file that ends in .yaml, .yml or .json"):
        write_node_groups([WEB], tmp_path / "groups.toml")
    with pytest.raises(TraceError, match="cannot be written: No such file or directory"):
        write_node_groups([WEB], tmp_path / "missing" / "groups.json")
