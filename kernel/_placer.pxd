"""What the event loop asks of a scheduler; one object holds the nodes of one run."""

from ._typedefs cimport index_t


cdef class Placer:
    cdef index_t bind(self, index_t pod_class) except -2 nogil
    cdef index_t bind_run(self, index_t pod_class, index_t count, index_t* nodes) except -1 nogil
    cdef int bind_to(self, index_t pod_class, index_t node) except -1 nogil
    cdef int release(self, index_t pod_class, index_t node) except -1 nogil
    cdef int may_help(self, index_t pod_class, index_t node) except -1 nogil
    cdef int add_node(self, index_t node, index_t kind) except -1 nogil
    cdef int remove_node(self, index_t node) except -1 nogil
    cdef int cordon(self, index_t node, bint closed) except -1 nogil


cdef class ObjectPlacer(Placer):
    cdef object scheduler
