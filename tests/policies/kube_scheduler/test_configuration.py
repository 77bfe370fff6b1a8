"""A KubeSchedulerConfiguration is merged with the defaults as upstream merges it."""

import re

import pytest

from pyscale.errors import InvalidObjectError, UnsupportedError
from pyscale.policies.kube_scheduler import Profile, profile_from_configuration
from pyscale.policies.kube_scheduler.profile import DEFAULT_SCORE_WEIGHTS, FILTER_PLUGINS


def configuration(plugins=None, config=None, **fields):
    profile = {"schedulerName": "default-scheduler", **fields}
    if plugins:
        profile["plugins"] = plugins
    if config:
        profile["pluginConfig"] = [{"name": name, "args": args} for name, args in config.items()]
    return {"profiles": [profile]}


def test_nothing_is_the_default_profile():
    assert profile_from_configuration(None) == Profile()
    assert profile_from_configuration({}) == Profile()


def test_a_weight_replaces_the_default_in_place():
    enabled = [{"name": "NodeAffinity", "weight": 7}]
    profile = profile_from_configuration(configuration({"multiPoint": {"enabled": enabled}}))
    assert profile.score_weights == {**DEFAULT_SCORE_WEIGHTS, "NodeAffinity": 7}
    assert profile.filters == frozenset(FILTER_PLUGINS)


def test_star_disables_all_and_zero_weight_reads_as_one():
    plugins = {
        "score": {"disabled": [{"name": "*"}], "enabled": [{"name": "ImageLocality", "weight": 0}]}
    }
    assert profile_from_configuration(configuration(plugins)).score_weights == {"ImageLocality": 1}


def test_filters_can_be_disabled():
    plugins = {"filter": {"disabled": [{"name": "NodePorts"}]}}
    profile = profile_from_configuration(configuration(plugins))
    assert profile.filters == frozenset(FILTER_PLUGINS) - {"NodePorts"}


def test_arguments_are_read():
    profile = profile_from_configuration(
        configuration(
            config={
                "NodeResourcesFit": {
                    "ignoredResourceGroups": ["example.com"],
                    "scoringStrategy": {
                        "type": "RequestedToCapacityRatio",
                        "resources": [{"name": "cpu", "weight": 3}],
                        "requestedToCapacityRatio": {
                            "shape": [
                                {"utilization": 0, "score": 0},
                                {"utilization": 100, "score": 10},
                            ]
                        },
                    },
                },
                "InterPodAffinity": {"hardPodAffinityWeight": 0},
                "PodTopologySpread": {"defaultingType": "List", "defaultConstraints": []},
            },
            percentageOfNodesToScore=70,
        )
    )
    assert profile.scoring_strategy.shape == ((0, 0), (100, 10))
    assert profile.scoring_strategy.resources == (("cpu", 3),)
    assert profile.ignored_resource_groups == {"example.com"}
    assert profile.hard_pod_affinity_weight == 0
    assert not profile.default_spread_is_system
    assert profile.percentage_of_nodes_to_score == 70


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            configuration({"score": {"enabled": [{"name": "NodeLuck"}]}}),
            "$.profiles[0].plugins.score.enabled[0].name: unknown plugin 'NodeLuck'",
        ),
        (
            configuration({"score": {"enabled": [{"name": "ImageLocality", "weight": -1}]}}),
            "$.profiles[0].plugins.score.enabled[0].weight: expected 0 to 1000000, found -1",
        ),
        (
            configuration({"scoring": {}}),
            "$.profiles[0].plugins.scoring: unknown extension point",
        ),
        (
            configuration(config={"InterPodAffinity": {"hardPodAffinityWeight": 101}}),
            "$.profiles[0].pluginConfig[0].args.hardPodAffinityWeight: expected 0 to 100, "
            "found 101",
        ),
        (
            configuration(config={"NodeResourcesFit": {"scoringStrategy": {"type": "Luck"}}}),
            "$.profiles[0].pluginConfig[0].args.scoringStrategy.type: expected one of "
            "LeastAllocated, MostAllocated, RequestedToCapacityRatio, found 'Luck'",
        ),
        (
            configuration(percentageOfNodesToScore=101),
            "$.profiles[0].percentageOfNodesToScore: expected 0 to 100, found 101",
        ),
    ],
)
def test_what_the_scheduler_refuses_is_one_line(given, message):
    with pytest.raises(InvalidObjectError, match=f"^{re.escape(message)}$"):
        profile_from_configuration(given)


def test_another_order_of_the_filters_is_not_supported():
    plugins = {"filter": {"enabled": [{"name": "InterPodAffinity"}]}}
    with pytest.raises(UnsupportedError, match="another order of the filters is not supported"):
        profile_from_configuration(configuration(plugins))


def test_an_unknown_profile_is_named():
    with pytest.raises(InvalidObjectError, match="there is no profile 'mine'"):
        profile_from_configuration(configuration(), "mine")
