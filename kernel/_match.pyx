"""Which node satisfies what a pod class asks of nodes regardless of other pods.

Labels are columns: one per key, one value id per node, -1 where the node lacks the key.  Column 0
is the node's name, column 1 its hostname label.  A requirement is a truth table over the value
ids of its column, with a verdict for "absent" and one for values that came later and have no bit.
A *static* is what one pod class asks: node selector, required terms, terms enforced by the
profile, preferred terms, tolerations, a node by name.  Its verdict on a node is computed once
and kept until the node changes.

Strings never come here: whoever interns them evaluates each (requirement, value) and each
(tolerations, taint set) pair once.
"""

cimport cython
from libc.stdint cimport int16_t, int32_t, int64_t, uint8_t, uint64_t
from libc.stdlib cimport free
from libc.string cimport memset

from pyscale.kernel._growth cimport ints_t, push, reserve


cdef int fill(ints_t* ints, object values) except -1:
    for value in values:
        push(ints, value)
    return 0


@cython.final
cdef class MatchTable:
    """Columns of node labels, and the requirements over them."""

    def __cinit__(self):
        self.add_column()
        self.add_column()

    def __dealloc__(self):
        cdef int32_t i
        for i in range(self.n_columns):
            free(self.columns[i].value)
        for i in range(self.n_requirements):
            free(self.requirements[i].bits)
        for i in range(self.n_terms):
            free(self.terms[i].requirements.at)
        for i in range(self.n_statics):
            free(self.statics[i].selector.at)
            free(self.statics[i].required.at)
            free(self.statics[i].enforced.at)
            free(self.statics[i].preferred.at)
            free(self.statics[i].weights.at)
            free(self.statics[i].bits)
            free(self.statics[i].prefer_taints)
            free(self.statics[i].preference)
        for i in range(self.n_tolerations):
            free(self.tolerated[i])
            free(self.not_preferred[i])
        free(self.columns)
        free(self.requirements)
        free(self.terms)
        free(self.statics)
        free(self.tolerated)
        free(self.not_preferred)
        free(self.taint_set)
        free(self.cordoned)

    # --- nodes ---

    cdef int grow_nodes(self, int64_t capacity) except -1 nogil:
        """Make every per-node array hold ``capacity`` nodes."""
        cdef int64_t before, had = self.node_capacity
        cdef int32_t i
        if capacity <= had:
            return 0
        before = had
        reserve(<void**>&self.taint_set, &before, capacity, sizeof(int32_t))
        capacity = before
        before = had
        reserve(<void**>&self.cordoned, &before, capacity, sizeof(uint8_t))
        for i in range(self.n_columns):
            before = had
            reserve(<void**>&self.columns[i].value, &before, capacity, sizeof(int32_t))
            memset(self.columns[i].value + had, 0xFF, (capacity - had) * sizeof(int32_t))
        for i in range(self.n_statics):
            before = had
            reserve(<void**>&self.statics[i].bits, &before, capacity, sizeof(uint8_t))
            before = had
            reserve(<void**>&self.statics[i].prefer_taints, &before, capacity, sizeof(int16_t))
            before = had
            reserve(<void**>&self.statics[i].preference, &before, capacity, sizeof(int32_t))
        self.node_capacity = capacity
        return 0

    cdef int forget_node(self, int32_t node) except -1 nogil:
        """Drop what is known of a node whose labels or taints are about to change."""
        cdef int32_t i
        for i in range(self.n_columns):
            self.columns[i].value[node] = -1
        for i in range(self.n_statics):
            self.statics[i].bits[node] = 0
        return 0

    # --- what is interned ---

    def add_column(self):
        """Return the id of a new label key."""
        cdef int64_t before = 0
        reserve(<void**>&self.columns, &self.column_capacity, self.n_columns + 1, sizeof(column_t))
        if self.node_capacity:
            reserve(
                <void**>&self.columns[self.n_columns].value, &before,
                self.node_capacity, sizeof(int32_t),
            )
            memset(self.columns[self.n_columns].value, 0xFF, self.node_capacity * sizeof(int32_t))
        self.n_columns += 1
        return self.n_columns - 1

    def add_value(self, int32_t column):
        """Return the id of a new value of a column."""
        self.columns[column].n_values += 1
        return self.columns[column].n_values - 1

    def add_requirement(self, int32_t column, bint absent, bint other, object truths):
        """Return the id of a requirement; ``truths`` has one verdict per value id so far."""
        cdef requirement_t* requirement
        reserve(
            <void**>&self.requirements, &self.requirement_capacity,
            self.n_requirements + 1, sizeof(requirement_t),
        )
        requirement = &self.requirements[self.n_requirements]
        requirement.column = column
        requirement.absent = absent
        requirement.other = other
        self.n_requirements += 1
        for value, truth in enumerate(truths):
            self.decide(self.n_requirements - 1, value, truth)
        return self.n_requirements - 1

    def decide(self, int32_t requirement_id, int32_t value, bint truth):
        """Set a requirement's verdict for one value id; skipped ids get the verdict ``other``."""
        cdef requirement_t* requirement = &self.requirements[requirement_id]
        cdef int32_t v
        reserve(
            <void**>&requirement.bits, &requirement.capacity, (value >> 6) + 1, sizeof(uint64_t)
        )
        for v in range(requirement.n_values, value):
            if requirement.other:
                requirement.bits[v >> 6] |= <uint64_t>1 << (v & 63)
        if truth:
            requirement.bits[value >> 6] |= <uint64_t>1 << (value & 63)
        else:
            requirement.bits[value >> 6] &= ~(<uint64_t>1 << (value & 63))
        if value >= requirement.n_values:
            requirement.n_values = value + 1

    def add_term(self, object requirements):
        """Return the id of a term: requirements that must all hold."""
        reserve(<void**>&self.terms, &self.term_capacity, self.n_terms + 1, sizeof(term_t))
        self.n_terms += 1
        fill(&self.terms[self.n_terms - 1].requirements, requirements)
        return self.n_terms - 1

    def add_taint_set(self):
        """Return the id of a new set of taints; its verdicts are set by :meth:`tolerate`."""
        cdef int64_t before, had = self.taint_set_capacity
        cdef int32_t i
        if self.n_taint_sets == had:
            self.taint_set_capacity = max(2 * had, 8)
            for i in range(self.n_tolerations):
                before = had
                reserve(
                    <void**>&self.tolerated[i], &before, self.taint_set_capacity, sizeof(uint8_t)
                )
                before = had
                reserve(
                    <void**>&self.not_preferred[i], &before,
                    self.taint_set_capacity, sizeof(int16_t),
                )
        self.n_taint_sets += 1
        return self.n_taint_sets - 1

    def add_tolerations(self):
        """Return the id of a new list of tolerations."""
        cdef int64_t before = self.toleration_capacity
        reserve(<void**>&self.tolerated, &before, self.n_tolerations + 1, sizeof(uint8_t*))
        reserve(
            <void**>&self.not_preferred, &self.toleration_capacity,
            self.n_tolerations + 1, sizeof(int16_t*),
        )
        if self.taint_set_capacity:
            before = 0
            reserve(
                <void**>&self.tolerated[self.n_tolerations], &before,
                self.taint_set_capacity, sizeof(uint8_t),
            )
            before = 0
            reserve(
                <void**>&self.not_preferred[self.n_tolerations], &before,
                self.taint_set_capacity, sizeof(int16_t),
            )
        self.n_tolerations += 1
        return self.n_tolerations - 1

    def tolerate(self, int32_t tolerations, int32_t taint_set, bint tolerated, int not_preferred):
        """Say whether all hard taints are tolerated, and how many soft ones are not."""
        self.tolerated[tolerations][taint_set] = tolerated
        self.not_preferred[tolerations][taint_set] = not_preferred

    def add_static(
        self, object selector, object required, object enforced, object preferred,
        object weights, int32_t tolerations, int32_t node_name, bint tolerates_cordon,
    ):
        """Return the id of what a pod class asks of nodes; None for lists that are not given."""
        cdef static_t* static
        cdef int64_t before
        reserve(
            <void**>&self.statics, &self.static_capacity, self.n_statics + 1, sizeof(static_t)
        )
        static = &self.statics[self.n_statics]
        self.n_statics += 1
        fill(&static.selector, selector)
        static.has_required = required is not None
        fill(&static.required, required or ())
        static.has_enforced = enforced is not None
        fill(&static.enforced, enforced or ())
        fill(&static.preferred, preferred)
        fill(&static.weights, weights)
        static.tolerations = tolerations
        static.node_name = node_name
        static.tolerates_cordon = tolerates_cordon
        if self.node_capacity:
            before = 0
            reserve(<void**>&static.bits, &before, self.node_capacity, sizeof(uint8_t))
            before = 0
            reserve(<void**>&static.prefer_taints, &before, self.node_capacity, sizeof(int16_t))
            before = 0
            reserve(<void**>&static.preference, &before, self.node_capacity, sizeof(int32_t))
        return self.n_statics - 1

    # --- verdicts ---

    cdef bint holds(self, int32_t requirement_id, int32_t node) noexcept nogil:
        cdef requirement_t* requirement = &self.requirements[requirement_id]
        cdef int32_t value = self.columns[requirement.column].value[node]
        if value < 0:
            return requirement.absent
        if value >= requirement.n_values:
            return requirement.other
        return (requirement.bits[value >> 6] >> (value & 63)) & 1

    cdef bint all_hold(self, ints_t* requirements, int32_t node) noexcept nogil:
        cdef int64_t i
        for i in range(requirements.n):
            if not self.holds(requirements.at[i], node):
                return False
        return True

    cdef bint any_term(self, ints_t* terms, int32_t node) noexcept nogil:
        cdef int64_t i
        for i in range(terms.n):
            if self.all_hold(&self.terms[terms.at[i]].requirements, node):
                return True
        return False

    cdef int static_bits(self, int32_t static_id, int32_t node) except -1 nogil:
        """The verdict bits of a static on a node; also fills the two raw scores at first use."""
        cdef static_t* static = &self.statics[static_id]
        cdef int64_t i
        cdef int32_t preference = 0
        cdef int bits = static.bits[node]
        if bits:
            return bits
        bits = KNOWN
        if self.all_hold(&static.selector, node) and (
            not static.has_required or self.any_term(&static.required, node)
        ):
            bits |= AFFINITY_OK
        if not static.has_enforced or self.any_term(&static.enforced, node):
            bits |= ENFORCED_OK
        if self.tolerated[static.tolerations][self.taint_set[node]]:
            bits |= TAINTS_OK
        if static.tolerates_cordon or not self.cordoned[node]:
            bits |= SCHEDULABLE_OK
        if static.node_name < 0 or static.node_name == self.columns[NAME_COLUMN].value[node]:
            bits |= NAME_OK
        for i in range(static.preferred.n):
            if self.all_hold(&self.terms[static.preferred.at[i]].requirements, node):
                preference += static.weights.at[i]
        static.preference[node] = preference
        static.prefer_taints[node] = self.not_preferred[static.tolerations][self.taint_set[node]]
        if static.prefer_taints[node] > static.most_prefer_taints:
            static.most_prefer_taints = static.prefer_taints[node]
        static.bits[node] = bits
        return bits

    # --- doors for tests ---

    def set_node(self, int32_t node, object labels, int32_t taint_set, bint cordoned):
        """Set a node's value ids ``{column: value}``, taint set and cordon."""
        self.grow_nodes(node + 1)
        if node >= self.n_nodes:
            self.n_nodes = node + 1
        self.forget_node(node)
        for column, value in labels.items():
            self.columns[<int32_t>column].value[node] = value
        self.taint_set[node] = taint_set
        self.cordoned[node] = cordoned

    def verdict(self, int32_t static_id, int32_t node):
        """Return (verdict bits, untolerated soft taints, weights of matching preferred terms)."""
        cdef static_t* static = &self.statics[static_id]
        bits = self.static_bits(static_id, node) & ALL_OK
        return bits, static.prefer_taints[node], static.preference[node]
