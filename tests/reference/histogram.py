"""A decaying histogram with exact shares: all samples are kept, weights are computed at the end."""

import math


class Samples:
    def __init__(self, first, maximum, ratio, half_life):
        self.first, self.ratio, self.half_life = first, ratio, half_life
        self.count = math.ceil(self.position(maximum)) + 1
        self.samples = []

    def position(self, value):
        return math.log(value * (self.ratio - 1) / self.first + 1) / math.log(self.ratio)

    def bucket(self, value):
        if value < self.first:
            return 0
        return min(math.floor(self.position(value)), self.count - 1)

    def add(self, value, weight, time):
        self.samples.append((self.bucket(value), weight, time))

    def shares(self, now):
        """Cumulative share of the weight up to each bucket that holds any."""
        weights = {}
        for bucket, weight, time in self.samples:
            decay = 2.0 ** ((time - now) / self.half_life)
            weights[bucket] = weights.get(bucket, 0.0) + weight * decay
        total, partial, result = sum(weights.values()), 0.0, []
        for bucket in sorted(weights):
            partial += weights[bucket]
            result.append((bucket, partial / total))
        return result
