"""The state of a cluster in integers: nodes, pod classes, who is where; fork and revert.

``ClusterTable`` knows nodes by small ids, node *kinds* (labels, taints, allocatable, images), pod
*classes* (everything that a rule reads of a pod, compiled to numbers), and how many pods of which
class each node holds.  ``_bind.ClusterState`` adds the decisions.  Strings, quantities and
objects stay outside: ``pyscale.policies.kube_scheduler.snapshot.Snapshot`` compiles them.

*Node ids* stay valid while the node exists; a removed node keeps its id until the list of nodes
is next refreshed, so that a node that is removed and comes back in between keeps its place, as it
does upstream.  *Changes* of nodes are logged; a class reads the log when it is next asked about
and computes again only what can have changed.

``fork`` starts to record operations, ``revert`` undoes them in reverse order (exactly: counts are
sums, host ports are restored), ``commit`` keeps them.
"""

from libc.stdint cimport int16_t, int32_t, int64_t, uint8_t, uint64_t
from libc.stdlib cimport free
from libc.string cimport memmove, memset

from pyscale.kernel._growth cimport ints_t, push, reserve
from pyscale.kernel._match cimport HOSTNAME_COLUMN, NAME_COLUMN, MatchTable, column_t, fill
from pyscale.kernel._topology cimport TopologyCounts

cdef enum:
    PUT = 0
    TAKE = 1
    INSERT = 2
    REMOVE = 3
    RELABEL = 4


cdef int64_t* amounts_of(object values) except? NULL:
    """Copy Python integers into a new C array; NULL if there are none."""
    cdef int64_t* block = NULL
    cdef int64_t capacity = 0, i
    values = list(values)
    if values:
        reserve(<void**>&block, &capacity, len(values), sizeof(int64_t))
        for i in range(len(values)):
            block[i] = values[i]
    return block


cdef class ClusterTable:
    """Nodes, pod classes and placements.

    Parameters
    ----------
    interleaved : bool
        Whether the list of nodes goes round the zones (kube-scheduler) or keeps the order in
        which nodes were added (Cluster Autoscaler).
    """

    def __cinit__(self, bint interleaved=True):
        self.match = MatchTable()
        self.topology = TopologyCounts(self.match)
        self.interleaved = interleaved
        self.resource_stride = 8

    def __dealloc__(self):
        cdef int32_t i
        cdef class_t* pods
        for i in range(self.n_nodes):
            free(self.nodes[i].classes.at)
            free(self.nodes[i].counts.at)
            free(self.nodes[i].images.at)
            free(self.nodes[i].image_holders.at)
        for i in range(self.n_kinds):
            free(self.kinds[i].columns.at)
            free(self.kinds[i].values.at)
            free(self.kinds[i].resources.at)
            free(self.kinds[i].amounts)
            free(self.kinds[i].images.at)
            free(self.kinds[i].image_sizes)
        for i in range(self.n_classes):
            pods = &self.classes[i]
            free(pods.need.at)
            free(pods.need_amount)
            free(pods.use.at)
            free(pods.use_amount)
            free(pods.fit_amount)
            free(pods.balance_amount)
            free(pods.rule_resources.at)
            free(pods.rule_amounts)
            free(pods.ports.at)
            free(pods.port_conflicts.at)
            free(pods.images.at)
            free(pods.volumes.at)
            free(pods.volume_binding)
            free(pods.volume_zone)
            free(pods.spread)
            free(pods.spread_score)
            free(pods.affinity)
            free(pods.anti_affinity)
            free(pods.existing)
            free(pods.preferred)
            free(pods.names.at)
            free(pods.subscriptions)
            free(pods.score)
        for i in range(self.n_ports):
            free(self.port_used[i])
        for i in range(self.n_volumes):
            free(self.volumes[i].uses)
        for i in range(self.n_drivers):
            free(self.drivers[i].limit)
            free(self.drivers[i].attached)
        for i in range(self.n_groups):
            free(self.groups[i].nodes.at)
        free(self.nodes)
        free(self.allocatable)
        free(self.used)
        free(self.kinds)
        free(self.classes)
        free(self.images)
        free(self.port_used)
        free(self.volumes)
        free(self.drivers)
        free(self.node_of_name.at)
        free(self.groups)
        free(self.order.at)
        free(self.last_order.at)
        free(self.reshuffles.at)
        free(self.retired.at)
        free(self.free_ids.at)
        free(self.changes.at)
        free(self.operations)
        free(self.fork_marks.at)
        free(self.nominations)

    cdef int grow_nodes(self, int64_t need) except -1 nogil:
        """Make every per-node array hold ``need`` nodes."""
        cdef int64_t had = self.node_capacity, before, capacity
        cdef int32_t i
        if need <= had:
            return 0
        before = had
        reserve(<void**>&self.nodes, &before, need, sizeof(node_t))
        capacity = before
        before = had * self.resource_stride
        reserve(<void**>&self.allocatable, &before, capacity * self.resource_stride, 8)
        before = had * self.resource_stride
        reserve(<void**>&self.used, &before, capacity * self.resource_stride, 8)
        for i in range(self.n_ports):
            before = had
            reserve(<void**>&self.port_used[i], &before, capacity, sizeof(uint8_t))
        for i in range(self.n_volumes):
            before = had
            reserve(<void**>&self.volumes[i].uses, &before, capacity, sizeof(int16_t))
        for i in range(self.n_drivers):
            before = had
            reserve(<void**>&self.drivers[i].limit, &before, capacity, sizeof(int32_t))
            memset(self.drivers[i].limit + had, 0xFF, (capacity - had) * sizeof(int32_t))
            before = had
            reserve(<void**>&self.drivers[i].attached, &before, capacity, sizeof(int32_t))
        for i in range(self.n_classes):
            if self.classes[i].has_volume_verdicts:
                before = had
                reserve(<void**>&self.classes[i].volume_binding, &before, capacity, 1)
                before = had
                reserve(<void**>&self.classes[i].volume_zone, &before, capacity, 1)
        self.node_capacity = capacity
        self.match.grow_nodes(capacity)
        self.topology.grow_nodes(self.match.node_capacity)
        return 0

    # --- what is interned ---

    def add_resource(self):
        """Return the id of a new resource; 0, 1, 2 should be cpu, memory, ephemeral-storage."""
        cdef int64_t stride, i
        cdef int64_t before
        cdef int64_t* block
        cdef int64_t* moved
        if self.n_resources == self.resource_stride:
            stride = 2 * self.resource_stride
            for which in range(2):
                block = self.used if which else self.allocatable
                moved = NULL
                before = 0
                if self.node_capacity:
                    reserve(<void**>&moved, &before, self.node_capacity * stride, 8)
                    for i in range(self.n_nodes):
                        memmove(
                            moved + i * stride, block + i * self.resource_stride,
                            self.resource_stride * 8,
                        )
                free(block)
                if which:
                    self.used = moved
                else:
                    self.allocatable = moved
            self.resource_stride = stride
        self.n_resources += 1
        return self.n_resources - 1

    def add_image(self):
        """Return the id of a new image name."""
        reserve(<void**>&self.images, &self.image_capacity, self.n_images + 1, sizeof(image_t))
        self.n_images += 1
        return self.n_images - 1

    def add_port(self):
        """Return the id of a new (address, protocol, port)."""
        cdef int64_t before = 0
        reserve(
            <void**>&self.port_used, &self.port_capacity, self.n_ports + 1, sizeof(uint8_t*)
        )
        self.port_used[self.n_ports] = NULL
        if self.node_capacity:
            reserve(
                <void**>&self.port_used[self.n_ports], &before, self.node_capacity, 1
            )
        self.n_ports += 1
        return self.n_ports - 1

    def add_driver(self):
        """Return the id of a new volume driver."""
        cdef int64_t before = 0
        reserve(
            <void**>&self.drivers, &self.driver_capacity, self.n_drivers + 1, sizeof(driver_t)
        )
        if self.node_capacity:
            reserve(
                <void**>&self.drivers[self.n_drivers].limit, &before, self.node_capacity, 4
            )
            memset(self.drivers[self.n_drivers].limit, 0xFF, self.node_capacity * 4)
            before = 0
            reserve(
                <void**>&self.drivers[self.n_drivers].attached, &before, self.node_capacity, 4
            )
        self.n_drivers += 1
        return self.n_drivers - 1

    def add_volume(self, int32_t driver):
        """Return the id of a new attachable volume."""
        cdef int64_t before = 0
        reserve(
            <void**>&self.volumes, &self.volume_capacity, self.n_volumes + 1, sizeof(volume_t)
        )
        self.volumes[self.n_volumes].driver = driver
        if self.node_capacity:
            reserve(
                <void**>&self.volumes[self.n_volumes].uses, &before, self.node_capacity,
                sizeof(int16_t),
            )
        self.n_volumes += 1
        return self.n_volumes - 1

    def limit_volumes(self, int32_t node, int32_t driver, int32_t limit):
        """Say how many volumes of a driver a node can attach; -1 for no limit."""
        self.drivers[driver].limit[node] = limit
        self.touch(node)

    def add_kind(
        self, object labels, int32_t taint_set, bint cordoned, int64_t allowed_pods,
        object allocatable, object images, int32_t zone,
    ):
        """Return the id of a kind of node.

        Parameters
        ----------
        labels : dict of int to int
            Label column -> value id, without name and hostname.
        taint_set, zone : int
        cordoned : bool
        allowed_pods : int
        allocatable : dict of int to int
            Resource -> amount.
        images : list of (int, int)
            Image id and size in bytes.
        """
        cdef kind_t* kind
        reserve(<void**>&self.kinds, &self.kind_capacity, self.n_kinds + 1, sizeof(kind_t))
        kind = &self.kinds[self.n_kinds]
        self.n_kinds += 1
        fill(&kind.columns, labels.keys())
        fill(&kind.values, labels.values())
        kind.taint_set = taint_set
        kind.cordoned = cordoned
        kind.allowed_pods = allowed_pods
        fill(&kind.resources, allocatable.keys())
        kind.amounts = amounts_of(allocatable.values())
        fill(&kind.images, [image for image, _ in images])
        kind.image_sizes = amounts_of([size for _, size in images])
        kind.zone = zone if self.interleaved else 0
        return self.n_kinds - 1

    # --- nodes ---

    cdef int touch(self, int32_t node) except -1 nogil:
        """Log that a node changed."""
        self.nodes[node].balance = -1
        push(&self.changes, node)
        return 0

    cdef int describe(
        self, int32_t node_id, int32_t kind_id, int32_t name, int32_t host
    ) except -1 nogil:
        """Write a kind's labels, taints and amounts into a node."""
        cdef kind_t* kind = &self.kinds[kind_id]
        cdef node_t* node = &self.nodes[node_id]
        cdef int64_t i
        self.match.forget_node(node_id)
        self.match.columns[NAME_COLUMN].value[node_id] = name
        self.match.columns[HOSTNAME_COLUMN].value[node_id] = host
        for i in range(kind.columns.n):
            self.match.columns[kind.columns.at[i]].value[node_id] = kind.values.at[i]
        self.match.taint_set[node_id] = kind.taint_set
        self.match.cordoned[node_id] = kind.cordoned
        node.kind = kind_id
        node.allowed_pods = kind.allowed_pods
        for i in range(self.resource_stride):
            self.allocatable[node_id * self.resource_stride + i] = 0
        for i in range(kind.resources.n):
            self.allocatable[node_id * self.resource_stride + kind.resources.at[i]] = (
                kind.amounts[i]
            )
        return 0

    cdef int add_images(self, int32_t node_id) except -1 nogil:
        cdef kind_t* kind = &self.kinds[self.nodes[node_id].kind]
        cdef node_t* node = &self.nodes[node_id]
        cdef image_t* image
        cdef int64_t i, j
        cdef bint known
        node.images.n = 0
        node.image_holders.n = 0
        for i in range(kind.images.n):
            known = False
            for j in range(node.images.n):
                known = known or node.images.at[j] == kind.images.at[i]
            if known:
                continue
            image = &self.images[kind.images.at[i]]
            # The first node to report a name sets its size for all nodes.
            if image.holders == 0:
                image.size = kind.image_sizes[i]
            image.holders += 1
            push(&node.images, kind.images.at[i])
            push(&node.image_holders, 0)
        if node.images.n:
            self.n_image_nodes += 1
        return 0

    cdef int remove_images(self, int32_t node_id) except -1 nogil:
        cdef node_t* node = &self.nodes[node_id]
        cdef int64_t i
        for i in range(node.images.n):
            self.images[node.images.at[i]].holders -= 1
        if node.images.n:
            self.n_image_nodes -= 1
        return 0

    cdef int activate(self, int32_t node_id) except -1 nogil:
        """A described node begins to count, together with the pods it holds."""
        cdef node_t* node = &self.nodes[node_id]
        cdef class_t* pods
        cdef column_t* column
        cdef int64_t i, j
        cdef int32_t k, count
        for k in range(self.topology.n_counters):
            self.topology.join(k, node_id)
        for i in range(node.classes.n):
            pods = &self.classes[node.classes.at[i]]
            count = node.counts.at[i]
            for j in range(pods.n_subscriptions):
                self.topology.add(
                    pods.subscriptions[j].counter, node_id, pods.subscriptions[j].weight * count
                )
                self.topology.add_entries(
                    pods.subscriptions[j].counter, node_id, pods.subscriptions[j].entries * count
                )
        for k in range(self.match.n_columns):
            column = &self.match.columns[k]
            if column.value[node_id] >= 0:
                column.n_present += 1
        self.add_images(node_id)
        node.active = True
        self.n_active += 1
        self.n_unlisted += -1 if node.listed else 1
        self.node_of_name.at[self.match.columns[NAME_COLUMN].value[node_id]] = node_id
        self.touch(node_id)
        return 0

    cdef int deactivate(self, int32_t node_id) except -1 nogil:
        """A node stops to count, together with the pods it holds."""
        cdef node_t* node = &self.nodes[node_id]
        cdef class_t* pods
        cdef column_t* column
        cdef int64_t i, j
        cdef int32_t k, count
        for i in range(node.classes.n):
            pods = &self.classes[node.classes.at[i]]
            count = node.counts.at[i]
            for j in range(pods.n_subscriptions):
                self.topology.add(
                    pods.subscriptions[j].counter, node_id, -pods.subscriptions[j].weight * count
                )
                self.topology.add_entries(
                    pods.subscriptions[j].counter, node_id, -pods.subscriptions[j].entries * count
                )
        for k in range(self.topology.n_counters):
            self.topology.leave(k, node_id)
        for k in range(self.match.n_columns):
            column = &self.match.columns[k]
            if column.value[node_id] >= 0:
                column.n_present -= 1
        self.remove_images(node_id)
        node.active = False
        self.n_active -= 1
        self.n_unlisted += 1 if node.listed else -1
        self.node_of_name.at[self.match.columns[NAME_COLUMN].value[node_id]] = -1
        return 0

    cdef int32_t insert_node(
        self, int32_t kind, int32_t name, int32_t hostname
    ) except -1 nogil:
        """Add a node; ``name`` and ``hostname`` are value ids, hostname -1 if it has no label."""
        cdef int32_t node_id
        cdef node_t* node
        cdef int64_t i
        if self.free_ids.n and self.fork_marks.n == 0:
            self.free_ids.n -= 1
            node_id = self.free_ids.at[self.free_ids.n]
        else:
            node_id = self.n_nodes
            self.grow_nodes(node_id + 1)
            self.n_nodes += 1
            self.match.n_nodes = self.n_nodes
        node = &self.nodes[node_id]
        node.position = -1
        node.classes.n = 0
        node.counts.n = 0
        node.pods = 0
        node.non_zero_cpu = 0
        node.non_zero_memory = 0
        for i in range(self.resource_stride):
            self.used[node_id * self.resource_stride + i] = 0
        for i in range(self.n_ports):
            self.port_used[i][node_id] = 0
        for i in range(self.n_volumes):
            self.volumes[i].uses[node_id] = 0
        for i in range(self.n_drivers):
            self.drivers[i].attached[node_id] = 0
            self.drivers[i].limit[node_id] = -1
        while self.node_of_name.n <= name:
            push(&self.node_of_name, -1)
        self.describe(node_id, kind, name, hostname)
        self.activate(node_id)
        self.enter_zone(node_id)
        self.record(INSERT, 0, node_id, 0)
        return node_id

    def add_node(self, int32_t kind, int32_t name, int32_t hostname):
        """Add a node of a kind and return its id."""
        return self.insert_node(kind, name, hostname)

    def remove_node(self, int32_t node_id):
        """Remove a node together with its pods; see :meth:`restore_node`."""
        cdef uint64_t place
        if not self.nodes[node_id].active:
            raise ValueError(f"node {node_id} is not there")
        self.deactivate(node_id)
        place = self.leave_zone(node_id)
        self.record(REMOVE, 0, node_id, place)
        if self.fork_marks.n == 0:
            push(&self.retired, node_id)

    def restore_node(self, int32_t node_id):
        """Bring a removed node back with its pods, at the end of its zone.

        Only until :meth:`is_retained` turns false: its id is reused afterwards.
        """
        cdef int64_t i
        if self.nodes[node_id].active:
            raise ValueError(f"node {node_id} is there already")
        for i in range(self.retired.n):
            if self.retired.at[i] == node_id:
                self.retired.n -= 1
                self.retired.at[i] = self.retired.at[self.retired.n]
                break
        else:
            raise ValueError(f"node {node_id} is gone")
        self.activate(node_id)
        self.enter_zone(node_id)
        self.record(INSERT, 0, node_id, 0)

    def relabel_node(self, int32_t node_id, int32_t kind, int32_t hostname):
        """Give a node another kind; it moves in the list only if its zone changed.

        In a fork the zone must stay the same.
        """
        cdef int32_t name = self.match.columns[NAME_COLUMN].value[node_id]
        cdef int32_t before = self.match.columns[HOSTNAME_COLUMN].value[node_id]
        if self.fork_marks.n and self.kinds[kind].zone != self.nodes[node_id].zone:
            raise ValueError("a node cannot change its zone in a fork")
        self.record(RELABEL, self.nodes[node_id].kind, node_id, <uint64_t>(before + 1))
        self.deactivate(node_id)
        self.describe(node_id, kind, name, hostname)
        self.activate(node_id)
        if self.kinds[kind].zone != self.nodes[node_id].zone:
            self.leave_zone(node_id)
            self.enter_zone(node_id)

    def is_retained(self, int32_t node_id):
        """Whether a node id still stands for the same node."""
        cdef int64_t i
        if self.nodes[node_id].active:
            return True
        for i in range(self.retired.n):
            if self.retired.at[i] == node_id:
                return True
        return False

    # --- the list of nodes ---

    cdef int enter_zone(self, int32_t node_id) except -1 nogil:
        cdef int32_t zone = self.kinds[self.nodes[node_id].kind].zone
        cdef int32_t i
        self.nodes[node_id].zone = zone
        for i in range(self.n_groups):
            if self.groups[i].zone == zone:
                push(&self.groups[i].nodes, node_id)
                return 0
        reserve(<void**>&self.groups, &self.group_capacity, self.n_groups + 1, sizeof(group_t))
        memset(&self.groups[self.n_groups], 0, sizeof(group_t))
        self.groups[self.n_groups].zone = zone
        push(&self.groups[self.n_groups].nodes, node_id)
        self.n_groups += 1
        return 0

    cdef uint64_t leave_zone(self, int32_t node_id) except? 0xFFFFFFFF nogil:
        """Take a node out of its group; returns the place for :meth:`reenter_zone`."""
        cdef int32_t g
        cdef int64_t i
        cdef group_t* group
        for g in range(self.n_groups):
            group = &self.groups[g]
            if group.zone != self.nodes[node_id].zone:
                continue
            i = group.nodes.n - 1
            while group.nodes.at[i] != node_id:
                i -= 1
            memmove(
                group.nodes.at + i, group.nodes.at + i + 1, (group.nodes.n - i - 1) * 4
            )
            group.nodes.n -= 1
            if group.nodes.n == 0:
                free(group.nodes.at)
                memmove(group, group + 1, (self.n_groups - g - 1) * sizeof(group_t))
                self.n_groups -= 1
            return (<uint64_t>g << 32) | <uint64_t>i
        return 0

    cdef int reenter_zone(self, int32_t node_id, uint64_t place) except -1 nogil:
        """Undo :meth:`leave_zone`."""
        cdef int32_t g = <int32_t>(place >> 32)
        cdef int64_t i = <int64_t>(place & 0x7FFFFFFF)
        cdef group_t* group
        if g >= self.n_groups or self.groups[g].zone != self.nodes[node_id].zone:
            reserve(
                <void**>&self.groups, &self.group_capacity, self.n_groups + 1, sizeof(group_t)
            )
            memmove(
                &self.groups[g + 1], &self.groups[g], (self.n_groups - g) * sizeof(group_t)
            )
            memset(&self.groups[g], 0, sizeof(group_t))
            self.groups[g].zone = self.nodes[node_id].zone
            self.n_groups += 1
        group = &self.groups[g]
        push(&group.nodes, node_id)
        memmove(group.nodes.at + i + 1, group.nodes.at + i, (group.nodes.n - 1 - i) * 4)
        group.nodes.at[i] = node_id
        return 0

    cdef int relist(self) except -1 nogil:
        """Write the flat list: the first of each zone, the second of each, ..."""
        cdef int64_t i, rank
        cdef int32_t g
        cdef int64_t longest = 0
        cdef ints_t order = self.last_order
        self.last_order = self.order
        self.order = order
        for i in range(self.last_order.n):
            self.nodes[self.last_order.at[i]].listed = False
            self.nodes[self.last_order.at[i]].position = -1
        self.order.n = 0
        for g in range(self.n_groups):
            if self.groups[g].nodes.n > longest:
                longest = self.groups[g].nodes.n
        for rank in range(longest):
            for g in range(self.n_groups):
                if rank < self.groups[g].nodes.n:
                    self.nodes[self.groups[g].nodes.at[rank]].position = <int32_t>self.order.n
                    self.nodes[self.groups[g].nodes.at[rank]].listed = True
                    push(&self.order, self.groups[g].nodes.at[rank])
        # A list that only got longer or shorter leaves what is cached per place as it is.
        for i in range(min(self.order.n, self.last_order.n)):
            if self.order.at[i] != self.last_order.at[i]:
                push(&self.reshuffles, <int32_t>i)
                break
        self.n_unlisted = 0
        self.listing_stale = False
        if self.fork_marks.n == 0:
            for i in range(self.retired.n):
                push(&self.free_ids, self.retired.at[i])
            self.retired.n = 0
        return 0

    cdef int refresh(self) except -1 nogil:
        """Take the snapshot for the next cycle: image states of changed nodes, the flat list.

        The flat list is written anew only if the set of nodes differs from the last one's.
        """
        cdef int64_t i, j
        cdef node_t* node
        if self.n_image_nodes:
            for i in range(self.refreshed, self.changes.n):
                node = &self.nodes[self.changes.at[i]]
                for j in range(node.images.n):
                    node.image_holders.at[j] = self.images[node.images.at[j]].holders
        self.refreshed = self.changes.n
        if self.n_unlisted or self.listing_stale:
            self.relist()
        if self.changes.n > 4096 + 4 * self.n_nodes:
            self.changes.n = 0
            self.refreshed = 0
            self.epoch += 1
        return 0

    cdef int sync(self, class_t* pods) except -1 nogil:
        """Mark what may have changed since the class was last asked about."""
        cdef int64_t i, place
        if pods.score_capacity < self.n_nodes:
            reserve(
                <void**>&pods.score, &pods.score_capacity, self.node_capacity, sizeof(int32_t)
            )
            pods.epoch = -1
        if pods.images.n and self.n_image_nodes and pods.image_nodes != self.n_active:
            pods.epoch = -1
        if pods.epoch != self.epoch:
            for i in range(pods.score_capacity):
                pods.score[i] = DIRTY
            pods.epoch = self.epoch
            pods.image_nodes = self.n_active
        else:
            for i in range(pods.reshuffle, self.reshuffles.n):
                for place in range(self.reshuffles.at[i], pods.score_capacity):
                    pods.score[place] = DIRTY
            for i in range(pods.cursor, self.changes.n):
                place = self.nodes[self.changes.at[i]].position
                if place >= 0:
                    pods.score[place] = DIRTY
        pods.reshuffle = self.reshuffles.n
        pods.cursor = self.changes.n
        return 0

    def listing(self):
        """Return the node ids in list order, after a refresh."""
        self.refresh()
        return [self.order.at[i] for i in range(self.order.n)]

    def active_nodes(self):
        """Return the ids of the nodes that are there."""
        return [i for i in range(self.n_nodes) if self.nodes[i].active]

    # --- pods ---

    cdef int place(
        self, int32_t class_id, int32_t node_id, int32_t sign, bint trial
    ) except -1 nogil:
        """Add (+1) or take away (-1) what one pod of a class uses; a trial is not logged."""
        cdef class_t* pods = &self.classes[class_id]
        cdef node_t* node = &self.nodes[node_id]
        cdef int64_t* used = self.used + node_id * self.resource_stride
        cdef subscription_t* subscription
        cdef int16_t* uses
        cdef int64_t i
        node.pods += sign
        node.non_zero_cpu += sign * pods.non_zero_cpu
        node.non_zero_memory += sign * pods.non_zero_memory
        for i in range(pods.use.n):
            used[pods.use.at[i]] += sign * pods.use_amount[i]
        for i in range(pods.ports.n):
            # A set upstream: taking one holder away frees the port even if another holds it.
            self.port_used[pods.ports.at[i]][node_id] = sign > 0
        for i in range(pods.volumes.n):
            uses = self.volumes[pods.volumes.at[i]].uses
            uses[node_id] += sign
            if uses[node_id] == (1 if sign > 0 else 0):
                self.drivers[self.volumes[pods.volumes.at[i]].driver].attached[node_id] += sign
        for i in range(pods.n_subscriptions):
            subscription = &pods.subscriptions[i]
            if trial:
                self.topology.add(subscription.counter, node_id, sign * subscription.trial)
            else:
                self.topology.add(subscription.counter, node_id, sign * subscription.weight)
                self.topology.add_entries(
                    subscription.counter, node_id, sign * subscription.entries
                )
        return 0

    cdef uint64_t port_bits(self, class_t* pods, int32_t node) noexcept nogil:
        cdef uint64_t bits = 0
        cdef int64_t i
        for i in range(pods.ports.n):
            bits |= <uint64_t>self.port_used[pods.ports.at[i]][node] << i
        return bits

    cdef int set_port_bits(self, class_t* pods, int32_t node, uint64_t bits) except -1 nogil:
        cdef int64_t i
        for i in range(pods.ports.n):
            self.port_used[pods.ports.at[i]][node] = (bits >> i) & 1
        return 0

    cdef int put(self, int32_t class_id, int32_t node_id) except -1 nogil:
        """A pod of a class comes to a node."""
        cdef node_t* node = &self.nodes[node_id]
        cdef int64_t i
        if self.fork_marks.n:
            self.record(
                PUT, class_id, node_id, self.port_bits(&self.classes[class_id], node_id)
            )
        self.place(class_id, node_id, 1, False)
        self.touch(node_id)
        for i in range(node.classes.n):
            if node.classes.at[i] == class_id:
                node.counts.at[i] += 1
                return 0
        push(&node.classes, class_id)
        push(&node.counts, 1)
        return 0

    cdef int take(self, int32_t class_id, int32_t node_id) except -1 nogil:
        """A pod of a class leaves a node; 0 if there was none, else 1."""
        cdef node_t* node = &self.nodes[node_id]
        cdef int64_t i
        for i in range(node.classes.n):
            if node.classes.at[i] == class_id:
                break
        else:
            return 0
        if self.fork_marks.n:
            self.record(
                TAKE, class_id, node_id, self.port_bits(&self.classes[class_id], node_id)
            )
        if node.active:
            self.place(class_id, node_id, -1, False)
            self.touch(node_id)
        else:
            self.take_from_removed(class_id, node_id)
        node.counts.at[i] -= 1
        if node.counts.at[i] == 0:
            node.classes.n -= 1
            node.counts.n -= 1
            node.classes.at[i] = node.classes.at[node.classes.n]
            node.counts.at[i] = node.counts.at[node.counts.n]
        return 1

    cdef int take_from_removed(self, int32_t class_id, int32_t node_id) except -1 nogil:
        """The pod leaves a node that is not there: its topology counts are gone already."""
        cdef class_t* pods = &self.classes[class_id]
        cdef int32_t n_subscriptions = pods.n_subscriptions
        pods.n_subscriptions = 0
        self.place(class_id, node_id, -1, False)
        pods.n_subscriptions = n_subscriptions
        return 0

    def add_pod(self, int32_t class_id, int32_t node_id):
        """Put a pod of a class on a node, whether it fits or not."""
        self.put(class_id, node_id)

    def remove_pod(self, int32_t class_id, int32_t node_id):
        """Take a pod of a class from a node."""
        if not self.take(class_id, node_id):
            raise ValueError(f"node {node_id} holds no pod of class {class_id}")

    def pods_on(self, int32_t node_id):
        """Return ``{class: number of pods}`` of a node."""
        cdef node_t* node = &self.nodes[node_id]
        return {node.classes.at[i]: node.counts.at[i] for i in range(node.classes.n)}

    def usage(self, int32_t node_id):
        """Return (pods, non-zero cpu, non-zero memory, used per resource, allocatable per one)."""
        cdef node_t* node = &self.nodes[node_id]
        cdef int64_t base = node_id * self.resource_stride
        return (
            node.pods, node.non_zero_cpu, node.non_zero_memory,
            [self.used[base + r] for r in range(self.n_resources)],
            [self.allocatable[base + r] for r in range(self.n_resources)],
        )

    # --- nominations ---

    def nominate(self, int32_t node_id, int32_t class_id, int64_t priority, int64_t pod):
        """Say that a pod waits for room on a node."""
        if self.nodes[node_id].n_nominated == MAX_NOMINATED:
            raise ValueError(f"at most {MAX_NOMINATED} pods may be nominated to one node")
        reserve(
            <void**>&self.nominations, &self.nomination_capacity,
            self.n_nominations + 1, sizeof(nomination_t),
        )
        self.nominations[self.n_nominations].node = node_id
        self.nominations[self.n_nominations].class_id = class_id
        self.nominations[self.n_nominations].priority = priority
        self.nominations[self.n_nominations].pod = pod
        self.n_nominations += 1
        self.nodes[node_id].n_nominated += 1

    def clear_nomination(self, int64_t pod):
        """Forget every nomination of a pod."""
        cdef int32_t kept = 0, i
        for i in range(self.n_nominations):
            if self.nominations[i].pod == pod:
                self.nodes[self.nominations[i].node].n_nominated -= 1
            else:
                self.nominations[kept] = self.nominations[i]
                kept += 1
        self.n_nominations = kept

    # --- fork and revert ---

    cdef int record(
        self, int32_t kind, int32_t class_id, int32_t node, uint64_t before
    ) except -1 nogil:
        if self.fork_marks.n == 0:
            return 0
        reserve(
            <void**>&self.operations, &self.operation_capacity,
            self.n_operations + 1, sizeof(operation_t),
        )
        self.operations[self.n_operations].kind = kind
        self.operations[self.n_operations].class_id = class_id
        self.operations[self.n_operations].node = node
        self.operations[self.n_operations].before = before
        self.n_operations += 1
        return 0

    def fork(self):
        """Begin to record, so that :meth:`revert` can undo; forks may be nested."""
        push(&self.fork_marks, <int32_t>self.n_operations)

    def commit(self):
        """Keep what was done since the last fork."""
        cdef int64_t i
        if self.fork_marks.n == 0:
            raise ValueError("there is no fork to commit")
        self.fork_marks.n -= 1
        if self.fork_marks.n == 0:
            for i in range(self.n_operations):
                if self.operations[i].kind == REMOVE:
                    if not self.nodes[self.operations[i].node].active:
                        push(&self.retired, self.operations[i].node)
                        self.listing_stale = True
            self.n_operations = 0

    def revert(self):
        """Undo everything done since the last fork."""
        cdef int32_t mark
        cdef operation_t operation
        cdef int32_t depth
        if self.fork_marks.n == 0:
            raise ValueError("there is no fork to revert")
        mark = self.fork_marks.at[self.fork_marks.n - 1]
        depth = <int32_t>self.fork_marks.n
        self.fork_marks.n = 0  # undoing is not recorded
        while self.n_operations > mark:
            self.n_operations -= 1
            operation = self.operations[self.n_operations]
            if operation.kind == PUT:
                self.take(operation.class_id, operation.node)
                self.set_port_bits(
                    &self.classes[operation.class_id], operation.node, operation.before
                )
            elif operation.kind == TAKE:
                self.put(operation.class_id, operation.node)
                self.set_port_bits(
                    &self.classes[operation.class_id], operation.node, operation.before
                )
            elif operation.kind == INSERT:
                self.deactivate(operation.node)
                self.leave_zone(operation.node)
                push(&self.retired, operation.node)
                self.listing_stale = True
            elif operation.kind == RELABEL:
                self.deactivate(operation.node)
                self.describe(
                    operation.node, operation.class_id,
                    self.match.columns[NAME_COLUMN].value[operation.node],
                    <int32_t>operation.before - 1,
                )
                self.activate(operation.node)
            else:
                self.activate(operation.node)
                self.reenter_zone(operation.node, operation.before)
        self.fork_marks.n = depth - 1

    @property
    def depth(self):
        """How many forks are open."""
        return self.fork_marks.n

    # --- counters ---

    def add_counter(
        self, int32_t column, object keys=(), int32_t affinity_static=-1,
        int32_t taints_static=-1, bint tracked=False,
    ):
        """Return the id of a new topology counter that knows the nodes that are there."""
        cdef int32_t counter = self.topology.add_counter(
            column, keys, affinity_static, taints_static, tracked
        )
        cdef int32_t i
        for i in range(self.n_nodes):
            if self.nodes[i].active:
                self.topology.join(counter, i)
        return counter

    def subscribe(
        self, int32_t class_id, int32_t counter, int32_t weight, int32_t trial, int32_t entries
    ):
        """Say what pods of a class add to a counter; pods that are placed are counted now."""
        cdef class_t* pods = &self.classes[class_id]
        cdef subscription_t* subscription
        cdef int32_t i
        cdef int64_t j
        reserve(
            <void**>&pods.subscriptions, &pods.subscription_capacity,
            pods.n_subscriptions + 1, sizeof(subscription_t),
        )
        subscription = &pods.subscriptions[pods.n_subscriptions]
        pods.n_subscriptions += 1
        subscription.counter = counter
        subscription.weight = weight
        subscription.trial = trial
        subscription.entries = entries
        for i in range(self.n_nodes):
            if not self.nodes[i].active:
                continue
            for j in range(self.nodes[i].classes.n):
                if self.nodes[i].classes.at[j] == class_id:
                    self.topology.add(counter, i, weight * self.nodes[i].counts.at[j])
                    self.topology.add_entries(counter, i, entries * self.nodes[i].counts.at[j])
