"""Karpenter's Solve: pods onto existing nodes, open claims and new claims, over interned tables.

Everything that can be compared is a number here: requirement sets, taint lists, sets of host ports,
topology groups, pod classes.  What two sets have in common, which types a set allows, which domains
it admits is asked of an *oracle* once per distinct question (with the GIL) and remembered; all that
is done per pod and per claim runs without the GIL.

Requirements on the hostname are kept apart from the sets: every candidate pins its own hostname, so
that claims with the same history share one set.

A *column* is an instance type with one of its allocatable groups; a claim is a bitset of columns.
A refusal that can't be lifted within a round (full, tainted, contradicting, ports, a hostname that
is taken) sets a bit of the pod class, and the candidate is not looked at again.
"""

from libc.stdint cimport int8_t, int32_t, int64_t, uint8_t, uint64_t
from libc.stdlib cimport calloc, free, realloc
from libc.string cimport memcpy, memset

from ._gosort cimport go_sort

cdef extern from *:
    """
    #if defined(_MSC_VER)
      #include <intrin.h>
      static int pyscale_ctz(unsigned long long x) {
          unsigned long i; _BitScanForward64(&i, x); return (int)i;
      }
    #else
      #define pyscale_ctz(x) __builtin_ctzll(x)
    #endif
    """
    int pyscale_ctz(unsigned long long x) noexcept nogil


cdef enum:
    STRICT = 0
    LOOSE = 1
    HOSTNAME = 0
    SPREAD = 0
    AFFINITY = 1
    ANTI_AFFINITY = 2
    ACCEPTED = 0
    TAINTS = 1
    REQUIREMENTS = 2
    VOLUME = 3
    TOPOLOGY = 4
    TYPES = 5
    MIN_VALUES = 6
    LIMITS = 7
    NODE_LIMITS = 8
    RESERVED = 9
    CONFLICT = -1       # of a meet: for good
    UNDEFINED = -2      # of a meet: the holder may come to define the key
    UNKNOWN = -2

cdef int64_t MAX_INT64 = 0x7FFFFFFFFFFFFFFF


cdef void *grown(void *data, size_t size) except NULL nogil:
    cdef void *result = realloc(data, size if size else 1)
    if result == NULL:
        with gil:
            raise MemoryError("provisioning ran out of memory")
    return result


cdef int32_t map_get(const IdMap *m, uint64_t key) noexcept nogil:
    """Value of a key, or -3."""
    cdef size_t i
    if m.size == 0:
        return -3
    i = <size_t>((key * 0x9E3779B97F4A7C15ULL) >> 20) & (m.size - 1)
    while m.keys[i]:
        if m.keys[i] == key + 1:
            return m.values[i]
        i = (i + 1) & (m.size - 1)
    return -3


cdef int map_put(IdMap *m, uint64_t key, int32_t value) except -1 nogil:
    cdef IdMap bigger
    cdef size_t i, j
    if 2 * m.used >= m.size:
        bigger.size = 2 * m.size if m.size else 256
        bigger.used = m.used
        bigger.keys = <uint64_t *>grown(NULL, bigger.size * sizeof(uint64_t))
        bigger.values = <int32_t *>grown(NULL, bigger.size * sizeof(int32_t))
        memset(bigger.keys, 0, bigger.size * sizeof(uint64_t))
        for i in range(m.size):
            if m.keys[i]:
                j = <size_t>(((m.keys[i] - 1) * 0x9E3779B97F4A7C15ULL) >> 20) & (bigger.size - 1)
                while bigger.keys[j]:
                    j = (j + 1) & (bigger.size - 1)
                bigger.keys[j] = m.keys[i]
                bigger.values[j] = m.values[i]
        free(m.keys)
        free(m.values)
        m[0] = bigger
    i = <size_t>((key * 0x9E3779B97F4A7C15ULL) >> 20) & (m.size - 1)
    while m.keys[i]:
        i = (i + 1) & (m.size - 1)
    m.keys[i] = key + 1
    m.values[i] = value
    m.used += 1
    return 0


cdef inline bint bit(const uint64_t *words, int32_t i) noexcept nogil:
    return (words[i >> 6] >> (i & 63)) & 1


cdef inline void set_bit(uint64_t *words, int32_t i) noexcept nogil:
    words[i >> 6] |= (<uint64_t>1) << (i & 63)


cdef int32_t lower_bound(const int64_t *values, int32_t n, int64_t x) noexcept nogil:
    """First position whose value is at least x."""
    cdef int32_t low = 0, high = n, middle
    while low < high:
        middle = (low + high) >> 1
        if values[middle] < x:
            low = middle + 1
        else:
            high = middle
    return low


cdef int32_t *copied32(object values) except NULL:
    """Copy an int32 sequence; never NULL, also when empty."""
    cdef const int32_t[::1] view
    cdef int32_t *result = <int32_t *>grown(NULL, max(1, len(values)) * sizeof(int32_t))
    if len(values):
        view = values
        memcpy(result, &view[0], view.shape[0] * sizeof(int32_t))
    return result


cdef int64_t *copied64(object values) except NULL:
    cdef const int64_t[::1] view
    cdef int64_t *result = <int64_t *>grown(NULL, max(1, len(values)) * sizeof(int64_t))
    if len(values):
        view = values
        memcpy(result, &view[0], view.shape[0] * sizeof(int64_t))
    return result


cdef uint8_t *copied8(object values) except NULL:
    cdef const uint8_t[::1] view
    cdef uint8_t *result = <uint8_t *>grown(NULL, max(1, len(values)))
    if len(values):
        view = values
        memcpy(result, &view[0], view.shape[0])
    return result


cdef uint64_t *copied_words(object words, size_t n) except NULL:
    """Copy bytes into n words, zero-padded."""
    cdef const uint8_t[::1] view
    cdef uint64_t *result = <uint64_t *>grown(NULL, n * sizeof(uint64_t))
    memset(result, 0, n * sizeof(uint64_t))
    if len(words):
        view = words
        memcpy(result, &view[0], min(n * sizeof(uint64_t), <size_t>view.shape[0]))
    return result


cdef class Provisioner:
    """The tables of a cluster and the state of one round over them.

    Parameters
    ----------
    oracle : object
        Answers what is asked for the first time: ``meet(mode, a, b)``, ``types(set, template)``,
        ``domains(set, key)``, ``mask(key, words)``, ``pin(mode, set, key, values)``,
        ``host(requirement, host)``, ``passes(filter, taints, set, host)``,
        ``min_values(template, set, types, relax)``, ``reserved(set, template)``,
        ``relax(class)``, ``volumes_fit(node, class)``, ``volumes_add(node, class)``.
    n_resources, n_words : int
        Length of resource vectors, and words of a bitset of columns.
    n_domains : sequence of int
        Number of domains per topology key; entry 0 (the hostname) counts the nodes' hostnames.
    port_conflicts : ndarray of uint8, shape (n, n)
        Whether two sets of host ports collide.
    n_reservations : int
        Number of capacity reservations; 0 switches reserved offerings off.
    n_taints : int
        Number of distinct taint lists.
    """

    cdef object oracle
    cdef int32_t n_resources, n_words, n_keys, domain_words, n_hosts, n_reservations
    cdef int32_t reservation_words, n_ports, n_taints
    cdef int32_t *n_domains
    cdef int32_t **domain_rank
    cdef uint8_t *port_conflict
    cdef Template **templates
    cdef int32_t n_templates
    cdef PodClass **classes
    cdef int32_t n_classes
    cdef Group **groups
    cdef int32_t n_groups
    cdef Variant **variants
    cdef int32_t n_variants
    cdef IdMap meets[2]
    cdef IdMap pins
    cdef IdMap hosts
    cdef IdMap passed
    # by set id
    cdef int32_t set_room
    cdef uint64_t **types_of_set
    cdef int32_t **reserved_of_set
    cdef Domains **domains_of_set
    cdef int64_t *topology_epoch[2]
    cdef int32_t *topology_result[2]
    # nodes
    cdef int32_t n_nodes
    cdef int32_t *node_set_base
    cdef int64_t *node_room_base
    cdef int32_t *node_host
    cdef int32_t *node_taints
    cdef int32_t *node_template
    cdef int64_t *node_capacity
    cdef uint8_t *node_limited_volumes
    cdef uint64_t *node_usable_base
    cdef int32_t *node_domain           # keys x nodes, -1 without the label
    cdef uint8_t *node_active           # a Node object that is not going away
    cdef int32_t *node_ports_off
    cdef int32_t *node_ports
    # bound pods
    cdef int32_t n_bound
    cdef int32_t *bound_class
    cdef int32_t *bound_node
    cdef uint8_t *bound_flags           # 1 counted, 2 owns inverse groups
    # state of the round
    cdef int32_t *node_set
    cdef int64_t *node_room
    cdef int32_t *node_port_head
    cdef uint64_t *node_usable
    cdef uint8_t *node_excluded
    cdef uint8_t *bound_moved
    cdef const uint8_t *node_under
    cdef int32_t n_moved
    cdef const int32_t *moved
    cdef int32_t n_excluded
    cdef int32_t *excluded
    cdef int32_t n_claims, claim_room_n
    cdef int32_t *claim_set
    cdef int32_t *claim_template
    cdef int32_t *claim_port_head
    cdef int32_t *claim_order
    cdef double *claim_pods
    cdef uint64_t *claim_types
    cdef int64_t *claim_requests
    cdef int64_t *claim_most
    cdef uint64_t *claim_held
    cdef int32_t *port_set              # linked lists of the port sets of a candidate
    cdef int32_t *port_next
    cdef int32_t n_port_links, port_link_room
    cdef int64_t *remaining             # templates x resources
    cdef int64_t *remaining_nodes
    cdef int64_t *reservation_base
    cdef int64_t *reservation_left
    cdef uint8_t *relaxed_min_values    # per template: the claim opened last
    cdef bint strict_reservations, relax_min_values
    cdef int64_t epoch, version
    cdef int32_t pending_position       # in claim_order: what grew since the last sort, -1
    cdef bint pending_append
    cdef int32_t *touched
    cdef int32_t n_touched, touched_room
    # scratch
    cdef bint permanent
    cdef int32_t found_set
    cdef uint64_t *found_types
    cdef uint64_t *found_held
    cdef uint64_t *limit_types
    cdef int64_t *need
    cdef uint64_t *masks                # keys x domain words
    cdef int32_t *mask_keys
    cdef uint64_t *key_seen
    cdef int32_t *dropped

    def __cinit__(self, oracle, int n_resources, int n_words, n_domains, port_conflicts,
                  int n_reservations, int n_taints):
        cdef int32_t key
        self.oracle = oracle
        if n_resources > 64:
            raise ValueError(f"n_resources must be at most 64, found {n_resources}")
        self.n_resources, self.n_words, self.n_taints = n_resources, n_words, n_taints
        self.n_keys = len(n_domains)
        self.n_domains = copied32(n_domains)
        self.n_hosts = self.n_domains[0]
        self.domain_words = 1
        for key in range(1, self.n_keys):
            self.domain_words = max(self.domain_words, (self.n_domains[key] + 63) // 64)
        self.n_ports = len(port_conflicts)
        self.port_conflict = copied8(port_conflicts.ravel())
        self.n_reservations = n_reservations
        self.reservation_words = (n_reservations + 63) // 64 or 1
        self.reservation_base = <int64_t *>calloc(n_reservations + 1, sizeof(int64_t))
        self.reservation_left = <int64_t *>calloc(n_reservations + 1, sizeof(int64_t))
        self.found_types = <uint64_t *>calloc(n_words, sizeof(uint64_t))
        self.limit_types = <uint64_t *>calloc(n_words, sizeof(uint64_t))
        self.found_held = <uint64_t *>calloc(self.reservation_words, sizeof(uint64_t))
        self.need = <int64_t *>calloc(n_resources + 1, sizeof(int64_t))
        self.masks = <uint64_t *>calloc(self.n_keys * self.domain_words, sizeof(uint64_t))
        self.mask_keys = <int32_t *>calloc(self.n_keys, sizeof(int32_t))
        self.key_seen = <uint64_t *>calloc(self.n_keys, sizeof(uint64_t))
        self.dropped = <int32_t *>calloc(self.domain_words * 64, sizeof(int32_t))

    def __dealloc__(self):
        cdef int32_t i
        for i in range(self.n_templates):
            free_template(self.templates[i])
        for i in range(self.n_classes):
            free_class(self.classes[i])
        for i in range(self.n_groups):
            free(self.groups[i].count)
            free(self.groups[i].known)
            free(self.groups[i].counted)
            free(self.groups[i].bound_owners)
            free(self.groups[i])
        for i in range(self.n_variants):
            free(self.variants[i].base_count)
            free(self.variants[i].universe)
            free(self.variants[i].node_known)
            free(self.variants[i].passes)
            free(self.variants[i])
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
        free(self.pins.keys)
        free(self.pins.values)
        free(self.hosts.keys)
        free(self.hosts.values)
        free(self.passed.keys)
        free(self.passed.values)
        free(self.templates)
        free(self.classes)
        free(self.groups)
        free(self.variants)
        free(self.types_of_set)
        free(self.reserved_of_set)
        free(self.domains_of_set)
        free(self.n_domains)
        free(self.port_conflict)
        free(self.node_set_base)
        free(self.node_room_base)
        free(self.node_host)
        free(self.node_taints)
        free(self.node_template)
        free(self.node_capacity)
        free(self.node_limited_volumes)
        free(self.node_usable_base)
        free(self.node_domain)
        free(self.node_active)
        free(self.node_ports_off)
        free(self.node_ports)
        free(self.bound_class)
        free(self.bound_node)
        free(self.bound_flags)
        free(self.node_set)
        free(self.node_room)
        free(self.node_port_head)
        free(self.node_usable)
        free(self.node_excluded)
        free(self.bound_moved)
        free(self.excluded)
        free(self.claim_set)
        free(self.claim_template)
        free(self.claim_port_head)
        free(self.claim_order)
        free(self.claim_pods)
        free(self.claim_types)
        free(self.claim_requests)
        free(self.claim_most)
        free(self.claim_held)
        free(self.port_set)
        free(self.port_next)
        free(self.remaining)
        free(self.remaining_nodes)
        free(self.reservation_base)
        free(self.reservation_left)
        free(self.relaxed_min_values)
        free(self.touched)
        free(self.found_types)
        free(self.found_held)
        free(self.limit_types)
        free(self.need)
        free(self.masks)
        free(self.mask_keys)
        free(self.key_seen)
        free(self.dropped)

    # ---------------------------------------------------------------- tables

    def add_template(self, int set_id, int taints, groups, allocatable, capacity, limits,
                     limited, bint limited_nodes):
        """Add what a NodePool could launch; templates are tried in the order of their addition.

        Parameters
        ----------
        set_id, taints : int
            Requirement set and taint list.
        groups : list of tuple
            Daemon-overhead groups: (columns as bytes, overhead as int64 array, conflicting port
            sets as uint8 array).
        allocatable, capacity : ndarray of int64, shape (n_columns, n_resources)
        limits : ndarray of int64, shape (n_resources,)
            What the pool's limits leave before any node of the round is excluded.
        limited : ndarray of uint8, shape (n_resources,)
            Which resources are limited.
        limited_nodes : bool
            Whether the number of nodes is.

        Returns
        -------
        int
            The template's number.
        """
        import numpy as np

        cdef int32_t r, i, n = len(allocatable), steps
        cdef Template *t = <Template *>calloc(1, sizeof(Template))
        if t == NULL:
            raise MemoryError
        self.templates = <Template **>grown(
            self.templates, (self.n_templates + 1) * sizeof(Template *))
        self.templates[self.n_templates] = t
        self.n_templates += 1
        t.set_id, t.taints, t.n_columns, t.n_groups = set_id, taints, n, len(groups)
        t.limited, t.limited_nodes = bool(limited.any()), limited_nodes
        t.n_port_sets = self.n_ports
        t.all_types = copied_words(
            b"".join([]) if not groups else _union([group[0] for group in groups], self.n_words),
            self.n_words)
        t.group_types = copied_words(
            b"".join(_padded(group[0], self.n_words) for group in groups),
            self.n_words * len(groups))
        t.overhead = copied64(np.concatenate([group[1] for group in groups]) if groups else ())
        t.group_conflict = copied8(
            np.concatenate([group[2] for group in groups]) if groups else ())
        t.allocatable = copied64(np.ascontiguousarray(allocatable, dtype=np.int64).ravel())
        t.capacity = copied64(np.ascontiguousarray(capacity, dtype=np.int64).ravel())
        t.limit = copied64(limits)
        t.is_limited = copied8(limited)
        t.most = copied64(np.max(allocatable, axis=0) if n else np.zeros(self.n_resources, "i8"))
        orders = [np.argsort(-capacity[:, r], kind="stable") for r in range(self.n_resources)]
        t.by_capacity = copied32(np.concatenate(orders).astype(np.int32) if n else ())
        t.n_steps = <int32_t *>grown(NULL, self.n_resources * sizeof(int32_t))
        t.steps = <int64_t *>calloc(max(1, n) * self.n_resources, sizeof(int64_t))
        t.suffix = <uint64_t *>calloc(
            self.n_resources * (n + 1) * self.n_words, sizeof(uint64_t))
        for r in range(self.n_resources):
            values = np.unique(allocatable[:, r]) if n else np.zeros(0, "i8")
            steps = len(values)
            t.n_steps[r] = steps
            for i in range(steps):
                t.steps[r * n + i] = values[i]
            for i in range(n):
                step = int(np.searchsorted(values, allocatable[i, r]))
                set_bit(&t.suffix[(r * (n + 1) + step) * self.n_words], i)
            for step in range(steps - 2, -1, -1):
                for i in range(self.n_words):
                    t.suffix[(r * (n + 1) + step) * self.n_words + i] |= (
                        t.suffix[(r * (n + 1) + step + 1) * self.n_words + i])
        return self.n_templates - 1

    def set_nodes(self, sets, room, hosts, taints, templates, capacity, usable, active, domains,
                  limited_volumes, ports_off, ports):
        """Set the existing nodes, in the order in which they are tried.

        ``templates`` names the template that each node counts against, -1 for none; ``domains``
        is keys x nodes; ``ports`` holds the port sets in use, node by node.
        """
        cdef int32_t n = len(sets), i
        self.n_nodes = n
        self.node_set_base = copied32(sets)
        self.node_room_base = copied64(room.ravel())
        self.node_host = copied32(hosts)
        self.node_taints = copied32(taints)
        self.node_template = copied32(templates)
        self.node_capacity = copied64(capacity.ravel())
        self.node_usable_base = <uint64_t *>calloc((n + 63) // 64 + 1, sizeof(uint64_t))
        for i in range(n):
            if usable[i]:
                set_bit(self.node_usable_base, i)
        self.node_active = copied8(active)
        self.node_domain = copied32(domains.ravel())
        self.node_limited_volumes = copied8(limited_volumes)
        self.node_ports_off = copied32(ports_off)
        self.node_ports = copied32(ports)
        self.node_set = <int32_t *>grown(NULL, n * sizeof(int32_t))
        self.node_room = <int64_t *>grown(NULL, n * self.n_resources * sizeof(int64_t))
        self.node_port_head = <int32_t *>grown(NULL, n * sizeof(int32_t))
        self.node_usable = <uint64_t *>calloc((n + 63) // 64 + 1, sizeof(uint64_t))
        self.node_excluded = <uint8_t *>calloc(n + 1, 1)
        self.excluded = <int32_t *>grown(NULL, n * sizeof(int32_t))

    def set_bound(self, classes, nodes, flags):
        """Set the pods that run on nodes: class, node (-1 unknown), 1 counted + 2 owning."""
        self.n_bound = len(classes)
        self.bound_class = copied32(classes)
        self.bound_node = copied32(nodes)
        self.bound_flags = copied8(flags)
        self.bound_moved = <uint8_t *>calloc(self.n_bound + 1, 1)

    def set_reservations(self, capacity):
        """Set how many instances each reservation still has."""
        cdef int32_t i
        for i in range(self.n_reservations):
            self.reservation_base[i] = capacity[i]

    def add_class(self, requests, int set_id, int strict_id, int host, int strict_host,
                  bint any_claim_host, tolerates, int ports, int volumes, alternatives):
        """Add a pod class; its groups come with :meth:`set_class_groups`. Returns its number."""
        cdef PodClass *k = <PodClass *>calloc(1, sizeof(PodClass))
        if k == NULL:
            raise MemoryError
        self.classes = <PodClass **>grown(self.classes, (self.n_classes + 1) * sizeof(PodClass *))
        self.classes[self.n_classes] = k
        self.n_classes += 1
        k.requests = copied64(requests)
        k.set_id, k.strict_id, k.host, k.strict_host = set_id, strict_id, host, strict_host
        k.any_claim_host = any_claim_host
        k.tolerates = copied8(tolerates)
        k.ports, k.volumes = ports, volumes
        k.n_alternatives = len(alternatives) // 2
        k.alternatives = copied32(alternatives)
        k.relaxed = UNKNOWN
        k.own, k.inverse = copied32(()), copied32(())
        k.records, k.owned_inverse = copied32(()), copied32(())
        k.failed_at = <int64_t *>grown(NULL, 2 * sizeof(int64_t))
        k.failed_at[0] = k.failed_at[1] = -1
        return self.n_classes - 1

    def set_class_groups(self, int class_id, own, inverse, records, owned_inverse):
        """Set a class's groups: own (group, variant, self) triples, groups that keep it away,
        groups that count it, owned inverse (group, variant) pairs."""
        cdef PodClass *k = self.classes[class_id]
        cdef int32_t i
        free(k.own)
        free(k.inverse)
        free(k.records)
        free(k.owned_inverse)
        k.own, k.n_own = copied32(own), len(own) // 3
        k.inverse, k.n_inverse = copied32(inverse), len(inverse)
        k.records, k.n_records = copied32(records), len(records)
        k.owned_inverse, k.n_owned_inverse = copied32(owned_inverse), len(owned_inverse) // 2
        k.has_zonal = False
        for i in range(k.n_own):
            if self.groups[k.own[3 * i]].key != HOSTNAME:
                k.has_zonal = True
        for i in range(k.n_inverse):
            if self.groups[k.inverse[i]].key != HOSTNAME:
                k.has_zonal = True

    def add_group(self, int kind, int key, int max_skew, bint inverse):
        """Add a topology group, not active before some pod of a round owns it."""
        cdef Group *g = <Group *>calloc(1, sizeof(Group))
        if g == NULL:
            raise MemoryError
        self.groups = <Group **>grown(self.groups, (self.n_groups + 1) * sizeof(Group *))
        self.groups[self.n_groups] = g
        self.n_groups += 1
        g.kind, g.key, g.max_skew, g.inverse = kind, key, max_skew, inverse
        g.known = <uint64_t *>calloc(self.domain_words, sizeof(uint64_t))
        g.bound_owners = copied32(())
        return self.n_groups - 1

    def set_group(self, int group, counted, bound_owners):
        """Set which classes' bound pods a group counts, and the bound pods that own it in order
        (pairs of pod and variant)."""
        cdef Group *g = self.groups[group]
        free(g.counted)
        free(g.bound_owners)
        g.counted, g.counted_size = copied8(counted), len(counted)
        g.bound_owners, g.n_bound_owners = copied32(bound_owners), len(bound_owners) // 2

    def add_variant(self, int min_domains, int filter_id, base_count, universe, node_known, passes):
        """Add one way in which a group can be created; see :class:`.topology.Variant`."""
        cdef int32_t i
        cdef Variant *v = <Variant *>calloc(1, sizeof(Variant))
        if v == NULL:
            raise MemoryError
        self.variants = <Variant **>grown(self.variants, (self.n_variants + 1) * sizeof(Variant *))
        self.variants[self.n_variants] = v
        self.n_variants += 1
        v.min_domains, v.filter = min_domains, filter_id
        v.base_count, v.n_base = copied32(base_count), len(base_count)
        for i in range(v.n_base):
            v.base_nonempty += v.base_count[i] > 0
        v.universe = copied_words(universe, self.domain_words)
        v.node_known = copied32(node_known)
        v.passes = copied8(passes)
        return self.n_variants - 1

    # ---------------------------------------------------------------- memo

    cdef int room_for_set(self, int32_t s) except -1 nogil:
        cdef int32_t room = self.set_room, i, mode
        if s < room:
            return 0
        room = max(256, 2 * room, s + 1)
        self.types_of_set = <uint64_t **>grown(self.types_of_set, room * sizeof(void *))
        self.reserved_of_set = <int32_t **>grown(self.reserved_of_set, room * sizeof(void *))
        self.domains_of_set = <Domains **>grown(
            self.domains_of_set, <size_t>room * self.n_keys * sizeof(void *))
        for i in range(self.set_room, room):
            self.types_of_set[i] = NULL
            self.reserved_of_set[i] = NULL
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

    cdef int32_t meet(self, int mode, int32_t a, int32_t b) except? -9 nogil:
        """The set of what both require, CONFLICT, or UNDEFINED; a is the holder."""
        cdef uint64_t key = (<uint64_t>a << 32) | <uint64_t>b
        cdef int32_t value
        if b == 0:
            return a
        value = map_get(&self.meets[mode], key)
        if value == -3:
            with gil:
                value = self.oracle.meet(mode, a, b)
            map_put(&self.meets[mode], key, value)
        return value

    cdef Domains *domains(self, int32_t s, int32_t key) except NULL nogil:
        """What the set says about the key."""
        cdef Domains *d
        self.room_for_set(s)
        d = self.domains_of_set[s * self.n_keys + key]
        if d == NULL:
            with gil:
                has, raw, single = self.oracle.domains(s, key)
                d = <Domains *>grown(NULL, sizeof(Domains))
                d.has = copied_words(has, self.domain_words)
                d.raw, d.n_raw = copied32(raw), len(raw)
                d.single = single
            self.domains_of_set[s * self.n_keys + key] = d
        return d

    cdef uint64_t *types(self, int32_t s, int32_t template) except NULL nogil:
        """Columns that the set allows; one word more says whether it has minValues."""
        cdef uint64_t *words
        self.room_for_set(s)
        words = self.types_of_set[s]
        if words == NULL:
            with gil:
                found, has_min_values = self.oracle.types(s, template)
                words = copied_words(found, self.n_words + 1)
                words[self.n_words] = bool(has_min_values)
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
            with gil:
                found = self.oracle.mask(
                    key, (<const char *>mask)[:self.domain_words * sizeof(uint64_t)])
        memo = (
            (<uint64_t>s << 38) | (<uint64_t>key << 30) | (<uint64_t>found << 1) | <uint64_t>mode)
        value = map_get(&self.pins, memo)
        if value == -3:
            with gil:
                value = self.oracle.pin(mode, s, key, found)
            map_put(&self.pins, memo, value)
        return value

    cdef int host_ok(self, int32_t requirement, int32_t host) except -1 nogil:
        """Whether a hostname satisfies a requirement; all placeholders are alike."""
        cdef int32_t h = host if host < self.n_hosts else self.n_hosts
        cdef uint64_t key = (<uint64_t>requirement << 32) | <uint64_t>h
        cdef int32_t value = map_get(&self.hosts, key)
        if value == -3:
            with gil:
                value = bool(self.oracle.host(requirement, h))
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
        value = map_get(&self.passed, key) if h == 0 else -3
        if value == -3:
            with gil:
                value = bool(self.oracle.passes(filter_id, taints, s, h))
            if h == 0:
                map_put(&self.passed, key, value)
        return value

    # ---------------------------------------------------------------- topology

    cdef int room_for_host(self, Group *g, int32_t host) except -1 nogil:
        cdef size_t room = g.capacity
        if <size_t>host < room:
            return 0
        room = max(2 * room, <size_t>host + 64)
        g.count = <int32_t *>grown(g.count, room * sizeof(int32_t))
        memset(g.count + g.capacity, 0, (room - g.capacity) * sizeof(int32_t))
        g.capacity = room
        return 0

    cdef int activate_group(self, int32_t group, int32_t variant) except -1 nogil:
        """Create a group in this round: the base counts less what the moved pods add to them."""
        cdef Group *g = self.groups[group]
        cdef Variant *v = self.variants[variant]
        cdef PodClass *k
        cdef int32_t i, j, d, pod, node, n_domains
        cdef bint contributes
        if g.active:
            return 0
        g.active = True
        g.variant = variant
        n_domains = self.n_domains[g.key]
        if g.key == HOSTNAME:
            n_domains += self.n_claims
        if n_domains:
            self.room_for_host(g, n_domains - 1)
        if v.n_base:
            memcpy(g.count, v.base_count, v.n_base * sizeof(int32_t))
        if g.capacity > <size_t>v.n_base:
            memset(g.count + v.n_base, 0, (g.capacity - v.n_base) * sizeof(int32_t))
        g.nonempty = v.base_nonempty
        for i in range(self.n_moved):
            pod = self.moved[i]
            node = self.bound_node[pod]
            if node < 0:
                continue
            k = self.classes[self.bound_class[pod]]
            contributes = False
            if g.inverse:
                if self.bound_flags[pod] & 2:
                    for j in range(k.n_owned_inverse):
                        if k.owned_inverse[2 * j] == group:
                            contributes = True
            elif self.bound_flags[pod] & 1 and v.passes[node]:
                contributes = <size_t>self.bound_class[pod] < g.counted_size and (
                    g.counted[self.bound_class[pod]])
            d = self.node_domain[g.key * self.n_nodes + node]
            if contributes and d >= 0:
                g.count[d] -= 1
                if g.count[d] == 0:
                    g.nonempty -= 1
        if g.key == HOSTNAME:
            return 0
        memcpy(g.known, v.universe, self.domain_words * sizeof(uint64_t))
        if self.n_excluded:
            memset(self.dropped, 0, self.domain_words * 64 * sizeof(int32_t))
            for i in range(self.n_excluded):
                node = self.excluded[i]
                d = self.node_domain[g.key * self.n_nodes + node]
                if d >= 0 and self.node_active[node] & 1 and v.passes[node]:
                    self.dropped[d] += 1
        for d in range(self.n_domains[g.key]):
            i = v.node_known[d] - (self.dropped[d] if self.n_excluded else 0)
            if g.count[d] > 0 or i > 0:
                set_bit(g.known, d)
        return 0

    cdef int activate_class(self, PodClass *k) except -1 nogil:
        cdef int32_t i
        for i in range(k.n_owned_inverse):
            self.activate_group(k.owned_inverse[2 * i], k.owned_inverse[2 * i + 1])
        for i in range(k.n_own):
            self.activate_group(k.own[3 * i], k.own[3 * i + 1])
        return 0

    cdef int32_t host_count(self, Group *g, int32_t host) noexcept nogil:
        return g.count[host] if <size_t>host < g.capacity else 0

    cdef int host_allows(self, PodClass *k, int32_t host) except -1 nogil:
        """What the groups over hostnames say about a candidate; sets ``permanent``."""
        cdef int32_t i, d, count
        cdef Group *g
        cdef bint occupied
        for i in range(k.n_own):
            g = self.groups[k.own[3 * i]]
            if g.key != HOSTNAME:
                continue
            count = self.host_count(g, host)
            if g.kind == SPREAD:
                if count + k.own[3 * i + 2] > g.max_skew:
                    self.permanent = True
                    return 0
            elif g.kind == ANTI_AFFINITY:
                if count:
                    self.permanent = True
                    return 0
            else:
                if k.strict_host >= 0 and not self.host_ok(k.strict_host, host):
                    self.permanent = True
                    return 0
                if count:
                    continue
                if not k.own[3 * i + 2]:
                    return 0
                if g.nonempty:
                    if k.strict_host < 0:
                        return 0
                    occupied = False
                    for d in range(<int32_t>g.capacity):
                        if g.count[d] > 0 and self.host_ok(k.strict_host, d):
                            occupied = True
                            break
                    if occupied:
                        return 0
        for i in range(k.n_inverse):
            g = self.groups[k.inverse[i]]
            if g.key == HOSTNAME and g.active and self.host_count(g, host):
                self.permanent = True
                return 0
        return 1

    cdef bint ask_group(
        self, Group *g, bint selects, const Domains *pod, const Domains *node, uint64_t *out
    ) noexcept nogil:
        """The domains that a group over another key than the hostname allows; False for none."""
        cdef int32_t d, best = -1, number = 0, n = self.n_domains[g.key]
        cdef int32_t *rank = self.domain_rank[g.key] if self.domain_rank != NULL else NULL
        cdef int64_t least = MAX_INT64, count, best_count = MAX_INT64
        cdef bint occupied = False, found = False
        cdef int32_t min_domains = self.variants[g.variant].min_domains
        memset(out, 0, self.domain_words * sizeof(uint64_t))
        if g.kind == SPREAD:
            for d in range(n):
                if bit(g.known, d) and bit(pod.has, d):
                    number += 1
                    if g.count[d] < least:
                        least = g.count[d]
            if min_domains >= 0 and number < min_domains:
                least = 0
            for d in range(n):
                if not bit(g.known, d) or not bit(node.has, d):
                    continue
                count = g.count[d] + selects
                if count - least > g.max_skew:
                    continue
                if count < best_count or (count == best_count and rank[d] < rank[best]):
                    best = d
                    best_count = count
            if best < 0:
                return False
            set_bit(out, best)
            return True
        if g.kind == ANTI_AFFINITY:
            for d in range(n):
                if bit(g.known, d) and g.count[d] == 0 and bit(pod.has, d) and bit(node.has, d):
                    set_bit(out, d)
                    found = True
            return found
        for d in range(n):
            if g.count[d] > 0 and bit(pod.has, d):
                occupied = True
                if bit(node.has, d):
                    set_bit(out, d)
                    found = True
        if found or not selects or (occupied and g.nonempty):
            return found
        # Bootstrap: one domain of pod and node, and one of the pod alone.
        for d in range(n):
            if bit(g.known, d) and bit(pod.has, d) and bit(node.has, d):
                if best < 0 or rank[d] < rank[best]:
                    best = d
        if best >= 0:
            set_bit(out, best)
            found = True
        best = -1
        for d in range(n):
            if bit(g.known, d) and bit(pod.has, d):
                if best < 0 or rank[d] < rank[best]:
                    best = d
        if best >= 0:
            set_bit(out, best)
            found = True
        return found

    cdef int32_t narrowed(self, int mode, PodClass *k, int32_t s) except? -9 nogil:
        """The set narrowed by the pod's groups over other keys than the hostname; -1 refuses."""
        cdef int32_t i, w, key, group, n_keys = 0, result
        cdef Group *g
        cdef uint64_t *mask
        cdef uint64_t[64] answer
        cdef uint64_t *out = answer
        cdef bint selects
        if not k.has_zonal:
            return s
        self.room_for_set(s)
        if self.topology_epoch[mode][s] == self.epoch:
            return self.topology_result[mode][s]
        result = s
        if self.domain_words > 64:
            out = <uint64_t *>grown(NULL, self.domain_words * sizeof(uint64_t))
        memset(self.key_seen, 0, self.n_keys * sizeof(uint64_t))
        for i in range(k.n_own + k.n_inverse):
            if i < k.n_own:
                group, selects = k.own[3 * i], k.own[3 * i + 2]
            else:
                group, selects = k.inverse[i - k.n_own], True
            g = self.groups[group]
            key = g.key
            if key == HOSTNAME or not g.active:
                continue
            if not self.ask_group(
                g, selects, self.domains(k.strict_id, key), self.domains(s, key), out
            ):
                result = -1
                break
            mask = &self.masks[key * self.domain_words]
            if self.key_seen[key]:
                for w in range(self.domain_words):
                    mask[w] &= out[w]
            else:
                self.key_seen[key] = 1
                self.mask_keys[n_keys] = key
                n_keys += 1
                memcpy(mask, out, self.domain_words * sizeof(uint64_t))
        if result >= 0:
            for i in range(n_keys):
                key = self.mask_keys[i]
                result = self.pin(mode, result, key, &self.masks[key * self.domain_words])
                if result < 0:
                    result = -1
                    break
        if out != answer:
            free(out)
        self.room_for_set(s)
        self.topology_epoch[mode][s] = self.epoch
        self.topology_result[mode][s] = result
        return result

    cdef int count_domain(self, Group *g, int32_t d) except -1 nogil:
        if g.key == HOSTNAME:
            self.room_for_host(g, d)
        else:
            set_bit(g.known, d)
        if g.count[d] == 0:
            g.nonempty += 1
        g.count[d] += 1
        return 0

    cdef int record(self, PodClass *k, int32_t taints, int32_t s, int32_t host) except -1 nogil:
        """Count a pod that has just been placed."""
        cdef int32_t i, j
        cdef Group *g
        cdef Domains *d
        for i in range(k.n_records):
            g = self.groups[k.records[i]]
            if not g.active:
                continue
            if not self.passes(self.variants[g.variant].filter, taints, s, host):
                continue
            if g.key == HOSTNAME:
                self.count_domain(g, host)
                continue
            d = self.domains(s, g.key)
            if g.kind == ANTI_AFFINITY:
                for j in range(d.n_raw):
                    self.count_domain(g, d.raw[j])
            elif d.single >= 0:
                self.count_domain(g, d.single)
        for i in range(k.n_owned_inverse):
            g = self.groups[k.owned_inverse[2 * i]]
            if g.key == HOSTNAME:
                self.count_domain(g, host)
                continue
            d = self.domains(s, g.key)
            for j in range(d.n_raw):
                self.count_domain(g, d.raw[j])
        return 0

    # ---------------------------------------------------------------- candidates

    cdef int is_dead(self, PodClass *k, int32_t i) noexcept nogil:
        cdef size_t w = <size_t>(i >> 6)
        return w < k.dead_words and (k.dead[w] >> (i & 63)) & 1

    cdef int bury(self, PodClass *k, int32_t i) except -1 nogil:
        cdef size_t w = <size_t>(i >> 6), room
        if w >= k.dead_words:
            room = max(2 * k.dead_words, w + 8)
            k.dead = <uint64_t *>grown(k.dead, room * sizeof(uint64_t))
            memset(k.dead + k.dead_words, 0, (room - k.dead_words) * sizeof(uint64_t))
            k.dead_words = room
        set_bit(k.dead, i)
        return 0

    cdef bint ports_taken(self, int32_t head, int32_t ports) noexcept nogil:
        cdef int32_t link = head
        if ports < 0:
            return False
        while link >= 0:
            if self.port_conflict[ports * self.n_ports + self.port_set[link]]:
                return True
            link = self.port_next[link]
        return False

    cdef int32_t link_ports(self, int32_t head, int32_t ports) except -1000 nogil:
        if ports < 0:
            return head
        if self.n_port_links == self.port_link_room:
            self.port_link_room = max(64, 2 * self.port_link_room)
            self.port_set = <int32_t *>grown(
                self.port_set, self.port_link_room * sizeof(int32_t))
            self.port_next = <int32_t *>grown(
                self.port_next, self.port_link_room * sizeof(int32_t))
        self.port_set[self.n_port_links] = ports
        self.port_next[self.n_port_links] = head
        self.n_port_links += 1
        return self.n_port_links - 1

    cdef int try_node(self, int32_t n, int32_t class_id) except -1 nogil:
        """ACCEPTED (then ``found_set``) or why an existing node refuses."""
        cdef PodClass *k = self.classes[class_id]
        cdef int32_t r, i, s, base
        cdef int64_t *room = &self.node_room[n * self.n_resources]
        cdef int reason = REQUIREMENTS
        self.permanent = True
        for r in range(self.n_resources):
            if k.requests[r] > room[r]:
                return TYPES
        if not k.tolerates[self.node_taints[n]]:
            return TAINTS
        if k.host >= 0 and not self.host_ok(k.host, self.node_host[n]):
            return REQUIREMENTS
        if self.node_limited_volumes[n]:
            with gil:
                if not self.oracle.volumes_fit(n, class_id):
                    return VOLUME
        if self.ports_taken(self.node_port_head[n], k.ports):
            return TYPES
        base = self.meet(STRICT, self.node_set[n], k.set_id)
        if base < 0:
            self.permanent = base == CONFLICT
            return REQUIREMENTS
        self.permanent = False
        if not self.host_allows(k, self.node_host[n]):
            return TOPOLOGY
        self.permanent = False
        for i in range(k.n_alternatives):
            s = base
            if k.alternatives[2 * i] >= 0:
                reason = VOLUME
                if k.alternatives[2 * i + 1] >= 0 and not self.host_ok(
                    k.alternatives[2 * i + 1], self.node_host[n]
                ):
                    continue
                s = self.meet(STRICT, s, k.alternatives[2 * i])
                if s < 0:
                    continue
            reason = TOPOLOGY
            s = self.narrowed(STRICT, k, s)
            if s >= 0:
                self.found_set = s
                return ACCEPTED
        return reason

    cdef int filter_types(
        self, Template *t, const uint64_t *held, const uint64_t *allowed, PodClass *k, int32_t head
    ) noexcept nogil:
        """Columns of a claim that still hold everything, in ``found_types``; 0 if none is left.

        ``need`` holds the total requests, without the overhead of daemons.
        """
        cdef int32_t group, r, w, step, n = t.n_columns, words = self.n_words
        cdef uint64_t any_left = 0
        cdef uint64_t *rows[64]
        cdef uint64_t word
        cdef int32_t n_rows
        if self.ports_taken(head, k.ports):
            return 0
        if t.n_groups > 1:
            memset(self.found_types, 0, words * sizeof(uint64_t))
        for group in range(t.n_groups):
            if k.ports >= 0 and t.group_conflict[group * t.n_port_sets + k.ports]:
                if t.n_groups == 1:
                    return 0
                continue
            n_rows = 0
            for r in range(self.n_resources):
                step = lower_bound(
                    &t.steps[r * n], t.n_steps[r],
                    self.need[r] + t.overhead[group * self.n_resources + r])
                if step:
                    rows[n_rows] = &t.suffix[(r * (n + 1) + step) * words]
                    n_rows += 1
            for w in range(words):
                word = held[w] & allowed[w] & t.group_types[group * words + w]
                for r in range(n_rows):
                    word &= rows[r][w]
                any_left |= word
                if t.n_groups == 1:
                    self.found_types[w] = word
                else:
                    self.found_types[w] |= word
        return any_left != 0

    cdef int reserve(
        self, int32_t template, int32_t s, const uint64_t *held
    ) except -1 nogil:
        """Reservations that the claim would hold, in ``found_held``; 0 refuses."""
        cdef int32_t i, column, end, reservation
        cdef int32_t *found
        cdef bint compatible = False, any_free = False, holds = False, kept
        memset(self.found_held, 0, self.reservation_words * sizeof(uint64_t))
        if self.n_reservations == 0:
            return 1
        self.room_for_set(s)
        found = self.reserved_of_set[s]
        if found == NULL:
            with gil:
                found = copied32(self.oracle.reserved(s, template))
            self.reserved_of_set[s] = found
        for i in range(found[0]):
            column, end, reservation = found[3 * i + 1], found[3 * i + 2], found[3 * i + 3]
            kept = False
            while column < end:
                if bit(self.found_types, column):
                    kept = True
                    break
                column += 1
            if not kept:
                continue
            compatible = True
            if bit(held, reservation) or self.reservation_left[reservation] > 0:
                any_free = True
                set_bit(self.found_held, reservation)
        if any_free or not self.strict_reservations:
            return 1
        for i in range(self.reservation_words):
            if held[i]:
                holds = True
        return not (compatible or holds)

    cdef int try_claim(self, int32_t c, int32_t class_id, bint opening) except -1 nogil:
        """ACCEPTED (then ``found_set``, ``found_types``, ``found_held``) or why a claim refuses."""
        cdef PodClass *k = self.classes[class_id]
        cdef int32_t template = self.claim_template[c], r, i, s, base, relaxed
        cdef Template *t = self.templates[template]
        cdef int64_t *requests = &self.claim_requests[c * self.n_resources]
        cdef int64_t *most = &self.claim_most[c * self.n_resources]
        cdef uint64_t *held = &self.claim_types[c * self.n_words]
        cdef uint64_t *allowed
        cdef int reason = REQUIREMENTS
        self.permanent = True
        if not k.tolerates[t.taints]:
            return TAINTS
        if not opening:
            for r in range(self.n_resources):
                if requests[r] + k.requests[r] > most[r]:
                    return TYPES
        if not k.any_claim_host:
            return REQUIREMENTS
        base = self.meet(LOOSE, self.claim_set[c], k.set_id)
        if base < 0:
            self.permanent = base == CONFLICT
            return REQUIREMENTS
        self.permanent = False
        if not self.host_allows(k, self.n_hosts + c):
            return TOPOLOGY
        for r in range(self.n_resources):
            self.need[r] = requests[r] + k.requests[r]
        for i in range(k.n_alternatives):
            self.permanent = False
            s = base
            if k.alternatives[2 * i] >= 0:
                reason = VOLUME
                if k.alternatives[2 * i + 1] >= 0 and not self.host_ok(
                    k.alternatives[2 * i + 1], self.n_hosts + c
                ):
                    continue
                s = self.meet(LOOSE, s, k.alternatives[2 * i])
                if s < 0:
                    continue
            reason = TOPOLOGY
            s = self.narrowed(LOOSE, k, s)
            if s < 0:
                continue
            reason = TYPES
            self.permanent = not k.has_zonal and k.n_alternatives == 1
            allowed = self.types(s, template)
            if not self.filter_types(t, held, allowed, k, self.claim_port_head[c]):
                continue
            if allowed[self.n_words]:
                reason = MIN_VALUES
                with gil:
                    relaxed = self.oracle.min_values(
                        template, s,
                        (<const char *>self.found_types)[:self.n_words * sizeof(uint64_t)],
                        opening and self.relax_min_values)
                if relaxed < 0:
                    continue
                if opening:
                    self.relaxed_min_values[template] = relaxed != s
                s = relaxed
            elif opening:
                self.relaxed_min_values[template] = 0
            reason = RESERVED
            self.permanent = False
            if not self.reserve(template, s, &self.claim_held[c * self.reservation_words]):
                continue
            self.found_set = s
            return ACCEPTED
        return reason

    cdef int join(self, int32_t c, int32_t class_id) except -1 nogil:
        """Give the pod to the claim as the accepted attempt left it."""
        cdef PodClass *k = self.classes[class_id]
        cdef int32_t r, i, w
        cdef uint64_t *held = &self.claim_held[c * self.reservation_words]
        cdef uint64_t gained, lost
        cdef int64_t *requests = &self.claim_requests[c * self.n_resources]
        memcpy(&self.claim_types[c * self.n_words], self.found_types,
               self.n_words * sizeof(uint64_t))
        for r in range(self.n_resources):
            requests[r] += k.requests[r]
        self.claim_set[c] = self.found_set
        self.claim_port_head[c] = self.link_ports(self.claim_port_head[c], k.ports)
        self.claim_pods[c] += 1
        if self.n_reservations:
            for w in range(self.reservation_words):
                gained = self.found_held[w] & ~held[w]
                lost = held[w] & ~self.found_held[w]
                while gained:
                    i = 64 * w + pyscale_ctz(gained)
                    self.reservation_left[i] -= 1
                    gained &= gained - 1
                while lost:
                    i = 64 * w + pyscale_ctz(lost)
                    self.reservation_left[i] += 1
                    lost &= lost - 1
                held[w] = self.found_held[w]
        self.record(k, self.templates[self.claim_template[c]].taints, self.found_set,
                    self.n_hosts + c)
        return 0

    cdef int room_for_claim(self) except -1 nogil:
        cdef int32_t room = self.claim_room_n
        if self.n_claims < room:
            return 0
        room = max(64, 2 * room)
        self.claim_set = <int32_t *>grown(self.claim_set, room * sizeof(int32_t))
        self.claim_template = <int32_t *>grown(self.claim_template, room * sizeof(int32_t))
        self.claim_port_head = <int32_t *>grown(self.claim_port_head, room * sizeof(int32_t))
        self.claim_order = <int32_t *>grown(self.claim_order, room * sizeof(int32_t))
        self.claim_pods = <double *>grown(self.claim_pods, room * sizeof(double))
        self.claim_types = <uint64_t *>grown(
            self.claim_types, <size_t>room * self.n_words * sizeof(uint64_t))
        self.claim_requests = <int64_t *>grown(
            self.claim_requests, <size_t>room * self.n_resources * sizeof(int64_t))
        self.claim_most = <int64_t *>grown(
            self.claim_most, <size_t>room * self.n_resources * sizeof(int64_t))
        self.claim_held = <uint64_t *>grown(
            self.claim_held, <size_t>room * self.reservation_words * sizeof(uint64_t))
        self.claim_room_n = room
        return 0

    cdef int open_claim(self, int32_t class_id, int8_t *reasons) except -1 nogil:
        """Open a claim of the first template that accepts; else the reason of the last one."""
        cdef int32_t template, r, i, column, c, n, words = self.n_words
        cdef int reason = REQUIREMENTS
        cdef Template *t
        cdef uint64_t any_left
        cdef int64_t *remaining
        cdef int64_t lowest
        for template in range(self.n_templates):
            t = self.templates[template]
            n = t.n_columns
            remaining = &self.remaining[template * self.n_resources]
            if t.limited_nodes and self.remaining_nodes[template] <= 0:
                # No type has a capacity of nodes, so that a negative rest refuses all of them.
                reason = LIMITS if self.remaining_nodes[template] else NODE_LIMITS
                reasons[template] = reason
                continue
            self.room_for_claim()
            c = self.n_claims
            memcpy(&self.claim_types[c * words], t.all_types, words * sizeof(uint64_t))
            if t.limited:
                for r in range(self.n_resources):
                    if not t.is_limited[r]:
                        continue
                    for i in range(n):
                        column = t.by_capacity[r * n + i]
                        if t.capacity[column * self.n_resources + r] <= remaining[r]:
                            break
                        self.claim_types[c * words + (column >> 6)] &= ~(
                            (<uint64_t>1) << (column & 63))
                any_left = 0
                for i in range(words):
                    any_left |= self.claim_types[c * words + i]
                if not any_left:
                    reasons[template] = reason = LIMITS
                    continue
            elif n == 0:
                reasons[template] = reason = LIMITS
                continue
            self.claim_template[c] = template
            self.claim_set[c] = t.set_id
            self.claim_port_head[c] = -1
            self.claim_pods[c] = 0
            memset(&self.claim_requests[c * self.n_resources], 0,
                   self.n_resources * sizeof(int64_t))
            for r in range(self.n_resources):
                lowest = t.overhead[r]
                for i in range(1, t.n_groups):
                    lowest = min(lowest, t.overhead[i * self.n_resources + r])
                self.claim_most[c * self.n_resources + r] = t.most[r] - lowest
            memset(&self.claim_held[c * self.reservation_words], 0,
                   self.reservation_words * sizeof(uint64_t))
            reason = self.try_claim(c, class_id, True)
            reasons[template] = reason
            if reason == RESERVED:
                return reason
            if reason != ACCEPTED:
                continue
            self.n_claims += 1
            self.join(c, class_id)
            self.claim_order[c] = c
            self.pending_append = True
            for r in range(self.n_resources):
                if t.limited and t.is_limited[r]:
                    for i in range(n):
                        column = t.by_capacity[r * n + i]
                        if bit(&self.claim_types[c * words], column):
                            remaining[r] -= t.capacity[column * self.n_resources + r]
                            break
            return ACCEPTED
        return reason

    cdef void sort_claims(self) noexcept nogil:
        """Bring the open claims into Go's order of pods; since the last time one grew or was added.

        With 50 claims and more, and with at most 12, the sort moves the grown claim behind its
        equals and the new one behind the last of one pod, unless the misplaced pair is sampled
        for the pivot.
        """
        cdef int32_t n = self.n_claims, p, e, c, quarter
        cdef double pods
        if self.pending_append:
            p = n - 1
            c = self.claim_order[p]
            if n <= 12 or n >= 50:
                while p > 0 and self.claim_pods[self.claim_order[p - 1]] > self.claim_pods[c]:
                    self.claim_order[p] = self.claim_order[p - 1]
                    p -= 1
                self.claim_order[p] = c
            else:
                go_sort(self.claim_order, n, self.claim_pods)
        elif self.pending_position >= 0:
            p = self.pending_position
            c = self.claim_order[p]
            pods = self.claim_pods[c]
            if p + 1 < n and self.claim_pods[self.claim_order[p + 1]] < pods:
                quarter = n // 4
                if n <= 12 or (n >= 50 and p != quarter and p != quarter - 1
                               and p != 2 * quarter and p != 2 * quarter - 1
                               and p != 3 * quarter and p != 3 * quarter - 1):
                    e = p + 1
                    while e < n and self.claim_pods[self.claim_order[e]] < pods:
                        self.claim_order[e - 1] = self.claim_order[e]
                        e += 1
                    self.claim_order[e - 1] = c
                else:
                    go_sort(self.claim_order, n, self.claim_pods)
        self.pending_append = False
        self.pending_position = -1

    cdef int32_t add_pod(
        self, int32_t class_id, bint may_settle, int8_t *reasons
    ) except -1000 nogil:
        """Node number, node count + claim number, or minus the reason."""
        cdef PodClass *k = self.classes[class_id]
        cdef int32_t w, n, i, c, reason
        cdef uint64_t word
        self.epoch += 1
        for w in range((self.n_nodes + 63) >> 6):
            word = self.node_usable[w]
            if <size_t>w < k.dead_words:
                word &= ~k.dead[w]
            while word:
                n = 64 * w + pyscale_ctz(word)
                word &= word - 1
                if not may_settle and self.node_under[n]:
                    continue
                if self.try_node(n, class_id) != ACCEPTED:
                    if self.permanent:
                        self.bury(k, n)
                    continue
                for i in range(self.n_resources):
                    self.node_room[n * self.n_resources + i] -= k.requests[i]
                self.node_set[n] = self.found_set
                self.node_port_head[n] = self.link_ports(self.node_port_head[n], k.ports)
                if self.node_limited_volumes[n]:
                    with gil:
                        self.oracle.volumes_add(n, class_id)
                self.record(k, self.node_taints[n], self.found_set, self.node_host[n])
                return n
        self.sort_claims()
        for i in range(self.n_claims):
            c = self.claim_order[i]
            if self.is_dead(k, self.n_nodes + c):
                continue
            if self.try_claim(c, class_id, False) != ACCEPTED:
                if self.permanent:
                    self.bury(k, self.n_nodes + c)
                continue
            self.join(c, class_id)
            self.pending_position = i
            return self.n_nodes + c
        if self.n_templates == 0:
            return -REQUIREMENTS
        reason = self.open_claim(class_id, reasons)
        if reason == ACCEPTED:
            return self.n_nodes + self.n_claims - 1
        return -reason

    cdef int32_t schedule(
        self, int32_t class_id, bint may_settle, int8_t *reasons
    ) except -1000 nogil:
        """Relax until the pod finds a place; -reason if it finds none."""
        cdef int32_t k = class_id, place, after
        while True:
            place = self.add_pod(k, may_settle, reasons)
            if place >= 0 or place == -RESERVED:
                return place
            after = self.classes[k].relaxed
            if after == UNKNOWN:
                with gil:
                    after = self.oracle.relax(k)
                self.classes[k].relaxed = after
            if after < 0:
                return place
            k = after
            self.touch(k)
            self.activate_class(self.classes[k])

    cdef int touch(self, int32_t class_id) except -1 nogil:
        """Remember that the class is used in this round, so that it can be cleared after it."""
        cdef PodClass *k = self.classes[class_id]
        if k.rank == 1:
            return 0
        k.rank = 1
        if self.n_touched == self.touched_room:
            self.touched_room = max(64, 2 * self.touched_room)
            self.touched = <int32_t *>grown(self.touched, self.touched_room * sizeof(int32_t))
        self.touched[self.n_touched] = class_id
        self.n_touched += 1
        return 0

    cdef int begin(self) except -1 nogil:
        """Bring nodes, groups, limits and reservations to the base state less what is excluded."""
        cdef int32_t i, j, n, t, r, pod
        cdef PodClass *k
        cdef Group *g
        for i in range(self.n_touched):
            k = self.classes[self.touched[i]]
            k.rank = 0
            k.failed_at[0] = k.failed_at[1] = -1
            if k.dead_words:
                memset(k.dead, 0, k.dead_words * sizeof(uint64_t))
        self.n_touched = 0
        self.n_claims = 0
        self.n_port_links = 0
        self.pending_append = False
        self.pending_position = -1
        self.version = 0
        memcpy(self.node_set, self.node_set_base, self.n_nodes * sizeof(int32_t))
        memcpy(self.node_room, self.node_room_base,
               <size_t>self.n_nodes * self.n_resources * sizeof(int64_t))
        memcpy(self.node_usable, self.node_usable_base,
               ((self.n_nodes + 63) // 64) * sizeof(uint64_t))
        for n in range(self.n_nodes):
            self.node_port_head[n] = -1
            for i in range(self.node_ports_off[n], self.node_ports_off[n + 1]):
                self.node_port_head[n] = self.link_ports(
                    self.node_port_head[n], self.node_ports[i])
        for t in range(self.n_templates):
            memcpy(&self.remaining[t * self.n_resources], self.templates[t].limit,
                   self.n_resources * sizeof(int64_t))
            self.relaxed_min_values[t] = 0
        memcpy(self.reservation_left, self.reservation_base,
               self.n_reservations * sizeof(int64_t))
        for i in range(self.n_excluded):
            n = self.excluded[i]
            self.node_usable[n >> 6] &= ~((<uint64_t>1) << (n & 63))
            t = self.node_template[n]
            if t >= 0 and self.node_active[n] & 2:
                for r in range(self.n_resources):
                    self.remaining[t * self.n_resources + r] += (
                        self.node_capacity[n * self.n_resources + r])
                self.remaining_nodes[t] += 1
        for i in range(self.n_groups):
            self.groups[i].active = False
        # Required anti-affinity of pods that stay creates its inverse groups first.
        for i in range(self.n_groups):
            g = self.groups[i]
            for j in range(g.n_bound_owners):
                pod = g.bound_owners[2 * j]
                if not self.bound_moved[pod]:
                    self.activate_group(i, g.bound_owners[2 * j + 1])
                    break
        return 0

    def solve(self, const int32_t[::1] classes, const uint8_t[::1] may_settle,
              const int32_t[::1] queue, const int32_t[::1] moved, const int32_t[::1] excluded,
              const uint8_t[::1] under, const int64_t[::1] node_limits, bint strict_reservations,
              bint relax_min_values):
        """Run one round.

        Parameters
        ----------
        classes : ndarray of int32, shape (n_pods,)
            Class of each pod of the batch, in the order of upstream's list.
        may_settle : ndarray of uint8, shape (n_pods,)
            Whether the pod may go to nodes that are under consolidateAfter.
        queue : ndarray of int32, shape (n_pods,)
            Pod numbers in the order in which they are tried.
        moved : ndarray of int32
            Bound pods that are part of the batch and count nowhere.
        excluded : ndarray of int32
            Nodes that are taken away.
        under : ndarray of uint8, shape (n_nodes,)
        node_limits : ndarray of int64, shape (n_templates,)
            How many nodes each pool may still get.
        strict_reservations, relax_min_values : bool

        Returns
        -------
        place : ndarray of int32, shape (n_pods,)
            Node number, node count + claim number, or -1.
        reasons : ndarray of int8, shape (n_pods, n_templates)
            For pods without a place: why each template refused the last attempt, 0 not tried.
        """
        import numpy as np

        cdef int32_t n_pods = <int32_t>classes.shape[0], i, pod, k, where
        cdef int32_t head = 0, length = n_pods, t
        cdef int settle
        place_array = np.full(n_pods, -1, dtype=np.int32)
        reasons_array = np.zeros((n_pods, max(1, self.n_templates)), dtype=np.int8)
        cdef int32_t[::1] place = place_array
        cdef int8_t[:, ::1] reasons = reasons_array
        cdef int32_t[::1] ring = np.array(queue, dtype=np.int32)
        cdef int32_t[::1] pushed = np.zeros(n_pods, dtype=np.int32)
        cdef int8_t[::1] scratch = np.zeros(max(1, self.n_templates), dtype=np.int8)
        if self.remaining == NULL:
            self.remaining = <int64_t *>grown(
                NULL, (self.n_templates * self.n_resources + 1) * sizeof(int64_t))
            self.remaining_nodes = <int64_t *>grown(
                NULL, (self.n_templates + 1) * sizeof(int64_t))
            self.relaxed_min_values = <uint8_t *>calloc(self.n_templates + 1, 1)
        for t in range(self.n_templates):
            self.remaining_nodes[t] = node_limits[t]
        self.strict_reservations, self.relax_min_values = strict_reservations, relax_min_values
        self.node_under = &under[0] if self.n_nodes else NULL
        self.n_moved = <int32_t>moved.shape[0]
        self.moved = &moved[0] if self.n_moved else NULL
        for i in range(self.n_moved):
            self.bound_moved[moved[i]] = 1
        self.n_excluded = <int32_t>excluded.shape[0]
        for i in range(self.n_excluded):
            self.excluded[i] = excluded[i]
        try:
            with nogil:
                self.begin()
                for i in range(n_pods):
                    if self.classes[classes[i]].rank != 1:
                        self.touch(classes[i])
                        self.activate_class(self.classes[classes[i]])
                while length:
                    pod = ring[head]
                    if pushed[pod] == length:
                        break
                    head += 1
                    if head == n_pods:
                        head = 0
                    length -= 1
                    k = classes[pod]
                    settle = may_settle[pod]
                    if self.classes[k].failed_at[settle] == self.version:
                        where = -1
                    else:
                        memset(&scratch[0], 0, scratch.shape[0])
                        where = self.schedule(k, settle, &scratch[0])
                        if where < 0:
                            self.classes[k].failed_at[settle] = self.version
                            for t in range(self.n_templates):
                                reasons[pod, t] = scratch[t]
                    if where >= 0:
                        self.version += 1
                        place[pod] = where
                        continue
                    i = head + length
                    if i >= n_pods:
                        i -= n_pods
                    ring[i] = pod
                    length += 1
                    pushed[pod] = length
        finally:
            for i in range(self.n_moved):
                self.bound_moved[moved[i]] = 0
            self.moved = NULL
            self.n_moved = 0
            self.node_under = NULL
        return place_array, reasons_array

    # ---------------------------------------------------------------- results

    def claims(self):
        """Return the claims of the last round.

        Returns
        -------
        templates, sets : ndarray of int32, shape (n_claims,)
        types : ndarray of uint64, shape (n_claims, n_words)
        requests : ndarray of int64, shape (n_claims, n_resources)
        held : ndarray of uint64, shape (n_claims, words)
            Reservations held.
        min_values_relaxed : ndarray of uint8, shape (n_templates,)
            Whether the claim opened last of each template had its minValues relaxed.
        """
        import numpy as np

        cdef int32_t n = self.n_claims, i, j
        templates = np.empty(n, dtype=np.int32)
        sets = np.empty(n, dtype=np.int32)
        types = np.empty((n, self.n_words), dtype=np.uint64)
        requests = np.empty((n, self.n_resources), dtype=np.int64)
        held = np.empty((n, self.reservation_words), dtype=np.uint64)
        relaxed = np.zeros(self.n_templates, dtype=np.uint8)
        cdef int32_t[::1] t = templates, s = sets
        cdef uint64_t[:, ::1] y = types, h = held
        cdef int64_t[:, ::1] q = requests
        for i in range(n):
            t[i], s[i] = self.claim_template[i], self.claim_set[i]
            for j in range(self.n_words):
                y[i, j] = self.claim_types[i * self.n_words + j]
            for j in range(self.n_resources):
                q[i, j] = self.claim_requests[i * self.n_resources + j]
            for j in range(self.reservation_words):
                h[i, j] = self.claim_held[i * self.reservation_words + j]
        for i in range(self.n_templates if self.relaxed_min_values != NULL else 0):
            relaxed[i] = self.relaxed_min_values[i]
        return templates, sets, types, requests, held, relaxed

    def set_domain_ranks(self, ranks):
        """Set, per topology key, the lexicographic rank of each domain."""
        cdef int32_t key
        if self.domain_rank == NULL:
            self.domain_rank = <int32_t **>calloc(self.n_keys, sizeof(void *))
        for key in range(self.n_keys):
            free(self.domain_rank[key])
            self.domain_rank[key] = copied32(ranks[key])


cdef void free_template(Template *t) noexcept:
    free(t.all_types)
    free(t.group_types)
    free(t.overhead)
    free(t.group_conflict)
    free(t.allocatable)
    free(t.capacity)
    free(t.by_capacity)
    free(t.n_steps)
    free(t.steps)
    free(t.suffix)
    free(t.most)
    free(t.limit)
    free(t.is_limited)
    free(t)


cdef void free_class(PodClass *k) noexcept:
    free(k.alternatives)
    free(k.own)
    free(k.inverse)
    free(k.records)
    free(k.owned_inverse)
    free(k.requests)
    free(k.tolerates)
    free(k.failed_at)
    free(k.dead)
    free(k)


def _padded(words, int n_words):
    return bytes(words).ljust(8 * n_words, b"\0")


def _union(masks, int n_words):
    total = 0
    for mask in masks:
        total |= int.from_bytes(mask, "little")
    return total.to_bytes(8 * n_words, "little")
