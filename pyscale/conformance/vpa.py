"""Replay recordings of the VerticalPodAutoscaler: histograms, recommender, capping, updater.

Floats of histograms are compared to nine digits, since the logarithms and powers of two C
libraries may differ in the last one; everything that is decided from them is an integer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from ..kernel._histogram import HistogramBank
from ..manifests import pod_from_dict
from ..manifests.vertical import limit_range_from_dict, vertical_pod_autoscaler_from_dict
from ..model.quantity import parse_quantity
from ..model.times import format_timestamp, parse_timestamp
from ..policies.pod_autoscaler.capping import admit, process
from ..policies.pod_autoscaler.limit_ranges import milli_amounts
from ..policies.pod_autoscaler.recommender import (
    Recommendation,
    RecommenderOptions,
    recommend,
    units_of,
)
from ..policies.pod_autoscaler.updater import (
    Termination,
    UpdatePriority,
    update_order,
    update_priority,
)
from ..policies.pod_autoscaler.usage import UsageModel, cpu_bank, memory_bank

_SECOND = 1_000_000_000
_CLOSE = 1e-9
_BOUNDS = {
    "target": "target",
    "lowerBound": "lower_bound",
    "upperBound": "upper_bound",
    "uncappedTarget": "uncapped_target",
}


def replay(case: Mapping[str, Any]) -> tuple[Any, list[Any]]:
    """Return our decision and the recorded ones."""
    given, outcomes = case["input"], case["outcomes"]
    kind = given["kind"]
    if kind == "histogram":
        results = list(_histogram_results(given))
        recorded = [
            [{k: v for k, v in each.items() if k != "op"} for each in outcome["results"]]
            for outcome in outcomes
        ]
        return _snapped(results, recorded[0]), recorded
    if kind == "recommender":
        return list(_recommender_results(given)), [_recorded_results(each) for each in outcomes]
    if kind == "capping":
        defined = [["processed" in pod for pod in outcome["pods"]] for outcome in outcomes]
        return _capping(given, defined[0]), [_recorded_capping(each) for each in outcomes]
    ours = _updater(given, outcomes[0])
    return ours, [_recorded_updater(each) for each in outcomes]


def _snapped(ours: Any, recorded: Any) -> Any:
    """Return ours with floats replaced by recorded ones that equal them to nine digits."""
    if isinstance(ours, float) and isinstance(recorded, int | float):
        return recorded if abs(ours - recorded) <= _CLOSE * max(abs(ours), abs(recorded)) else ours
    if isinstance(ours, dict) and isinstance(recorded, dict):
        return {key: _snapped(value, recorded.get(key)) for key, value in ours.items()}
    if isinstance(ours, list) and isinstance(recorded, list) and len(ours) == len(recorded):
        return [_snapped(*pair) for pair in zip(ours, recorded, strict=True)]
    return ours


def _bank(options: Mapping[str, Any]) -> HistogramBank:
    half_life = round(options.get("halfLifeHours", 0) * 3600)
    if options["type"] == "cpu":
        return cpu_bank(half_life)
    if options["type"] == "memory":
        return memory_bank(half_life)
    if options["type"] == "linear":
        width = options["bucketSize"]
        return HistogramBank(width, options["maxValue"], 1.0, options["epsilon"], half_life)
    return HistogramBank(
        options["firstBucketSize"],
        options["maxValue"],
        options["ratio"],
        options["epsilon"],
        half_life,
    )


def _histogram_results(given: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    bank = _bank(given["options"])
    start = parse_timestamp(given["start"]) // _SECOND
    rows: dict[str, int] = {}

    def row_of(name: str) -> int:
        if name not in rows:
            rows[name] = bank.new()
        return rows[name]

    for kind, name, *arguments in given["ops"]:
        row = row_of(name)
        if kind == "add":
            bank.add(row, arguments[0], arguments[1], start + arguments[2])
        elif kind == "sub":
            bank.subtract(row, arguments[0], arguments[1], start + arguments[2])
        elif kind == "merge":
            bank.merge(row, bank, row_of(arguments[0]))
        elif kind == "reload":
            saved = bank.save(row)
            bank.clear(row)
            bank.load(row, *saved)
        elif kind == "info":
            found = map(bank.find, arguments[0])
            yield {
                "numBuckets": bank.n_buckets,
                "buckets": [[bucket, bank.start(bucket)] for bucket in found],
            }
        elif kind == "query":
            yield {
                "empty": bank.is_empty(row),
                "percentiles": [bank.percentile(row, share) for share in arguments[0]],
            }
        elif kind == "save":
            weights, total, reference = bank.save(row)
            result: dict[str, Any] = {
                "bucketWeights": {str(bucket): weight for bucket, weight in weights.items()},
                "totalWeight": total,
            }
            if reference is not None:
                result["referenceTimestamp"] = format_timestamp(reference * _SECOND)
            yield result


def _recommender_options(config: Mapping[str, Any]) -> RecommenderOptions:
    allowed = {name: parse_quantity(value) for name, value in config.get("maxAllowed", {}).items()}
    return RecommenderOptions(
        recommendation_margin_fraction=config.get("safetyMarginFraction", 0.15),
        pod_recommendation_min_cpu_millicores=config.get("podMinCPUMillicores", 25),
        pod_recommendation_min_memory_mb=config.get("podMinMemoryMb", 250),
        target_cpu_percentile=config.get("targetCPUPercentile", 0.9),
        round_cpu_millicores=config.get("roundCPUMillicores", 1),
        round_memory_bytes=config.get("roundMemoryBytes", 1),
        oom_bump_up_ratio=config.get("oomBumpUpRatio", 1.2),
        oom_min_bump_up_bytes=config.get("oomMinBumpUp", 104_857_600),
        histogram_decay_half_life_s=round(config.get("halfLifeHours", 24) * 3600),
        container_recommendation_max_allowed=allowed,
        cpu_integer_post_processor_enabled=config.get("cpuInteger", False),
    )


class _Recommender:
    """The recommender under the steps of a recording."""

    def __init__(self, given: Mapping[str, Any]) -> None:
        self.options = _recommender_options(given.get("config", {}))
        self.start = parse_timestamp(given["start"]) // _SECOND
        self.pods: Sequence[Mapping[str, Any]] = given["pods"]
        self.live: set[int] = set()
        self.model = UsageModel(self.options.histogram_decay_half_life_s)
        self.vpas = []
        for manifest in given["vpas"]:
            selector = dict(
                part.split("=")
                for part in manifest["metadata"]["annotations"]["selector"].split(",")
            )
            self.vpas.append(
                (vertical_pod_autoscaler_from_dict(manifest, validate=False), selector)
            )

    def add_pod(self, index: int) -> None:
        pod = self.pods[index]
        self.live.add(index)
        self.model.add_pod(str(index), pod["labels"], tuple(pod["containers"]))

    def delete_pod(self, index: int) -> None:
        self.live.discard(index)
        self.model.delete_pod(str(index))

    def add_samples(
        self, kind: str, pod: int, container: str, first: float, step: float, values: list[int]
    ) -> int:
        usage = self.model.containers.get((str(pod), container))
        if usage is None:
            return 0
        add: Callable[[int, int], bool] = usage.add_cpu if kind == "cpu" else usage.add_memory
        return sum(add(self.start + int(first + i * step), value) for i, value in enumerate(values))

    def add_oom(self, pod: int, container: str, time: int, request: int) -> bool:
        usage = self.model.containers.get((str(pod), container))
        return usage is not None and usage.add_oom(
            self.start + time,
            request,
            self.options.oom_min_bump_up_bytes,
            self.options.oom_bump_up_ratio,
        )

    def recommend(self) -> dict[str, dict[str, Any]]:
        return {
            vpa.name: {
                name: _bounds(found)
                for name, found in recommend(
                    vpa, self.model.merged(vpa.name, selector), self.options
                ).items()
            }
            for vpa, selector in self.vpas
        }

    def restart(self) -> list[list[Any]]:
        saved = {
            (vpa.name, name): aggregate.save()
            for vpa, selector in self.vpas
            for name, aggregate in self.model.merged(vpa.name, selector).items()
        }
        self.model.clear()
        for key, checkpoint in saved.items():
            self.model.initial[key] = self.model.banks.new()
            self.model.initial[key].load(checkpoint)
        for index in sorted(self.live):
            self.add_pod(index)
        return sorted(
            [*key, len(each.cpu[0]), len(each.memory[0]), each.n_samples]
            for key, each in saved.items()
        )


def _recommender_results(given: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    recommender = _Recommender(given)
    for kind, *arguments in given["steps"]:
        if kind == "addPod":
            recommender.add_pod(*arguments)
        elif kind == "deletePod":
            recommender.delete_pod(*arguments)
        elif kind in ("cpu", "mem"):
            yield {"accepted": recommender.add_samples(kind, *arguments)}
        elif kind == "oom":
            yield {"oom": "ok" if recommender.add_oom(*arguments) else "discarded"}
        elif kind == "recommend":
            yield {"recommend": recommender.recommend()}
        else:
            yield {"checkpoints": recommender.restart()}


def _bounds(found: Recommendation) -> dict[str, dict[str, int]]:
    return {name: dict(getattr(found, field)) for name, field in _BOUNDS.items()}


def _recorded_results(outcome: Mapping[str, Any]) -> list[dict[str, Any]]:
    results = []
    for each in outcome["results"]:
        if "recommend" in each:
            each = {
                "recommend": {
                    vpa: {
                        entry["containerName"]: {
                            bound: {
                                resource: units_of(resource, parse_quantity(quantity))
                                for resource, quantity in entry.get(bound, {}).items()
                            }
                            for bound in _BOUNDS
                        }
                        for entry in entries or []
                    }
                    for vpa, entries in each["recommend"].items()
                }
            }
        elif "checkpoints" in each:
            each = {"checkpoints": [list(row) for row in each["checkpoints"]]}
        else:
            each = {key: each[key] for key in ("accepted", "oom") if key in each}
        results.append(each)
    return results


def _capping(given: Mapping[str, Any], defined: Sequence[bool]) -> list[Any]:
    """One entry per pod; None where the real program crashes, which defines no answer."""
    vpa = vertical_pod_autoscaler_from_dict(given["vpa"], validate=False)
    limit_ranges = [limit_range_from_dict(each) for each in given.get("limitRanges", [])]
    result: list[Any] = []
    for manifest, is_defined in zip(given["k8sPods"], defined, strict=True):
        if not is_defined:
            result.append(None)
            continue
        pod = pod_from_dict(manifest, validate=False)
        processed = process(vpa, pod, limit_ranges)
        result.append(
            {
                "processed": {
                    it.name: {b: it.bounds[f] for b, f in _BOUNDS.items() if it.bounds.get(f)}
                    for it in processed
                },
                "annotations": {it.name: it.capped for it in processed if it.capped},
                "containers": [
                    [each.requests, each.limits]
                    for each in admit(vpa, pod, processed, limit_ranges)
                ],
            }
        )
    return result


def _milli(quantities: Mapping[str, Any]) -> dict[str, int]:
    return milli_amounts({name: parse_quantity(value) for name, value in quantities.items()})


def _recorded_capping(outcome: Mapping[str, Any]) -> list[Any]:
    return [
        {
            "processed": {
                entry["containerName"]: {
                    bound: _milli(entry[bound]) for bound in _BOUNDS if entry.get(bound)
                }
                for entry in pod["processed"]
            },
            "annotations": pod["annotations"],
            "containers": [
                [_milli(each["requests"]), _milli(each["limits"])] for each in pod["containers"]
            ],
        }
        if "processed" in pod
        else None
        for pod in outcome["pods"]
    ]


def _updater(given: Mapping[str, Any], outcome: Mapping[str, Any]) -> dict[str, Any]:
    """Among equal priorities upstream guarantees no order: ours follows the recorded one."""
    vpa = vertical_pod_autoscaler_from_dict(given["vpa"], validate=False)
    limit_ranges = [limit_range_from_dict(each) for each in given.get("limitRanges", [])]
    now = parse_timestamp(given["now"])
    change = given.get("updater", {}).get("minChange", 0.1)
    priorities = [
        update_priority(
            vpa,
            pod_from_dict(manifest, validate=False),
            _terminations(manifest),
            limit_ranges,
            now,
            change,
        )
        for manifest in given["k8sPods"]
    ]
    recorded = {name: place for place, name in enumerate(outcome["order"] or [])}
    tied = sorted(priorities, key=lambda it: recorded.get(it.pod, len(recorded)))
    ours = {
        "priorities": [_priority(it) for it in priorities],
        "order": [it.pod for it in update_order(tied)],
    }
    return {
        "priorities": _snapped(ours["priorities"], _recorded_updater(outcome)["priorities"]),
        "order": ours["order"],
    }


def _priority(it: UpdatePriority) -> dict[str, Any]:
    return {
        "pod": it.pod,
        "outsideRecommendedRange": it.outside_recommended_range,
        "scaleUp": it.scale_up,
        "resourceDiff": it.resource_diff,
    }


def _recorded_updater(outcome: Mapping[str, Any]) -> dict[str, Any]:
    return {"priorities": outcome["priorities"], "order": outcome["order"] or []}


def _terminations(manifest: Mapping[str, Any]) -> list[Termination]:
    result = []
    for status in manifest.get("status", {}).get("containerStatuses", []):
        last = status.get("lastState", {}).get("terminated")
        if last is not None:
            result.append(
                Termination(
                    status["name"],
                    last["reason"],
                    parse_timestamp(last["startedAt"]),
                    parse_timestamp(last["finishedAt"]),
                )
            )
    return result
