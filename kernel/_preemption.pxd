"""Which pods of a run go so that a more important one fits."""

from libc.stdint cimport int32_t, int64_t, uint8_t

from pyscale.kernel._bind cimport ClusterState
from pyscale.kernel._growth cimport ints_t
from pyscale.kernel._population cimport Population
from pyscale.kernel._typedefs cimport index_t, time_ns_t


cdef struct tenant_t:      # a pod that may go
    int32_t priority
    index_t pod
    time_ns_t bound
    index_t pod_class
    uint8_t leaves


cdef struct price_t:       # what making room on a node costs: the smaller is better, field by field
    int64_t violations
    int64_t highest
    int64_t total
    int64_t n_victims
    int64_t age            # of the oldest of the most important


cdef class Preemption:
    cdef ClusterState state
    cdef const index_t[::1] class_ids      # pod class -> class of the state
    cdef const uint8_t[::1] never
    cdef const int32_t[::1] budget_start   # per pod class: budgets that cover it
    cdef const int32_t[::1] budget_of
    cdef object budgets
    cdef int64_t percentage
    cdef int64_t absolute
    cdef int64_t seed
    cdef int64_t n_searches
    cdef ints_t potential
    cdef ints_t order                      # tenants in the order in which they are given back
    cdef ints_t order_class
    cdef tenant_t* tenants
    cdef int64_t tenant_room
    cdef int32_t n_tenants
    cdef uint8_t* gone
    cdef int64_t gone_room
    cdef int64_t* allowed
    cdef int64_t* left
    cdef int64_t n_budgets

    cdef int read_budgets(self, Population who) except -1 nogil
    cdef int read_tenants(
        self, Population who, index_t host, int32_t priority
    ) except -1 nogil
    cdef int32_t split_by_budgets(self) except -1 nogil
    cdef bint opens(
        self, Population who, index_t pod_class, index_t host, int32_t node
    ) except -1 nogil
    cdef int find_potential(
        self, int32_t class_id, int32_t priority, index_t pod
    ) except -1 nogil
    cdef int32_t search(
        self, Population who, const index_t* hosts, const index_t* slots, index_t pod,
        ints_t* victims
    ) except -2 nogil
