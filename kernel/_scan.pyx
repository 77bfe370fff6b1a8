"""The window of a cycle: the nodes that are looked at, and those of them that are feasible.

What depends only on the node itself (static filters, ports, resources, volumes, and the scores of
resources and images) is one cached number per (class, node), computed again only when the node
changed.  Filters and scores that depend on other nodes read topology counters.
"""

from libc.stdint cimport int32_t, int64_t, uint64_t
from libc.stdlib cimport free

from pyscale.kernel._bits cimport lowest_bit, popcount
from pyscale.kernel._cluster cimport DIRTY, INFEASIBLE, class_t
from pyscale.kernel._filters cimport (
    BLOCK,
    FITS,
    P_POD_AFFINITY,
    P_SPREAD,
    P_VOLUME_RESTRICTIONS,
    gate_t,
)
from pyscale.kernel._growth cimport push
from pyscale.kernel._score cimport heap_position
from pyscale.kernel._scores cimport (
    S_NODE_AFFINITY,
    S_POD_AFFINITY,
    S_SPREAD,
    S_TAINTS,
    ScoreTable,
)
from pyscale.kernel._windows cimport (
    equal_bits,
    feasible_bits,
    survey,
    tied_key,
    use_window_avx2,
    window_avx2,
)

from pyscale.kernel._scores import use_avx2 as use_avx2_in_scores

cdef enum:
    NO_KEY = -0x80000000

use_window_avx2(1)


def use_avx2(bint wanted):
    """Choose the vector loops; returns whether AVX2 is used.  For tests."""
    use_window_avx2(wanted)
    use_avx2_in_scores(wanted)
    return bool(window_avx2)


cdef class ScanTable(ScoreTable):
    """A cluster that finds the feasible nodes of a class."""

    def __cinit__(self, bint interleaved=True):
        self.scoring = False
        self.percentage = 100

    def __dealloc__(self):
        free(self.candidates.at)

    cdef int restrict(self, class_t* pods) except -1 nogil:
        """Write the nodes with the names that the class is restricted to."""
        cdef int64_t i
        cdef int32_t node
        self.candidates.n = 0
        for i in range(pods.names.n):
            if pods.names.at[i] < self.node_of_name.n:
                node = self.node_of_name.at[pods.names.at[i]]
                if node >= 0 and self.nodes[node].listed:
                    push(&self.candidates, node)
        return 0

    cdef int fill_block(self, class_t* pods, int64_t place, int64_t width) except -1 nogil:
        """Compute what is dirty among up to BLOCK places of the list."""
        cdef int32_t* cached = pods.score
        cdef int32_t* nodes = self.order.at
        cdef uint64_t bits = equal_bits(cached + place, DIRTY, <int>width)
        cdef int32_t[BLOCK] asked
        cdef int32_t[BLOCK] places
        cdef double[BLOCK] answers
        cdef int32_t i, rule, kept, n = 0
        cdef int64_t at
        while bits:
            at = place + lowest_bit(bits)
            bits &= bits - 1
            cached[at] = self.local_score(pods, nodes[at])
            if cached[at] >= 0:
                asked[n] = nodes[at]
                places[n] = <int32_t>at
                n += 1
        for rule in range(self.n_rules):
            if n == 0:
                break
            self.ask_rule(pods, rule, asked, n, answers)
            kept = 0
            for i in range(n):
                if self.rule_weights[rule]:
                    cached[places[i]] += <int32_t>(
                        self.rule_weights[rule] * <int64_t>answers[i]
                    )
                elif answers[i] == 0.0:
                    cached[places[i]] = INFEASIBLE
                    continue
                asked[kept] = asked[i]
                places[kept] = places[i]
                kept += 1
            n = kept
        return 0

    cdef int64_t wanted_nodes(self, int64_t n) noexcept nogil:
        """How many feasible nodes end the scan of n nodes."""
        cdef int64_t percentage = self.percentage
        cdef int64_t wanted
        if not self.scoring:
            return 1
        if n < 100:
            return n
        if percentage == 0:
            percentage = 50 - n // 125
            if percentage < 5:
                percentage = 5
        wanted = n * percentage // 100
        return wanted if wanted > 100 else 100

    cdef int scan(
        self, int32_t class_id, int64_t priority, int64_t pod, int32_t refused, cycle_t* result
    ) except -1 nogil:
        """From the start on until enough nodes are feasible and one more is met.

        ``refused`` is a node that was looked at before in vain, or -1; it counts as evaluated.
        """
        cdef class_t* pods = &self.classes[class_id]
        cdef int32_t* nodes = self.order.at
        cdef int32_t* cached = pods.score
        cdef int64_t n = self.order.n
        cdef int64_t wanted, i, place, position
        cdef int32_t node, score, m = 0
        cdef gate_t gate
        cdef bint distant
        cdef bint claimed = self.filters[P_VOLUME_RESTRICTIONS] and self.claim_is_in_use(pods)
        if pods.has_names:
            self.restrict(pods)
            nodes = self.candidates.at
            n = self.candidates.n
        self.prepare(pods, &gate)
        distant = gate.n or gate.general
        wanted = self.wanted_nodes(n)
        place = self.next_start % n if n else 0
        result.n_evaluated = <int32_t>n + (refused >= 0)
        for i in range(n):
            node = nodes[place]
            position = self.position[node] if pods.has_names else place
            place += 1
            if place == n:
                place = 0
            if node == refused:
                result.n_evaluated -= 1
            score = cached[position]
            if score < 0:
                if score == DIRTY:
                    self.fill_block(pods, position, min(<int64_t>BLOCK, self.order.n - position))
                    score = cached[position]
                if score == INFEASIBLE:
                    continue
            if claimed:
                continue
            if distant:
                if gate.general:
                    if self.distant_verdict(pods, node) != FITS:
                        continue
                elif not self.passes(&gate, node):
                    continue
            if self.n_nominations and self.nodes[node].n_nominated:
                if self.check_nominated(class_id, node, priority, pod) != FITS:
                    continue
            if m == wanted:
                result.n_evaluated -= <int32_t>(n - i)
                if node == refused:
                    result.n_evaluated += 1
                break
            self.feasible[m] = node
            self.totals[m] = score
            m += 1
        self.n_feasible = m
        result.n_feasible = m
        return 0

    cdef bint is_plain(self, class_t* pods) noexcept nogil:
        """Whether nothing but the cached scores tells the nodes of a window apart."""
        cdef int32_t i
        if (
            pods.has_names or self.n_nominations or self.first_of_best or not self.scoring
            or pods.claim_in_use >= 0 or pods.preference_invalid
            or (pods.n_spread and self.filters[P_SPREAD])
            or (pods.n_spread_score and self.weights[S_SPREAD])
            or (self.match.statics[pods.static].preferred.n and self.weights[S_NODE_AFFINITY])
        ):
            return False
        if self.filters[P_POD_AFFINITY]:
            if pods.n_affinity:
                return False
            for i in range(pods.n_anti_affinity):
                if self.topology.counters[pods.anti_affinity[i].counter].total:
                    return False
            for i in range(pods.n_existing):
                if self.topology.counters[pods.existing[i].counter].total:
                    return False
        if self.weights[S_POD_AFFINITY] and not pods.preferred_skipped:
            for i in range(pods.n_preferred):
                if self.topology.counters[pods.preferred[i].counter].entries:
                    return False
        return True

    cdef int scan_plain(self, int32_t class_id, cycle_t* result) except -1 nogil:
        """The whole cycle of a class for which :meth:`is_plain`, on cached scores alone.

        Two passes over blocks of the window: count and maximum, then the nodes at the maximum.
        Gives up (returns 0) where soft taints turn out to matter.
        """
        cdef class_t* pods = &self.classes[class_id]
        cdef int32_t* cached = pods.score
        cdef int32_t* nodes = self.order.at
        cdef int64_t n = self.order.n
        cdef int64_t wanted = self.wanted_nodes(n)
        cdef int64_t first = self.next_start % n
        cdef int64_t place = first, seen = 0, width, rank = 0, m = 0
        cdef int32_t best = -1, most = 0, least = 0, count = 0, key, top = NO_KEY
        cdef uint64_t bits, fits
        while seen < n:
            width = min(<int64_t>BLOCK, n - seen, n - place)
            survey(cached + place, <int>width, &most, &least, &count)
            if least == DIRTY:
                self.fill_block(pods, place, width)
                survey(cached + place, <int>width, &most, &least, &count)
            if m + count > wanted:
                # The window ends in this block, before the first feasible node too many.
                bits = feasible_bits(cached + place, <int>width)
                while m < wanted:
                    bits &= bits - 1
                    m += 1
                width = lowest_bit(bits)
                survey(cached + place, <int>width, &most, &least, &count)
                if width and most > best:
                    best = most
                seen += width
                break
            m += count
            if most > best:
                best = most
            seen += width
            place += width
            if place == n:
                place = 0
        if self.match.statics[pods.static].most_prefer_taints and self.weights[S_TAINTS]:
            return 0
        self.n_feasible = <int32_t>m
        result.n_feasible = <int32_t>m
        result.n_evaluated = <int32_t>seen
        if m == 0:
            return 1
        place = first
        rank = 0
        while seen > 0:
            width = min(<int64_t>BLOCK, seen, n - place)
            survey(cached + place, <int>width, &most, &least, &count)
            if most == best and count == width:
                key = tied_key(cached + place, self.heap_keys + rank, best, <int>width)
                if key > top:
                    top = key
                    result.chosen = nodes[place + heap_position(top) - rank]
            elif most == best:
                bits = equal_bits(cached + place, best, <int>width)
                fits = feasible_bits(cached + place, <int>width)
                while bits:
                    key = self.heap_keys[
                        rank + popcount(fits & ((<uint64_t>1 << lowest_bit(bits)) - 1))
                    ]
                    if key > top:
                        top = key
                        result.chosen = nodes[place + lowest_bit(bits)]
                    bits &= bits - 1
            rank += count
            seen -= width
            place += width
            if place == n:
                place = 0
        if m > 1:
            result.total = best + 100 * self.weights[S_TAINTS]
        return 1
