"""How good the feasible nodes of a window are.

To the cached score of each node by itself come those that are normalised over the window, and
computed for every window.
"""

from libc.math cimport log
from libc.stdint cimport int32_t, int64_t
from libc.stdlib cimport free
from libc.string cimport memset

from pyscale.kernel._cluster cimport class_t, spread_t
from pyscale.kernel._growth cimport reserve
from pyscale.kernel._match cimport static_t
from pyscale.kernel._score cimport (
    divide,
    heap_key,
    heap_position,
    round_away,
)
from pyscale.kernel._node_scores cimport (
    N_SCORERS,
    S_BALANCE,
    S_IMAGES,
    S_NODE_AFFINITY,
    S_POD_AFFINITY,
    S_RESOURCES,
    S_SPREAD,
    S_TAINTS,
    NodeScores,
)
from pyscale.kernel._topology cimport counter_t
from pyscale.kernel._windows cimport (
    add_constant,
    add_scaled,
    fewest,
    round_half_away,
    share,
    spread_out,
    survey,
    tied_key,
    use_window_avx2,
    window_avx2,
)

cdef double LARGE = 2.0e9          # sums below it are rounded in 32 bits

use_window_avx2(1)


def use_avx2(bint wanted):
    """Choose the vector loops; returns whether AVX2 is used.  For tests."""
    use_window_avx2(wanted)
    return bool(window_avx2)


cdef class ScoreTable(NodeScores):
    """A cluster that scores nodes."""

    def __cinit__(self, bint interleaved=True):
        self.stamps = NULL

    def __dealloc__(self):
        cdef int64_t i
        free(self.feasible)
        free(self.totals)
        free(self.sums)
        free(self.raw)
        free(self.normalised)
        free(self.heap_keys)
        for i in range(self.stamp_columns):
            free(self.stamps[i])
        free(self.stamps)
        free(self.stamp_capacity)

    # --- scores that are normalised over the window ---

    cdef int grow_windows(self) except -1 nogil:
        cdef int64_t before, had = self.window_capacity, column, i
        if self.window_capacity < self.n_nodes:
            before = had
            reserve(<void**>&self.feasible, &before, self.node_capacity, sizeof(int32_t))
            before = had
            reserve(<void**>&self.totals, &before, self.node_capacity, sizeof(int32_t))
            before = had
            reserve(<void**>&self.sums, &before, self.node_capacity, sizeof(double))
            before = 4 * had
            reserve(<void**>&self.raw, &before, 4 * self.node_capacity, sizeof(int32_t))
            before = 4 * had
            reserve(<void**>&self.normalised, &before, 4 * self.node_capacity, sizeof(int32_t))
            self.window_capacity = self.node_capacity
            before = self.heap_capacity
            reserve(
                <void**>&self.heap_keys, &self.heap_capacity, self.node_capacity, sizeof(int32_t)
            )
            for i in range(before, self.heap_capacity):
                self.heap_keys[i] = heap_key(i)
        if self.stamp_columns < self.match.n_columns:
            before = self.stamp_columns
            reserve(
                <void**>&self.stamps, &before, self.match.n_columns, sizeof(int32_t*)
            )
            reserve(
                <void**>&self.stamp_capacity, &self.stamp_columns, self.match.n_columns, 8
            )
        for column in range(self.match.n_columns):
            reserve(
                <void**>&self.stamps[column], &self.stamp_capacity[column],
                self.match.columns[column].n_values + 1, sizeof(int32_t),
            )
        return 0

    cdef int normalise_default(self, int32_t* raw, int32_t* out, bint reverse) except -1 nogil:
        cdef int32_t most = 0, least = 0, count = 0, i
        survey(raw, self.n_feasible, &most, &least, &count)
        if most <= 0:
            for i in range(self.n_feasible):
                out[i] = 100 if reverse else raw[i]
            return 0
        share(raw, out, most, reverse, self.n_feasible)
        return 0

    cdef int score_taints(self, class_t* pods) except -1 nogil:
        cdef static_t* static = &self.match.statics[pods.static]
        cdef int32_t* raw = self.raw
        cdef int32_t i
        for i in range(self.n_feasible):
            raw[i] = static.prefer_taints[self.feasible[i]]
        self.normalise_default(raw, self.normalised, True)
        return 0

    cdef int score_preference(self, class_t* pods) except -1 nogil:
        cdef static_t* static = &self.match.statics[pods.static]
        cdef int32_t* raw = self.raw + self.window_capacity
        cdef int32_t i
        for i in range(self.n_feasible):
            raw[i] = static.preference[self.feasible[i]]
        self.normalise_default(raw, self.normalised + self.window_capacity, False)
        return 0

    cdef int64_t ignore_nodes(self, class_t* pods, int32_t* out) except -1 nogil:
        """Mark nodes without a spread constraint's key by -1; returns how many there are."""
        cdef int64_t n_ignored = 0
        cdef int32_t* values
        cdef int32_t i, j
        cdef bint everywhere = True
        for j in range(pods.n_spread_score):
            if self.match.columns[pods.spread_score[j].column].n_present != self.n_active:
                everywhere = False
        if everywhere or not pods.spread_keys_required:
            return 0
        for i in range(self.n_feasible):
            out[i] = 0
            for j in range(pods.n_spread_score):
                values = self.match.columns[pods.spread_score[j].column].value
                if values[self.feasible[i]] < 0:
                    out[i] = -1
            n_ignored -= out[i]
        return n_ignored

    cdef int64_t count_domains(
        self, spread_t* spread, int64_t n_ignored, int32_t* ignored
    ) except -1 nogil:
        """The number of domains among the nodes of the window that are not ignored."""
        cdef int32_t* values = self.match.columns[spread.column].value
        cdef int32_t* stamps = self.stamps[spread.column]
        cdef int64_t n_domains = 0
        cdef int64_t most = self.match.columns[spread.column].n_values + 1
        cdef int32_t i, d
        if spread.hostname:
            return self.n_feasible - n_ignored
        self.window += 1
        for i in range(self.n_feasible):
            if n_ignored and ignored[i] < 0:
                continue
            # A node without the label, if it isn't ignored, is a domain of its own kind.
            d = values[self.feasible[i]] + 1
            if stamps[d] != self.window:
                stamps[d] = self.window
                n_domains += 1
                if n_domains == most:
                    break
        return n_domains

    cdef int add_counts(self, spread_t* spread, double weight) except -1 nogil:
        """Add one constraint's term to the sums of the window."""
        cdef counter_t* counter = &self.topology.counters[spread.counter]
        cdef int32_t* values = self.match.columns[spread.column].value
        cdef double base = <double>(spread.max_skew - 1)
        cdef bint everywhere = (
            self.match.columns[spread.column].n_present == self.n_active
        )
        cdef int32_t i, d
        cdef double count
        if counter.total == 0 and everywhere:
            for i in range(self.n_feasible):
                self.sums[i] += 0.0 * weight + base
            return 0
        if spread.hostname and everywhere and counter.domain_capacity >= self.n_nodes:
            for i in range(self.n_feasible):
                self.sums[i] += <double>counter.count[self.feasible[i]] * weight + base
            return 0
        for i in range(self.n_feasible):
            d = values[self.feasible[i]]
            if d < 0:
                continue
            if spread.hostname:
                d = self.feasible[i]
            count = <double>(counter.count[d] if d < counter.domain_capacity else 0)
            self.sums[i] += count * weight + base
        return 0

    cdef int score_spread(self, class_t* pods) except -1 nogil:
        cdef int32_t* raw = self.raw + 2 * self.window_capacity
        cdef int32_t* out = self.normalised + 2 * self.window_capacity
        cdef int64_t n_ignored
        cdef int32_t least = 0, most = 0, count = 0
        cdef bint any_counted = False
        cdef int32_t i, j
        n_ignored = self.ignore_nodes(pods, out)
        for i in range(self.n_feasible):
            self.sums[i] = 0.0
        for j in range(pods.n_spread_score):
            self.add_counts(
                &pods.spread_score[j],
                log(<double>(self.count_domains(&pods.spread_score[j], n_ignored, out) + 2)),
            )
        for i in range(self.n_feasible):
            if not -LARGE < self.sums[i] < LARGE:
                return self.score_spread_large(pods, n_ignored)
        round_half_away(self.sums, raw, self.n_feasible)
        if n_ignored == 0:
            survey(raw, self.n_feasible, &most, &least, &count)
            if most <= 0:
                for i in range(self.n_feasible):
                    out[i] = 100
            else:
                fewest(raw, out, most, least, self.n_feasible)
            return 0
        for i in range(self.n_feasible):
            if out[i] < 0:
                raw[i] = 0
                continue
            if not any_counted or raw[i] < least:
                least = raw[i]
            if raw[i] > most:
                most = raw[i]
            any_counted = True
        for i in range(self.n_feasible):
            if out[i] < 0:
                out[i] = 0
            elif most == 0:
                out[i] = 100
            else:
                out[i] = <int32_t>divide(100 * (<int64_t>most + least - raw[i]), most)
        return 0

    cdef int score_spread_large(self, class_t* pods, int64_t n_ignored) except -1 nogil:
        """As score_spread for sums beyond 32 bits (a maxSkew near its limit)."""
        cdef int32_t* raw = self.raw + 2 * self.window_capacity
        cdef int32_t* out = self.normalised + 2 * self.window_capacity
        cdef int64_t least = 0, most = 0, score
        cdef bint any_counted = False
        cdef int32_t i
        for i in range(self.n_feasible):
            raw[i] = 0
            if n_ignored and out[i] < 0:
                continue
            score = round_away(self.sums[i])
            raw[i] = <int32_t>score if score < 0x7FFFFFFF else 0x7FFFFFFF
            if not any_counted or score < least:
                least = score
            if score > most:
                most = score
            any_counted = True
        for i in range(self.n_feasible):
            if n_ignored and out[i] < 0:
                out[i] = 0
            elif most == 0:
                out[i] = 100
            else:
                out[i] = <int32_t>divide(
                    100 * (most + least - round_away(self.sums[i])), most
                )
        return 0

    cdef int score_affinity(self, class_t* pods) except -1 nogil:
        cdef int32_t* raw = self.raw + 3 * self.window_capacity
        cdef int32_t* out = self.normalised + 3 * self.window_capacity
        cdef counter_t* counter
        cdef int32_t* values
        cdef int32_t i, j, d
        cdef int32_t least = 0, most = 0, count = 0
        memset(raw, 0, self.n_feasible * sizeof(int32_t))
        for j in range(pods.n_preferred):
            counter = &self.topology.counters[pods.preferred[j].counter]
            if counter.entries == 0:
                continue
            values = self.match.columns[pods.preferred[j].column].value
            for i in range(self.n_feasible):
                d = values[self.feasible[i]]
                if 0 <= d < counter.domain_capacity:
                    raw[i] += counter.count[d]
        survey(raw, self.n_feasible, &most, &least, &count)
        if most == least:
            memset(out, 0, self.n_feasible * sizeof(int32_t))
        else:
            # The division first: an integer formula gives other results.
            spread_out(raw, out, least, <double>(<int64_t>most - least), self.n_feasible)
        return 0

    cdef int score_window(self, class_t* pods) except -1 nogil:
        """Add the normalised scores to the totals of the feasible nodes."""
        cdef static_t* static = &self.match.statics[pods.static]
        cdef int64_t entries = 0
        cdef int32_t i, n = self.n_feasible
        memset(self.scored, 0, N_SCORERS)
        if self.weights[S_TAINTS]:
            self.scored[S_TAINTS] = 1
            if static.most_prefer_taints:
                self.score_taints(pods)
                add_scaled(self.totals, self.normalised, <int32_t>self.weights[S_TAINTS], n)
            else:
                add_constant(self.totals, <int32_t>(100 * self.weights[S_TAINTS]), n)
        if self.weights[S_NODE_AFFINITY] and static.preferred.n:
            self.scored[S_NODE_AFFINITY] = 1
            self.score_preference(pods)
            add_scaled(
                self.totals, self.normalised + self.window_capacity,
                <int32_t>self.weights[S_NODE_AFFINITY], n,
            )
        if self.weights[S_SPREAD] and pods.n_spread_score:
            self.scored[S_SPREAD] = 1
            self.score_spread(pods)
            add_scaled(
                self.totals, self.normalised + 2 * self.window_capacity,
                <int32_t>self.weights[S_SPREAD], n,
            )
        if self.weights[S_POD_AFFINITY] and not pods.preferred_skipped:
            for i in range(pods.n_preferred):
                entries += self.topology.counters[pods.preferred[i].counter].entries
            if entries:
                self.scored[S_POD_AFFINITY] = 1
                self.score_affinity(pods)
                add_scaled(
                    self.totals, self.normalised + 3 * self.window_capacity,
                    <int32_t>self.weights[S_POD_AFFINITY], n,
                )
        return 0

    cdef int32_t root(self) noexcept nogil:
        """The index of the chosen node among the feasible ones."""
        cdef int32_t i, most = 0, least = 0, count = 0
        survey(self.totals, self.n_feasible, &most, &least, &count)
        if self.first_of_best:
            for i in range(self.n_feasible):
                if self.totals[i] == most:
                    return i
        return <int32_t>heap_position(
            tied_key(self.totals, self.heap_keys, most, self.n_feasible)
        )

    # --- doors for Python ---

    def last_window(self):
        """Return (feasible nodes, totals) of the last cycle, in the order found."""
        return (
            [self.feasible[i] for i in range(self.n_feasible)],
            [self.totals[i] for i in range(self.n_feasible)],
        )

    def last_best(self):
        """Return the nodes with the best total of the last cycle, in the order found."""
        cdef int32_t i, best
        if self.n_feasible < 2:
            return [self.feasible[i] for i in range(self.n_feasible)]
        best = self.totals[0]
        for i in range(self.n_feasible):
            if self.totals[i] > best:
                best = self.totals[i]
        return [self.feasible[i] for i in range(self.n_feasible) if self.totals[i] == best]

    def last_scores(self, int32_t class_id):
        """Return per score plugin None (skipped) or (raw, normalised or None) of the last cycle."""
        cdef class_t* pods = &self.classes[class_id]
        cdef static_t* static = &self.match.statics[pods.static]
        cdef int32_t i, n = self.n_feasible
        cdef int64_t w = self.window_capacity
        result = [None] * N_SCORERS
        if self.scored[S_TAINTS]:
            result[S_TAINTS] = (
                [static.prefer_taints[self.feasible[i]] for i in range(n)], None
            )
            most = max(result[S_TAINTS][0])
            result[S_TAINTS] = (
                result[S_TAINTS][0],
                [100 - (100 * raw // most if most else 0) for raw in result[S_TAINTS][0]],
            )
        for scorer, place in ((S_NODE_AFFINITY, 1), (S_SPREAD, 2), (S_POD_AFFINITY, 3)):
            if self.scored[<int>scorer]:
                result[scorer] = (
                    [self.raw[<int>place * w + i] for i in range(n)],
                    [self.normalised[<int>place * w + i] for i in range(n)],
                )
        if self.weights[S_RESOURCES]:
            result[S_RESOURCES] = (
                [self.fit_score(pods, self.feasible[i]) for i in range(n)], None
            )
        if self.weights[S_BALANCE] and not pods.balance_skipped:
            result[S_BALANCE] = (
                [self.balance_score(pods, self.feasible[i]) for i in range(n)], None
            )
        if self.weights[S_IMAGES]:
            result[S_IMAGES] = (
                [self.image_score(pods, self.feasible[i]) for i in range(n)], None
            )
        return result

    def last_rule_scores(self, int32_t class_id, int32_t rule):
        """Return what a user's rule says of the feasible nodes of the last cycle."""
        cdef double answer
        cdef int32_t i
        answers = []
        for i in range(self.n_feasible):
            self.ask_rule(&self.classes[class_id], rule, &self.feasible[i], 1, &answer)
            answers.append(<int64_t>answer)
        return answers
