"""Who is there in a simulated cluster: pods, nodes and classes."""

from libc.stdint cimport int32_t, int64_t, uint8_t

from ._typedefs cimport index_t, quantity_t, time_ns_t

cdef enum:  # states of a node, as in pyscale.policies.base; GONE is not in any view
    BOOTING = 0
    READY = 1
    DRAINING = 2
    TERMINATING = 3
    GONE = 4


cdef struct pod_t:
    time_ns_t bound        # -1 while it was never bound
    time_ns_t ended        # -1 while it pends or runs
    int32_t row            # of the trace, or -1 - index into the later pods
    index_t node           # -1 while it pends; the last node when it ended
    index_t next           # in its line while it pends
    index_t previous


cdef struct later_t:       # a pod that the trace does not have: come back, or of a daemon
    time_ns_t created
    time_ns_t duration
    index_t origin         # the pod that was evicted, -1 for daemons, -3 for replicas
    index_t pod_class


cdef struct resident_t:    # a pod on a node
    time_ns_t bound
    index_t pod
    index_t pod_class


cdef struct node_t:
    time_ns_t created
    time_ns_t ready        # -1 while it boots
    time_ns_t gone         # -1 while its machine is there
    time_ns_t lost         # when the cloud takes it, -1 where nothing is announced
    int64_t token
    int64_t version
    index_t kind
    index_t slot           # of the placer, -1 outside of the cluster
    resident_t* residents  # by id of the pod
    int64_t room
    index_t n_pods
    uint8_t state
    uint8_t cordoned
    uint8_t watched        # whether the driver wants to hear when it joins


cdef struct class_t:
    int32_t priority
    index_t n_pending
    index_t n_bound
    index_t place          # in the list of blocked classes, -1 outside
    time_ns_t failed       # when no node was found for it last, -1 for never
    uint8_t blocked        # the placer found no node and nothing changed since
    uint8_t stirred        # ... but now something did
    uint8_t restart
    uint8_t gated          # has scheduling gates: never tried
    uint8_t awaits_room    # the end of a pod makes the scheduler try it again
    uint8_t watches        # pods that are bound elsewhere may let it in
    uint8_t preempts       # is more important than some other class


cdef class Population:
    cdef readonly time_ns_t now
    cdef readonly int64_t pod_version       # grows whenever a pod is bound or ends
    cdef readonly int64_t node_version      # grows with every change of a node but its pods
    cdef const int32_t[::1] row_class
    cdef const int64_t[::1] row_arrival
    cdef const int64_t[::1] row_duration
    cdef readonly index_t n_classes
    cdef readonly index_t n_resources
    cdef quantity_t* request                # class-major
    cdef class_t* classes
    cdef pod_t* pods
    cdef readonly index_t n_pods
    cdef index_t pod_room
    cdef later_t* later
    cdef readonly index_t n_later
    cdef index_t later_room
    cdef node_t* nodes
    cdef quantity_t* requested              # node-major
    cdef readonly index_t n_nodes
    cdef index_t node_room
    cdef index_t* live                      # ids of nodes that were there at the last compaction
    cdef index_t n_live

    cdef index_t class_of(self, index_t pod) except -1 nogil
    cdef time_ns_t created_of(self, index_t pod) except -1 nogil
    cdef time_ns_t duration_of(self, index_t pod) except -2 nogil
    cdef int reserve_pods(self, index_t room) except -1 nogil
    cdef index_t new_pod(self, int32_t row) except -1 nogil
    cdef index_t new_later(
        self, index_t pod_class, time_ns_t duration, index_t origin
    ) except -1 nogil
    cdef bint is_of_node(self, index_t pod) noexcept nogil
    cdef int64_t place_of(self, index_t node, index_t pod) noexcept nogil
    cdef int attach(self, index_t pod, index_t node) except -1 nogil
    cdef int detach(self, index_t pod) except -1 nogil
    cdef index_t new_node(self, index_t kind, int64_t token) except -1
    cdef index_t check_node(self, object node) except -1
    cdef index_t check_pod(self, object pod) except -1
    cdef int compact(self) except -1 nogil
