"""kube-scheduler's compiled cluster as the event loop's placer.

Pods come and go without the GIL.  Nodes are rare: they go through the Python object that keeps
names, labels and volumes in step with the compiled state.
"""

from libc.stdint cimport int32_t
from libc.stdlib cimport free, realloc

from ._bind cimport FITS, ClusterState
from ._cluster cimport class_t
from ._placer cimport Placer
from ._typedefs cimport index_t


cdef class ClusterPlacer(Placer):
    """A placer over a :class:`ClusterState`.

    Parameters
    ----------
    state : ClusterState
    class_ids : ndarray of int32, shape (n_classes,)
        The state's class of each pod class.
    cluster : object
        With ``add_kind(kind)``, ``add_node(kind_number) -> node id of the state``,
        ``remove_node(node_id)`` and ``cordon(node_id, closed)``.
    """

    def __init__(self, ClusterState state not None, class_ids: object, cluster: object) -> None:
        self.state = state
        self.cluster = cluster
        self.class_ids = class_ids

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
        cdef int32_t node = self.state.bind(self.class_ids[pod_class])
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
