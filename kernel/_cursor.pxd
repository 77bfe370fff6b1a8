"""First fit for pods that arrive in any order, for event loops to cimport."""

from libc.stdint cimport int32_t, int64_t


cdef class Cursors:
    cdef readonly int n_resources
    cdef readonly bint narrow
    cdef readonly Py_ssize_t n_classes
    cdef readonly Py_ssize_t n_nodes
    cdef readonly int64_t max_nodes
    cdef void* room                 # [resource][node]
    cdef Py_ssize_t stride
    cdef void* request              # [class][resource]
    cdef void* compare              # [class][resource]
    cdef void* capacity             # [resource]
    cdef int32_t* cursor            # [class]: no node before it has room
    cdef int64_t* seen              # [class]: the epoch the cursor is good for
    cdef int64_t epoch
    cdef int64_t* mark_epoch        # releases that still matter, oldest first ...
    cdef int32_t* mark_node         # ... their nodes strictly ascending
    cdef Py_ssize_t n_marks
    cdef Py_ssize_t mark_room

    cdef int reserve_nodes(self, Py_ssize_t n) except -1 nogil
    cdef Py_ssize_t place(self, Py_ssize_t pod_class) except -2 nogil
    cdef int release(self, Py_ssize_t pod_class, Py_ssize_t node) except -1 nogil
