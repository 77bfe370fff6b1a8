"""The event loop with workloads; see _workloads.pyx."""

from libc.stdint cimport int32_t, int64_t

from ._engine cimport Engine
from ._served cimport episode_t, served_t
from ._typedefs cimport index_t, time_ns_t


cdef struct replica_t:         # of a pod that the trace does not have
    time_ns_t ready            # -1 while it is not bound
    index_t workload           # -1 for pods that no workload owns
    index_t place              # among the pods of its workload


cdef struct workload_t:
    served_t served
    index_t pod_class          # of new pods
    index_t* pods
    int64_t room
    index_t n_pods
    index_t n_unbound
    int64_t request            # cpu, thousandths, of all pods
    int64_t unbound_request


cdef struct change_t:
    time_ns_t time
    index_t workload
    int32_t replicas


cdef class WorkloadEngine(Engine):
    cdef workload_t* workloads
    cdef readonly index_t n_workloads
    cdef readonly time_ns_t start_delay
    cdef const int64_t[::1] step_time
    cdef const int64_t[::1] step_value
    cdef const int64_t[::1] cpu_request
    cdef replica_t* replicas
    cdef int64_t replica_room
    cdef episode_t* episodes
    cdef int64_t episode_room
    cdef readonly int64_t n_episodes
    cdef change_t* changes
    cdef int64_t change_room
    cdef readonly int64_t n_changes

    cdef replica_t* replica_of(self, index_t pod) noexcept nogil
    cdef int note_shortage(self, index_t workload, index_t pod) except -1 nogil
    cdef int advance(self, index_t workload, time_ns_t now) except -1 nogil
    cdef index_t create(self, index_t workload, index_t origin) except -1 nogil
    cdef int forget(self, index_t pod) except -1 nogil
    cdef int delete_unbound(self, index_t pod) except -1 nogil
    cdef int delete(self, index_t workload, index_t count) except -1 nogil
    cdef int scale_to(self, index_t workload, int32_t replicas) except -1 nogil
