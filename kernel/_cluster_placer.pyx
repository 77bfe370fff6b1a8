"""kube-scheduler's compiled cluster as the event loop's placer.

Pods come and go without the GIL.  Nodes are rare: they go through the Python object that keeps
names, labels and volumes in step with the compiled state.
"""

from libc.stdint cimport int32_t, int64_t
from libc.stdlib cimport free, realloc

from ._bind cimport BOUND, FITS, ClusterState, cycle_t
from ._cluster cimport class_t
from ._placer cimport Placer
from ._population cimport Population
from ._preemption cimport Preemption
from ._typedefs cimport index_t


cdef class ClusterPlacer(Placer):
    """A placer over a :class:`ClusterState`.

    Parameters
    ----------
    state : ClusterState
    class_ids : ndarray of int32, shape (n_classes,)
        The state's class of each pod class.
    priority : ndarray of int32, shape (n_classes,)
    cluster : object
        With ``add_kind(kind)``, ``add_node(kind_number) -> node id of the state``,
        ``remove_node(node_id)`` and ``cordon(node_id, closed)``.
    preemption : Preemption, optional
    """

    def __init__(
        self, ClusterState state not None, class_ids: object, priority: object, cluster: object,
        Preemption preemption=None,
    ) -> None:
        self.state = state
        self.cluster = cluster
        self.class_ids = class_ids
        self.priority = priority
        self.preemption = preemption
        self.preempts = preemption is not None

    def __dealloc__(self):
        free(self.node_of_slot)
        free(self.slot_of_node)

    def add_kind(self, kind: object, allocatable: object) -> None:
        """Make a node kind known; the amounts are those of the kind's node."""
        self.cluster.add_kind(kind)

    cdef int grow(self, index_t need) except -1:
        cdef index_t room = self.room if self.room else 64
        cdef index_t* moved
        if need <= self.room:
            return 0
        while room < need:
            room *= 2
        moved = <index_t*>realloc(self.node_of_slot, <size_t>room * sizeof(index_t))
        if moved == NULL:
            raise MemoryError(f"no memory for {room} nodes")
        self.node_of_slot = moved
        moved = <index_t*>realloc(self.slot_of_node, <size_t>room * sizeof(index_t))
        if moved == NULL:
            raise MemoryError(f"no memory for {room} nodes")
        self.slot_of_node = moved
        self.room = room
        return 0

    cdef index_t bind(self, index_t pod_class) except -2 nogil:
        cdef int32_t node
        if self.state.n_nominations:
            return self.retry(pod_class, -1, -1)
        node = self.state.bind(self.class_ids[pod_class])
        return self.slot_of_node[node] if node >= 0 else -1

    cdef int bind_to(self, index_t pod_class, index_t node) except -1 nogil:
        cdef int32_t class_id = self.class_ids[pod_class]
        if self.state.classes[class_id].refused:
            return 0
        if self.state.check(class_id, self.node_of_slot[node]) != FITS:
            return 0
        self.state.put(class_id, self.node_of_slot[node])
        return 1

    cdef int release(self, index_t pod_class, index_t node) except -1 nogil:
        return self.state.release(self.class_ids[pod_class], self.node_of_slot[node])

    cdef int may_help(self, index_t pod_class, index_t node) except -1 nogil:
        # Only rules that look at other nodes can be met elsewhere by what happened here.
        cdef int32_t class_id = self.class_ids[pod_class]
        cdef class_t* pods = &self.state.classes[class_id]
        if (
            pods.n_spread or pods.n_affinity or pods.n_anti_affinity or pods.n_existing
            or pods.claim_in_use >= 0
        ):
            return 1
        return self.state.check(class_id, self.node_of_slot[node]) == FITS

    cdef int awaits_room(self, index_t pod_class) except -1 nogil:
        # A pod that no node may take, however empty, is not tried again when one has more room.
        cdef class_t* pods = &self.state.classes[self.class_ids[pod_class]]
        cdef int64_t i
        if pods.refused:
            return 0
        for i in range(self.state.order.n):
            if self.state.static_verdict(pods, self.state.order.at[i]) == FITS:
                return 1
        return self.state.order.n == 0

    cdef int watches(self, index_t pod_class) except -1 nogil:
        cdef class_t* pods = &self.state.classes[self.class_ids[pod_class]]
        return pods.n_spread > 0 or pods.n_affinity > 0

    cdef int lets_in(self, index_t pod_class, index_t bound_class) except -1 nogil:
        # A domain that has a pod more may be what affinity asks for, or no longer the emptiest.
        cdef class_t* pods = &self.state.classes[self.class_ids[pod_class]]
        cdef class_t* bound = &self.state.classes[self.class_ids[bound_class]]
        cdef int32_t i, j
        for j in range(bound.n_subscriptions):
            for i in range(pods.n_spread):
                if pods.spread[i].counter == bound.subscriptions[j].counter:
                    return 1
            for i in range(pods.n_affinity):
                if pods.affinity[i].counter == bound.subscriptions[j].counter:
                    return 1
        return 0

    # --- preemption ---

    cdef int may_preempt(self, Population who, index_t pod_class, index_t host) except -1 nogil:
        return self.preemption.opens(
            who, pod_class, host, self.node_of_slot[who.nodes[host].slot]
        )

    cdef index_t preempt(self, Population who, const index_t* hosts, index_t pod) except -2 nogil:
        cdef int32_t node = self.preemption.search(
            who, hosts, self.slot_of_node, pod, &self.victims
        )
        return self.slot_of_node[node] if node >= 0 else -1

    cdef int nominate(self, index_t pod_class, index_t pod, index_t node) except -1 nogil:
        return self.state.nominate_to(
            self.node_of_slot[node], self.class_ids[pod_class], self.priority[pod_class], pod
        )

    cdef int withdraw(self, index_t pod, index_t node) except -1 nogil:
        return self.state.withdraw(self.node_of_slot[node], pod)

    cdef index_t retry(self, index_t pod_class, index_t pod, index_t node) except -2 nogil:
        cdef cycle_t result
        cdef int32_t class_id = self.class_ids[pod_class]
        self.state.cycle(
            class_id, self.priority[pod_class], pod,
            self.node_of_slot[node] if node >= 0 else -1, &result,
        )
        if result.outcome != BOUND:
            return -1
        self.state.put(class_id, result.chosen)
        return self.slot_of_node[result.chosen]

    # --- nodes ---

    cdef int add_node(self, index_t node, index_t kind) except -1 nogil:
        cdef index_t node_id
        with gil:
            node_id = self.cluster.add_node(kind)
            self.grow(max(node, node_id) + 1)
            self.node_of_slot[node] = node_id
            self.slot_of_node[node_id] = node
        return 0

    cdef int remove_node(self, index_t node) except -1 nogil:
        with gil:
            self.cluster.remove_node(self.node_of_slot[node])
        return 0

    cdef int cordon(self, index_t node, bint closed) except -1 nogil:
        with gil:
            self.cluster.cordon(self.node_of_slot[node], closed)
        return 0
