"""The scheduler profile: plugin arguments, score weights, sampling percentage."""

from __future__ import annotations

DEFAULT_SCORE_WEIGHTS = {
    "TaintToleration": 3,
    "NodeAffinity": 2,
    "NodeResourcesFit": 1,
    "PodTopologySpread": 2,
    "InterPodAffinity": 2,
    "NodeResourcesBalancedAllocation": 1,
    "ImageLocality": 1,
}


class Profile:
    """The first profile of a KubeSchedulerConfiguration; `{}` is the default profile."""

    def __init__(self, configuration: dict | None):
        configuration = configuration or {}
        profile = (configuration.get("profiles") or [{}])[0]
        self._plugin_args = {
            entry["name"]: entry["args"] for entry in profile.get("pluginConfig", [])
        }
        self.percentage_of_nodes_to_score: int = profile.get(
            "percentageOfNodesToScore", configuration.get("percentageOfNodesToScore", 0)
        )
        self.score_weights = dict(DEFAULT_SCORE_WEIGHTS)
        plugins = profile.get("plugins") or {}
        for entry in (plugins.get("multiPoint") or {}).get("enabled", []):
            self.score_weights[entry["name"]] = entry["weight"]
        for entry in (plugins.get("score") or {}).get("disabled", []):
            self.score_weights.pop(entry["name"], None)

    def args(self, plugin: str) -> dict:
        return self._plugin_args.get(plugin, {})
