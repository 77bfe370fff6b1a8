"""Tables of a cluster for Karpenter's Solve, given once and frozen.

Everything that can be compared is a number here: requirement sets, taint lists, sets of host ports,
topology groups, pod classes.  A *column* is an instance type with one of its allocatable groups; a
*variant* is one way in which a topology group can be created.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint64_t
from libc.stdlib cimport calloc, free, realloc
from libc.string cimport memcpy, memset


cdef int out_of_memory() except -1 with gil:
    raise MemoryError("provisioning ran out of memory")


cdef void *grown(void *data, size_t size) except NULL nogil:
    cdef void *result = realloc(data, size if size else 1)
    if result == NULL:
        out_of_memory()
    return result


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


cdef class TemplateTable:
    """The columns of a template, indexed by every resource; may serve several Provisioners.

    Parameters
    ----------
    n_words : int
        Words of a bitset of columns.
    groups : sequence of bytes
        Daemon-overhead groups as bitsets of columns.
    overhead : ndarray of int64, shape (n_groups, n_resources)
    allocatable, capacity : ndarray of int64, shape (n_columns, n_resources)
    """

    def __cinit__(self, int n_words, groups, overhead, const int64_t[:, ::1] allocatable,
                  const int64_t[:, ::1] capacity):
        import numpy as np

        cdef int32_t r, i, w, step, n = <int32_t>allocatable.shape[0]
        cdef int32_t n_resources = <int32_t>allocatable.shape[1]
        cdef const int64_t[::1] values
        cdef const int32_t[::1] place
        cdef Template *t = &self.t
        cdef uint64_t *row
        t.n_columns, t.n_groups = n, len(groups)
        t.all_types = copied_words(_union(groups, n_words), n_words)
        t.group_types = copied_words(
            b"".join(bytes(group).ljust(8 * n_words, b"\0") for group in groups),
            n_words * len(groups))
        every = np.ascontiguousarray(overhead, dtype=np.int64).reshape(t.n_groups, n_resources)
        t.overhead = copied64(every.ravel())
        t.least_overhead = copied64(
            every.min(axis=0) if t.n_groups else np.zeros(n_resources, dtype=np.int64))
        all_allocatable, all_capacity = np.asarray(allocatable), np.asarray(capacity)
        t.allocatable = copied64(all_allocatable.ravel())
        t.capacity = copied64(all_capacity.ravel())
        t.most = copied64(
            all_allocatable.max(axis=0) if n else np.zeros(n_resources, dtype=np.int64))
        t.by_capacity = copied32(
            np.argsort(-all_capacity, axis=0, kind="stable").T.astype(np.int32).ravel())
        t.n_steps = <int32_t *>calloc(n_resources + 1, sizeof(int32_t))
        t.steps = <int64_t *>calloc(max(1, n) * n_resources, sizeof(int64_t))
        t.suffix = <uint64_t *>calloc(
            <size_t>n_resources * (n + 1) * n_words, sizeof(uint64_t))
        if t.n_steps == NULL or t.steps == NULL or t.suffix == NULL:
            raise MemoryError
        for r in range(n_resources if n else 0):
            found, inverse = np.unique(all_allocatable[:, r], return_inverse=True)
            values, place = found, inverse.astype(np.int32).ravel()
            t.n_steps[r] = <int32_t>values.shape[0]
            for i in range(t.n_steps[r]):
                t.steps[r * n + i] = values[i]
            row = &t.suffix[<size_t>r * (n + 1) * n_words]
            for i in range(n):
                set_bit(&row[place[i] * n_words], i)
            for step in range(t.n_steps[r] - 2, -1, -1):
                for w in range(n_words):
                    row[step * n_words + w] |= row[(step + 1) * n_words + w]

    def __dealloc__(self):
        free(self.t.all_types)
        free(self.t.group_types)
        free(self.t.overhead)
        free(self.t.least_overhead)
        free(self.t.allocatable)
        free(self.t.capacity)
        free(self.t.by_capacity)
        free(self.t.n_steps)
        free(self.t.steps)
        free(self.t.suffix)
        free(self.t.most)


cdef class ProvisionTables:
    """The frozen part of a :class:`pyscale.kernel._provision.Provisioner`."""

    def __cinit__(self, oracle, int n_resources, int n_words, n_domains, port_conflicts,
                  int n_reservations, int n_taints):
        cdef int32_t key
        if n_resources > 64:
            raise ValueError(f"n_resources must be at most 64, found {n_resources}")
        self.oracle, self.template_tables = oracle, []
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
        for i in range(self.n_keys if self.domain_rank != NULL else 0):
            free(self.domain_rank[i])
        free(self.domain_rank)
        free(self.templates)
        free(self.classes)
        free(self.groups)
        free(self.variants)
        free(self.n_domains)
        free(self.port_conflict)
        free(self.reservation_base)
        free(self.node_set_base)
        free(self.node_room_base)
        free(self.node_host)
        free(self.node_taints)
        free(self.node_template)
        free(self.node_capacity)
        free(self.node_flags)
        free(self.node_usable_base)
        free(self.node_domain)
        free(self.node_ports_off)
        free(self.node_ports)
        free(self.bound_class)
        free(self.bound_node)
        free(self.bound_flags)

    def add_template(self, TemplateTable table, int set_id, int taints, group_conflicts, limits,
                     limited, bint limited_nodes):
        """Add what a NodePool could launch; templates are tried in the order of their addition.

        Parameters
        ----------
        table : TemplateTable
        set_id, taints : int
            Requirement set and taint list.
        group_conflicts : ndarray of uint8, shape (n_groups, n_port_sets)
            Which port sets collide with the daemons of a group.
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
        cdef Template *t = <Template *>calloc(1, sizeof(Template))
        if t == NULL:
            raise MemoryError
        self.templates = <Template **>grown(
            self.templates, (self.n_templates + 1) * sizeof(Template *))
        self.templates[self.n_templates] = t
        self.n_templates += 1
        self.template_tables.append(table)
        t[0] = table.t
        t.set_id, t.taints = set_id, taints
        t.n_port_sets = self.n_ports
        t.group_conflict = copied8(group_conflicts.ravel())
        t.limit = t.is_limited = NULL
        self.set_limits(self.n_templates - 1, limits, limited, limited_nodes)
        return self.n_templates - 1

    def set_limits(self, int template, limits, limited, bint limited_nodes):
        """Set what the limits of a template leave; see :meth:`add_template`."""
        cdef Template *t = self.templates[template]
        release(<void **>&t.limit)
        release(<void **>&t.is_limited)
        t.limited, t.limited_nodes = bool(limited.any()), limited_nodes
        t.limit = copied64(limits)
        t.is_limited = copied8(limited)

    cdef int begin_nodes(self, int32_t n, int32_t n_ports) except -1:
        """Make room for nodes, which are about to be set.

        Their domains are not: they are for topology groups.
        """
        self.n_nodes = n
        self.node_set_base = <int32_t *>grown(self.node_set_base, n * sizeof(int32_t))
        self.node_room_base = <int64_t *>grown(
            self.node_room_base, <size_t>n * self.n_resources * sizeof(int64_t))
        self.node_host = <int32_t *>grown(self.node_host, n * sizeof(int32_t))
        self.node_taints = <int32_t *>grown(self.node_taints, n * sizeof(int32_t))
        self.node_template = <int32_t *>grown(self.node_template, n * sizeof(int32_t))
        self.node_capacity = <int64_t *>grown(
            self.node_capacity, <size_t>n * self.n_resources * sizeof(int64_t))
        self.node_usable_base = <uint64_t *>grown(
            self.node_usable_base, ((n + 63) // 64 + 1) * sizeof(uint64_t))
        memset(self.node_usable_base, 0, ((n + 63) // 64 + 1) * sizeof(uint64_t))
        self.node_flags = <uint8_t *>grown(self.node_flags, n)
        self.node_ports_off = <int32_t *>grown(self.node_ports_off, (n + 1) * sizeof(int32_t))
        self.node_ports = <int32_t *>grown(self.node_ports, n_ports * sizeof(int32_t))
        return 0

    def set_nodes(self, const int32_t[::1] sets, const int64_t[:, ::1] room,
                  const int32_t[::1] hosts, const int32_t[::1] taints,
                  const int32_t[::1] templates, const int64_t[:, ::1] capacity,
                  const uint8_t[::1] usable, const uint8_t[::1] flags, domains,
                  const int32_t[::1] ports_off, const int32_t[::1] ports):
        """Set the existing nodes, in the order in which they are tried.

        May be called again, for the next cluster of the same templates and classes, with
        :meth:`set_hosts` before and pods and batch after it; not once there are groups.

        Parameters
        ----------
        sets, hosts, taints : ndarray of int32, shape (n_nodes,)
            Requirement set, hostname and taint list.
        room : ndarray of int64, shape (n_nodes, n_resources)
        templates : ndarray of int32, shape (n_nodes,)
            The template that each node counts against, -1 for none.
        capacity : ndarray of int64, shape (n_nodes, n_resources)
        usable : ndarray of uint8, shape (n_nodes,)
            Whether pods may go there.
        flags : ndarray of uint8, shape (n_nodes,)
            1: its labels are domains; 2: counts against limits; 4: limits volumes;
            8: managed and not initialized.
        domains : ndarray of int32, shape (n_keys, n_nodes)
            The domain of each node under each topology key, -1 without the label.
        ports_off, ports : ndarray of int32
            Port sets in use, node by node.
        """
        cdef int32_t n = <int32_t>sets.shape[0], k = self.n_resources, i
        self.begin_nodes(n, <int32_t>ports.shape[0])
        for i in range(n):
            self.node_set_base[i], self.node_host[i] = sets[i], hosts[i]
            self.node_taints[i], self.node_template[i] = taints[i], templates[i]
            self.node_flags[i] = flags[i]
            if usable[i]:
                set_bit(self.node_usable_base, i)
            if k:
                memcpy(&self.node_room_base[i * k], &room[i, 0], k * sizeof(int64_t))
                memcpy(&self.node_capacity[i * k], &capacity[i, 0], k * sizeof(int64_t))
        for i in range(n + 1):
            self.node_ports_off[i] = ports_off[i]
        for i in range(self.node_ports_off[n]):
            self.node_ports[i] = ports[i]
        release(<void **>&self.node_domain)
        self.node_domain = copied32(domains.ravel())

    def set_bound(self, classes, nodes, flags):
        """Set the pods that run on nodes, for :meth:`._provision_batch.ProvisionBatch.set_batch`.

        Parameters
        ----------
        classes, nodes : ndarray of int32, shape (n_bound,)
            Class, and node or -1.
        flags : ndarray of uint8, shape (n_bound,)
            1: counts in topology groups; 2: its required anti-affinity keeps others away; 4: may
            go to nodes under consolidateAfter.
        """
        release(<void **>&self.bound_class)
        release(<void **>&self.bound_node)
        release(<void **>&self.bound_flags)
        self.n_bound = len(classes)
        self.bound_class = copied32(classes)
        self.bound_node = copied32(nodes)
        self.bound_flags = copied8(flags)

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

    def set_repairs(self, bint count_nodes, bint stable_order):
        """Choose whether limits on nodes are used up within a round, and a stable order of claims.

        Upstream does neither.
        """
        self.count_nodes, self.stable_order = count_nodes, stable_order

    def set_domain_ranks(self, ranks):
        """Set, per topology key, the lexicographic rank of each domain."""
        cdef int32_t key
        if self.domain_rank == NULL:
            self.domain_rank = <int32_t **>calloc(self.n_keys, sizeof(void *))
        for key in range(self.n_keys):
            free(self.domain_rank[key])
            self.domain_rank[key] = copied32(ranks[key])


cdef void free_template(Template *t) noexcept:
    """Free what a template does not share with its table."""
    free(t.group_conflict)
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
    free(k.dead)
    free(k.dead_base)
    free(k)


def _union(masks, int n_words):
    total = 0
    for mask in masks:
        total |= int.from_bytes(mask, "little")
    return total.to_bytes(8 * n_words, "little")
