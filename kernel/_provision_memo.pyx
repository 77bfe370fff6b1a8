"""What the oracle has answered, remembered: each distinct question is asked once.

What two sets have in common, which types a set allows, which domains it admits: the oracle answers
with the GIL, everybody else reads without.
"""

from libc.stdint cimport int32_t, int64_t, uint64_t
from libc.stdlib cimport calloc, free
from libc.string cimport memset

from ._provision_map cimport MISSING, IdMap, map_get, map_put
from ._provision_tables cimport (
    Domains, ProvisionTables, copied32, copied_words, grown, pyscale_ctz)


cdef class ProvisionMemo(ProvisionTables):
    """The remembering part of a :class:`pyscale.kernel._provision.Provisioner`."""

    def __cinit__(self, *_):
        self.topology_epoch = <int64_t **>calloc(2, sizeof(void *))
        self.topology_result = <int32_t **>calloc(2, sizeof(void *))
        if self.topology_epoch == NULL or self.topology_result == NULL:
            raise MemoryError

    def __dealloc__(self):
        cdef int32_t i
        for i in range(self.set_room):
            free(self.types_of_set[i])
            free(self.reserved_of_set[i])
        for i in range(self.set_room * self.n_keys):
            if self.domains_of_set[i] != NULL:
                free(self.domains_of_set[i].raw)
                free(self.domains_of_set[i].has)
                free(self.domains_of_set[i])
        for i in range(2):
            free(self.meets[i].keys)
            free(self.meets[i].values)
            free(self.topology_epoch[i])
            free(self.topology_result[i])
        free(self.topology_epoch)
        free(self.topology_result)
        free(self.refused_epoch)
        free(self.pins.keys)
        free(self.pins.values)
        free(self.hosts.keys)
        free(self.hosts.values)
        free(self.passed.keys)
        free(self.passed.values)
        free(self.types_of_set)
        free(self.reserved_of_set)
        free(self.domains_of_set)

    cdef int room_for_set(self, int32_t s) except -1 nogil:
        cdef int32_t room = self.set_room, i, mode
        if s < room:
            return 0
        room = max(256, 2 * room, s + 1)
        self.types_of_set = <uint64_t **>grown(self.types_of_set, room * sizeof(void *))
        self.reserved_of_set = <int32_t **>grown(self.reserved_of_set, room * sizeof(void *))
        self.domains_of_set = <Domains **>grown(
            self.domains_of_set, <size_t>room * self.n_keys * sizeof(void *))
        self.refused_epoch = <int64_t *>grown(self.refused_epoch, room * sizeof(int64_t))
        for i in range(self.set_room, room):
            self.types_of_set[i] = NULL
            self.reserved_of_set[i] = NULL
            self.refused_epoch[i] = -1
        for i in range(self.set_room * self.n_keys, room * self.n_keys):
            self.domains_of_set[i] = NULL
        for mode in range(2):
            self.topology_epoch[mode] = <int64_t *>grown(
                self.topology_epoch[mode], room * sizeof(int64_t))
            self.topology_result[mode] = <int32_t *>grown(
                self.topology_result[mode], room * sizeof(int32_t))
            for i in range(self.set_room, room):
                self.topology_epoch[mode][i] = -1
        self.set_room = room
        return 0

    def set_hosts(self, int n_hosts):
        """Set the number of hostnames of nodes, which are about to be set again."""
        self.n_hosts = self.n_domains[0] = n_hosts
        free(self.hosts.keys)
        free(self.hosts.values)
        memset(&self.hosts, 0, sizeof(IdMap))

    cdef int32_t meet(self, int mode, int32_t a, int32_t b) except? -9 nogil:
        """The set of what both require, CONFLICT, or UNDEFINED; a is the holder."""
        cdef uint64_t key = (<uint64_t>a << 32) | <uint64_t>b
        cdef int32_t value
        if b == 0:
            return a
        value = map_get(&self.meets[mode], key)
        if value == MISSING:
            value = self.ask_meet(mode, a, b)
            map_put(&self.meets[mode], key, value)
        return value

    cdef Domains *domains(self, int32_t s, int32_t key) except NULL nogil:
        """What the set says about the key."""
        cdef Domains *d
        self.room_for_set(s)
        d = self.domains_of_set[s * self.n_keys + key]
        if d == NULL:
            d = self.ask_domains(s, key)
            self.room_for_set(s)
            self.domains_of_set[s * self.n_keys + key] = d
        return d

    cdef uint64_t *types(self, int32_t s, int32_t template) except NULL nogil:
        """Columns that the set allows; one word more says whether it has minValues."""
        cdef uint64_t *words
        self.room_for_set(s)
        words = self.types_of_set[s]
        if words == NULL:
            words = self.ask_types(s, template)
            self.types_of_set[s] = words
        return words

    cdef int32_t pin(
        self, int mode, int32_t s, int32_t key, const uint64_t *mask
    ) except? -9 nogil:
        """The set narrowed to some domains of a key, or a refusal."""
        cdef int32_t i, found = -1, value
        cdef bint many = False
        cdef uint64_t word, memo
        for i in range(self.domain_words):
            word = mask[i]
            if word:
                if found >= 0 or word & (word - 1):
                    many = True
                    break
                found = 64 * i + pyscale_ctz(word)
        if many or found < 0:
            found = self.ask_mask(key, mask)
        memo = (
            (<uint64_t>s << 38) | (<uint64_t>key << 30) | (<uint64_t>found << 1) | <uint64_t>mode)
        value = map_get(&self.pins, memo)
        if value == MISSING:
            value = self.ask_pin(mode, s, key, found)
            map_put(&self.pins, memo, value)
        return value

    cdef int host_ok(self, int32_t requirement, int32_t host) except -1 nogil:
        """Whether a hostname satisfies a requirement; all placeholders are alike."""
        cdef int32_t h = host if host < self.n_hosts else self.n_hosts
        cdef uint64_t key = (<uint64_t>requirement << 32) | <uint64_t>h
        cdef int32_t value = map_get(&self.hosts, key)
        if value == MISSING:
            value = self.ask_host(requirement, h)
            map_put(&self.hosts, key, value)
        return value

    cdef int passes(
        self, int32_t filter_id, int32_t taints, int32_t s, int32_t host
    ) except -1 nogil:
        """Whether a candidate takes part in a spread group."""
        cdef uint64_t key
        cdef int32_t value
        cdef int32_t h = host if host < self.n_hosts else self.n_hosts
        if filter_id < 0:
            return 1
        # The hostname matters only to filters that name it: these have odd numbers.
        if not filter_id & 1:
            h = 0
        key = (<uint64_t>(filter_id * self.n_taints + taints) << 32) | <uint64_t>s
        value = map_get(&self.passed, key) if h == 0 else MISSING
        if value == MISSING:
            value = self.ask_passes(filter_id, taints, s, h)
            if h == 0:
                map_put(&self.passed, key, value)
        return value

    cdef int32_t *reserved(self, int32_t s, int32_t template) except NULL nogil:
        """Number of compatible reserved offers, then (first column, end, reservation) of each."""
        cdef int32_t *found
        self.room_for_set(s)
        found = self.reserved_of_set[s]
        if found == NULL:
            found = self.ask_reserved(s, template)
            self.reserved_of_set[s] = found
        return found

    # ---------------------------------------------------------------- questions, with the GIL

    # Each in a function of its own: a function with a `with gil` block inside takes the GIL on
    # every call.

    cdef int32_t ask_meet(self, int mode, int32_t a, int32_t b) except? -9 with gil:
        return self.oracle.meet(mode, a, b)

    cdef Domains *ask_domains(self, int32_t s, int32_t key) except NULL with gil:
        cdef Domains *d
        has, raw, single = self.oracle.domains(s, key)
        d = <Domains *>grown(NULL, sizeof(Domains))
        d.has = copied_words(has, self.domain_words)
        d.raw, d.n_raw = copied32(raw), len(raw)
        d.single = single
        return d

    cdef uint64_t *ask_types(self, int32_t s, int32_t template) except NULL with gil:
        cdef uint64_t *words
        found, has_min_values = self.oracle.types(s, template)
        words = copied_words(found, self.n_words + 1)
        words[self.n_words] = bool(has_min_values)
        return words

    cdef int32_t ask_mask(self, int32_t key, const uint64_t *mask) except? -9 with gil:
        return self.oracle.mask(
            key, (<const char *>mask)[:self.domain_words * sizeof(uint64_t)])

    cdef int32_t ask_pin(
        self, int mode, int32_t s, int32_t key, int32_t values
    ) except? -9 with gil:
        return self.oracle.pin(mode, s, key, values)

    cdef int ask_host(self, int32_t requirement, int32_t host) except -1 with gil:
        return bool(self.oracle.host(requirement, host))

    cdef int ask_passes(
        self, int32_t filter_id, int32_t taints, int32_t s, int32_t host
    ) except -1 with gil:
        return bool(self.oracle.passes(filter_id, taints, s, host))

    cdef int32_t *ask_reserved(self, int32_t s, int32_t template) except NULL with gil:
        return copied32(self.oracle.reserved(s, template))

    cdef int32_t ask_min_values(
        self, int32_t template, int32_t s, const uint64_t *types, bint relax
    ) except? -9 with gil:
        return self.oracle.min_values(
            template, s, (<const char *>types)[:self.n_words * sizeof(uint64_t)], relax)

    cdef int ask_fixed(self, int32_t class_id) except -1 with gil:
        return bool(self.oracle.fixed(class_id))

    cdef int32_t ask_relax(self, int32_t class_id) except? -9 with gil:
        return self.oracle.relax(class_id)

    cdef int ask_volumes_fit(self, int32_t node, int32_t class_id) except -1 with gil:
        return bool(self.oracle.volumes_fit(node, class_id))

    cdef int tell_volumes(self, int32_t node, int32_t class_id) except -1 with gil:
        self.oracle.volumes_add(node, class_id)
        return 0

    cdef int tell_begin(self) except -1 with gil:
        self.oracle.begin()
        return 0
