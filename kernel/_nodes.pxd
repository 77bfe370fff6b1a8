"""Nodes in integers: kinds, what is interned for nodes, how nodes come and go."""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint64_t

from pyscale.kernel._growth cimport ints_t
from pyscale.kernel._match cimport MatchTable
from pyscale.kernel._node_list cimport (
    NodeList,
    class_t,
    driver_t,
    operation_t,
    volume_t,
)
from pyscale.kernel._topology cimport TopologyCounts

cdef int64_t* amounts_of(object values) except? NULL


cdef class NodeTable(NodeList):
    cdef readonly MatchTable match
    cdef readonly TopologyCounts topology
    cdef int64_t* allocatable               # node-major, stride resource_stride
    cdef int64_t* used
    cdef int64_t resource_stride
    cdef readonly int32_t n_resources
    cdef class_t* classes
    cdef int64_t class_capacity
    cdef readonly int32_t n_classes
    cdef uint8_t** port_used                # per port: per node
    cdef int64_t port_capacity
    cdef readonly int32_t n_ports
    cdef volume_t* volumes
    cdef int64_t volume_capacity
    cdef readonly int32_t n_volumes
    cdef driver_t* drivers
    cdef int64_t driver_capacity
    cdef readonly int32_t n_drivers
    cdef ints_t node_of_name                # value of the name column -> node, -1 none
    cdef operation_t* operations
    cdef int64_t operation_capacity
    cdef int64_t n_operations

    cdef int grow_nodes(self, int64_t need) except -1 nogil
    cdef int describe(self, int32_t node, int32_t kind, int32_t name, int32_t host) except -1 nogil
    cdef int add_images(self, int32_t node) except -1 nogil
    cdef int remove_images(self, int32_t node) except -1 nogil
    cdef int activate(self, int32_t node) except -1 nogil
    cdef int deactivate(self, int32_t node) except -1 nogil
    cdef int32_t insert_node(self, int32_t kind, int32_t name, int32_t hostname) except -1 nogil
    cdef int record(
        self, int32_t kind, int32_t class_id, int32_t node, uint64_t before
    ) except -1 nogil
