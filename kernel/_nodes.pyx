"""Nodes in integers: what a kind of node is, what is interned for nodes, how nodes come and go.

A *kind* is what many nodes have in common (labels but name and hostname, taints, allocatable,
images, zone).  A node's id stays valid while it exists; a removed node keeps its id until the list
is next refreshed.
"""

from libc.stdint cimport int16_t, int32_t, int64_t, uint8_t, uint64_t
from libc.stdlib cimport free
from libc.string cimport memmove, memset

from pyscale.kernel._growth cimport push, reserve
from pyscale.kernel._match cimport HOSTNAME_COLUMN, NAME_COLUMN, MatchTable, column_t, fill
from pyscale.kernel._node_list cimport (
    INSERT, RELABEL, REMOVE, NodeList, class_t, image_t, kind_t, node_t)
from pyscale.kernel._topology cimport TopologyCounts


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


cdef class NodeTable(NodeList):
    """Nodes with their labels, amounts, images, ports and volumes."""

    def __cinit__(self, bint interleaved=True):
        self.match = MatchTable()
        self.topology = TopologyCounts(self.match)
        self.interleaved = interleaved
        self.resource_stride = 8

    def __dealloc__(self):
        cdef int32_t i
        cdef class_t* pods
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
        free(self.allocatable)
        free(self.used)
        free(self.kinds)
        free(self.classes)
        free(self.port_used)
        free(self.volumes)
        free(self.drivers)
        free(self.node_of_name.at)
        free(self.operations)

    cdef int grow_nodes(self, int64_t need) except -1 nogil:
        """Make every per-node array hold ``need`` nodes."""
        cdef int64_t had = self.node_capacity, before, capacity
        cdef int32_t i
        if need <= had:
            return 0
        before = had
        reserve(<void**>&self.nodes, &before, need, sizeof(node_t))
        capacity = before
        before = had
        reserve(<void**>&self.position, &before, capacity, sizeof(int32_t))
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
        self.position[node_id] = -1
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

    def add_nodes(self, object kinds, object names, object hostnames):
        """Add nodes one after the other and return their ids; see :meth:`add_node`."""
        return [
            self.insert_node(kind, name, hostname)
            for kind, name, hostname in zip(kinds, names, hostnames, strict=True)
        ]

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
