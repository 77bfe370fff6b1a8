"""Counts of pods per topology domain.

A *counter* belongs to one topology key and to one question about pods ("which pods does this
selector of that class match", "how much do existing pods' terms favour pods labelled so").  The
answer is known per pod class as a weight; placing a pod of the class adds its weight to the
domain of the node.  Counters for spread constraints count only the nodes that the constraint's
policies include, know which domains exist (a domain exists where an included node is), and keep
the minimum over them: a step up from the minimum costs a scan only when the last domain at the
minimum leaves it.

All changes are additions, so that whatever was added can be taken away in any order: that is the
undo.
"""

cimport cython
from libc.stdint cimport int32_t, int64_t, uint8_t
from libc.stdlib cimport free

from pyscale.kernel._growth cimport reserve
from pyscale.kernel._match cimport AFFINITY_OK, TAINTS_OK, MatchTable, fill


@cython.final
cdef class TopologyCounts:
    """Counters over the nodes of one match table."""

    def __cinit__(self, MatchTable match not None):
        self.match = match

    def __dealloc__(self):
        cdef int32_t i
        for i in range(self.n_counters):
            free(self.counters[i].keys.at)
            free(self.counters[i].counts_node)
            free(self.counters[i].count)
            free(self.counters[i].nodes)
        free(self.counters)

    cdef int grow_nodes(self, int64_t capacity) except -1 nogil:
        """Make every per-node array hold ``capacity`` nodes."""
        cdef int64_t before
        cdef int32_t i
        for i in range(self.n_counters):
            if self.counters[i].limited:
                before = self.node_capacity
                reserve(
                    <void**>&self.counters[i].counts_node, &before, capacity, sizeof(uint8_t)
                )
        if capacity > self.node_capacity:
            self.node_capacity = capacity
        return 0

    def add_counter(
        self, int32_t column, object keys=(), int32_t affinity_static=-1,
        int32_t taints_static=-1, bint tracked=False,
    ):
        """Return the id of a new counter; nodes that exist have to be joined by the caller."""
        cdef counter_t* counter
        cdef int64_t before = 0
        reserve(<void**>&self.counters, &self.capacity, self.n_counters + 1, sizeof(counter_t))
        counter = &self.counters[self.n_counters]
        self.n_counters += 1
        counter.column = column
        counter.affinity_static = affinity_static
        counter.taints_static = taints_static
        fill(&counter.keys, keys)
        counter.tracked = tracked
        counter.limited = counter.keys.n > 0 or affinity_static >= 0 or taints_static >= 0
        if counter.limited and self.node_capacity:
            reserve(
                <void**>&counter.counts_node, &before, self.node_capacity, sizeof(uint8_t)
            )
        return self.n_counters - 1

    cdef int32_t domain(self, counter_t* counter, int32_t node) except? -1 nogil:
        """The domain of a node, -1 if it has none; makes room for the domain."""
        cdef int32_t found
        cdef int64_t before
        if counter.column >= 0:
            found = self.match.columns[counter.column].value[node]
        elif counter.column == NODE_DOMAIN:
            found = node
        else:
            found = 0
        if found >= counter.domain_capacity:
            before = counter.domain_capacity
            if counter.tracked:
                reserve(<void**>&counter.nodes, &before, found + 1, sizeof(int32_t))
            reserve(<void**>&counter.count, &counter.domain_capacity, found + 1, sizeof(int32_t))
        return found

    cdef int find_minimum(self, counter_t* counter) except -1 nogil:
        cdef int64_t d
        counter.n_minimum = 0
        counter.minimum = 0
        for d in range(counter.domain_capacity):
            if counter.nodes[d] == 0:
                continue
            if counter.n_minimum == 0 or counter.count[d] < counter.minimum:
                counter.minimum = counter.count[d]
                counter.n_minimum = 1
            elif counter.count[d] == counter.minimum:
                counter.n_minimum += 1
        return 0

    cdef int add(self, int32_t counter_id, int32_t node, int32_t amount) except -1 nogil:
        """Add to the count of the node's domain, if the node counts."""
        cdef counter_t* counter = &self.counters[counter_id]
        cdef int32_t d, old
        if amount == 0 or (counter.limited and not counter.counts_node[node]):
            return 0
        d = self.domain(counter, node)
        if d < 0:
            return 0
        old = counter.count[d]
        counter.count[d] = old + amount
        counter.total += amount
        if not counter.tracked or counter.nodes[d] == 0:
            return 0
        if old + amount < counter.minimum:
            counter.minimum = old + amount
            counter.n_minimum = 1
        elif old == counter.minimum:
            counter.n_minimum -= 1
            if counter.n_minimum == 0:
                self.find_minimum(counter)
        elif old + amount == counter.minimum:
            counter.n_minimum += 1
        return 0

    cdef int add_entries(self, int32_t counter_id, int32_t node, int32_t entries) except -1 nogil:
        """Count entries made by terms, whatever their weights sum to."""
        cdef counter_t* counter = &self.counters[counter_id]
        if entries and self.domain(counter, node) >= 0:
            counter.entries += entries
        return 0

    cdef int join(self, int32_t counter_id, int32_t node) except -1 nogil:
        """A node without pods comes: decide whether it counts, and open its domain."""
        cdef counter_t* counter = &self.counters[counter_id]
        cdef int64_t i
        cdef int32_t d
        if counter.limited:
            counter.counts_node[node] = 0
            for i in range(counter.keys.n):
                if self.match.columns[counter.keys.at[i]].value[node] < 0:
                    return 0
            if counter.affinity_static >= 0:
                if not self.match.static_bits(counter.affinity_static, node) & AFFINITY_OK:
                    return 0
            if counter.taints_static >= 0:
                if not self.match.static_bits(counter.taints_static, node) & TAINTS_OK:
                    return 0
            counter.counts_node[node] = 1
        if not counter.tracked:
            return 0
        d = self.domain(counter, node)
        if d < 0:
            return 0
        counter.nodes[d] += 1
        if counter.nodes[d] == 1:
            counter.n_domains += 1
            if counter.n_domains == 1 or counter.count[d] < counter.minimum:
                counter.minimum = counter.count[d]
                counter.n_minimum = 1
            elif counter.count[d] == counter.minimum:
                counter.n_minimum += 1
        return 0

    cdef int leave(self, int32_t counter_id, int32_t node) except -1 nogil:
        """A node whose pods were taken away goes: close its domain if it was the last there."""
        cdef counter_t* counter = &self.counters[counter_id]
        cdef int32_t d
        if counter.limited and not counter.counts_node[node]:
            return 0
        if counter.tracked:
            d = self.domain(counter, node)
            if d >= 0:
                counter.nodes[d] -= 1
                if counter.nodes[d] == 0:
                    counter.n_domains -= 1
                    if counter.count[d] == counter.minimum:
                        counter.n_minimum -= 1
                        if counter.n_minimum == 0:
                            self.find_minimum(counter)
        if counter.limited:
            counter.counts_node[node] = 0
        return 0

    cdef int32_t minimum(self, int32_t counter_id, int32_t min_domains) except? -1 nogil:
        """The minimum over the domains, 0 if there are fewer than ``min_domains`` or none."""
        cdef counter_t* counter = &self.counters[counter_id]
        if counter.n_domains < min_domains or counter.n_domains == 0:
            return 0
        return counter.minimum

    # --- doors for tests and explanations ---

    def counts(self, int32_t counter_id):
        """Return ``{domain: count}`` of the domains that exist (tracked) or are not 0."""
        cdef counter_t* counter = &self.counters[counter_id]
        return {
            d: counter.count[d]
            for d in range(counter.domain_capacity)
            if (counter.tracked and counter.nodes[d] > 0)
            or (not counter.tracked and counter.count[d] != 0)
        }

    def summary(self, int32_t counter_id):
        """Return (number of domains, minimum, total, entries)."""
        cdef counter_t* counter = &self.counters[counter_id]
        minimum = counter.minimum if counter.n_domains else 0
        return counter.n_domains, minimum, counter.total, counter.entries
