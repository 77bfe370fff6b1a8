"""The list of nodes as the scheduler goes through it.

Nodes are grouped by zone; the list takes the first node of each group, then the second of each,
and so on.  It is written anew only if the *set* of nodes differs from the last time: a node that is
removed and comes back in between keeps its place.  Changes of nodes are logged, so that those who
keep something per node know what to compute again.
"""

from libc.stdint cimport int32_t, int64_t, uint64_t
from libc.stdlib cimport free
from libc.string cimport memcmp, memmove, memset

from pyscale.kernel._growth cimport ints_t, push, reserve


cdef class NodeList:
    """Nodes, their groups, and the flat list."""

    def __dealloc__(self):
        cdef int32_t i
        for i in range(self.n_nodes):
            free(self.nodes[i].classes.at)
            free(self.nodes[i].counts.at)
            free(self.nodes[i].images.at)
            free(self.nodes[i].image_holders.at)
            free(self.nodes[i].nominations)
        for i in range(self.n_groups):
            free(self.groups[i].nodes.at)
        free(self.nodes)
        free(self.images)
        free(self.groups)
        free(self.order.at)
        free(self.last_order.at)
        free(self.reshuffles.at)
        free(self.retired.at)
        free(self.free_ids.at)
        free(self.changes.at)
        free(self.position)
        free(self.fork_marks.at)

    cdef int touch(self, int32_t node) except -1 nogil:
        """Log that a node changed."""
        self.nodes[node].balance = -1
        push(&self.changes, node)
        return 0

    # --- zones ---

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

    # --- the flat list ---

    cdef int relist(self) except -1 nogil:
        """Write the flat list: the first of each zone, the second of each, ..."""
        cdef int64_t i, rank
        cdef int32_t g
        cdef int64_t longest = 0
        cdef ints_t order = self.last_order
        if self.n_groups == 1 and self.relist_one_zone():
            return self.free_retired()
        self.last_order = self.order
        self.order = order
        for i in range(self.last_order.n):
            self.nodes[self.last_order.at[i]].listed = False
            self.position[self.last_order.at[i]] = -1
        self.order.n = 0
        for g in range(self.n_groups):
            if self.groups[g].nodes.n > longest:
                longest = self.groups[g].nodes.n
        for rank in range(longest):
            for g in range(self.n_groups):
                if rank < self.groups[g].nodes.n:
                    self.position[self.groups[g].nodes.at[rank]] = <int32_t>self.order.n
                    self.nodes[self.groups[g].nodes.at[rank]].listed = True
                    push(&self.order, self.groups[g].nodes.at[rank])
        # A list that only got longer or shorter leaves what is cached per place as it is.
        for i in range(min(self.order.n, self.last_order.n)):
            if self.order.at[i] != self.last_order.at[i]:
                push(&self.reshuffles, <int32_t>i)
                break
        return self.free_retired()

    cdef bint relist_one_zone(self) except -1 nogil:
        """Write the list anew behind the first change, if one node went and all others stayed."""
        cdef ints_t* nodes = &self.groups[0].nodes
        cdef int64_t i = 0
        cdef node_t* gone
        if nodes.n != self.order.n - 1:
            return False
        while i < nodes.n and nodes.at[i] == self.order.at[i]:
            i += 1
        if memcmp(nodes.at + i, self.order.at + i + 1, <size_t>(nodes.n - i) * sizeof(int32_t)):
            return False
        gone = &self.nodes[self.order.at[i]]
        gone.listed = False
        self.position[self.order.at[i]] = -1
        if i < nodes.n:
            push(&self.reshuffles, ~<int32_t>i)
        while i < nodes.n:
            self.order.at[i] = nodes.at[i]
            self.position[nodes.at[i]] = <int32_t>i
            i += 1
        self.order.n = nodes.n
        return True

    cdef int free_retired(self) except -1 nogil:
        """The list is as the nodes are; ids of nodes that went may be used again."""
        cdef int64_t i
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

    def listing(self):
        """Return the node ids in list order, after a refresh."""
        self.refresh()
        return [self.order.at[i] for i in range(self.order.n)]

    def active_nodes(self):
        """Return the ids of the nodes that are there."""
        return [i for i in range(self.n_nodes) if self.nodes[i].active]
