"""Horizontal pod autoscaling of one workload, pod by pod and step by step."""

import math
from dataclasses import dataclass, field
from fractions import Fraction

INT32_MAX = 2**31 - 1
INT32_MIN = -(2**31)


def int32(value):
    return value if INT32_MIN <= value <= INT32_MAX else INT32_MIN


def truncated(dividend, divisor):
    return int(Fraction(dividend, divisor))


@dataclass
class Pods:
    """Usage and request of pods by class; an unready or missing pod has a request only."""

    ready: list[tuple[int, int]] = field(default_factory=list)
    unready: list[int] = field(default_factory=list)
    missing: list[int] = field(default_factory=list)


def propose_per_pod(pods, target, current, up, down, utilization):
    """None where the metric is invalid."""

    def ratio(samples):
        if utilization:
            requested = sum(request for _, request in samples)
            if requested == 0:
                return None
            return truncated(sum(usage for usage, _ in samples) * 100, requested) / target
        return truncated(sum(usage for usage, _ in samples), len(samples)) / target

    def within(value):
        return 1.0 - down <= value <= 1.0 + up

    samples = list(pods.ready)
    if not samples or (first := ratio(samples)) is None:
        return None
    up_with_unready = pods.unready and first > 1
    if not up_with_unready and not pods.missing:
        return current if within(first) else int32(math.ceil(first * len(pods.ready)))
    for request in pods.missing if first != 1 else []:
        full = truncated(request * max(100, target), 100) if utilization else target
        samples.append((full if first < 1 else 0, request))
    for request in pods.unready if up_with_unready else []:
        samples.append((0, request))
    second = ratio(samples)
    if within(second) or first < 1 < second or second < 1 < first:
        return current
    wanted = int32(math.ceil(second * len(samples)))
    against = (second < 1 and wanted > current) or (second > 1 and wanted < current)
    return current if against else wanted


@dataclass
class Rules:
    window: int
    select: str
    policies: list[tuple[str, int, int]]  # kind, value, period


@dataclass
class History:
    """Recommendations are kept for ever, as nothing outdated may count.

    Changes are not: the periods of both directions count either's changes, but upstream keeps one
    only for the longest period of its own, so what it forgets is felt in the other.
    """

    recommendations: list[tuple[int, int]] = field(default_factory=list)
    ups: list[tuple[int, int]] = field(default_factory=list)
    downs: list[tuple[int, int]] = field(default_factory=list)

    def record(self, now, change, rules):
        changes = self.ups if change > 0 else self.downs
        longest = max(period for _, _, period in rules.policies)
        outdated = [place for place, (t, _) in enumerate(changes) if t < now - longest]
        if outdated:
            changes[outdated[-1]] = now, change
        else:
            changes.append((now, change))


def normalise(history, now, proposal, current, minimum, maximum, up, down, default_window):
    """Return the desired replicas; ``up`` None means no behavior."""
    if not history.recommendations:
        history.recommendations.append((now, current))
    past = list(history.recommendations)
    history.recommendations.append((now, proposal))
    if up is None:
        stable = max([proposal, *(v for t, v in past if t >= now - default_window)])
        highest = min(maximum, max(2 * current, 4))
        desired = minimum if stable < minimum else min(stable, highest)
    else:
        low = min([proposal, *(v for t, v in past if t > now - up.window)])
        high = max([proposal, *(v for t, v in past if t > now - down.window)])
        desired = min(max(current, low), high)
        if desired > current:
            limit = max(limit_of(history, now, current, up, 1), current)
            desired = min(desired, maximum, limit)
        elif desired < current:
            limit = min(limit_of(history, now, current, down, -1), current)
            desired = max(desired, minimum, limit)
        if desired != current:
            history.record(now, desired - current, up if desired > current else down)
    return desired


def limit_of(history, now, current, rules, direction):
    if rules.select == "Disabled":
        return current
    limits = []
    for kind, value, period in rules.policies:
        changes = [*history.ups, *history.downs]
        start = current - sum(change for t, change in changes if t > now - period)
        if kind == "Pods":
            limits.append(start + direction * value)
        elif direction > 0:
            limits.append(math.ceil(start * (1 + value / 100)))
        else:
            limits.append(int(start * (1 - value / 100)))
    takes_largest = (rules.select == "Max") == (direction > 0)
    return max(limits) if takes_largest else min(limits)
