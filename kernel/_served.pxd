"""How much of a workload's load its ready pods serve, accounted exactly; see _served.pyx."""

from libc.stdint cimport int64_t, uint64_t

from ._typedefs cimport index_t, time_ns_t


cdef struct wide_t:            # a sum of thousandths times nanoseconds, 128 bits
    uint64_t high
    uint64_t low


cdef struct starting_t:        # a pod that is not ready, or was not for a whole sample
    time_ns_t ready
    int64_t cpu                # the integrals of its workload when it got ready
    int64_t rate
    index_t pod
    index_t is_alive


cdef struct served_t:
    const int64_t* time        # the load's steps that are to come
    const int64_t* value
    Py_ssize_t n_steps
    int64_t load               # thousandths, of now
    int64_t capacity           # what one pod serves, in thousandths; -1 for no limit
    int64_t idle               # thousandths of a core
    int64_t cost               # microseconds of a core per unit of load
    time_ns_t at               # accounted up to here
    index_t n_ready
    index_t of_ready           # how many pods and which load the next three are of
    int64_t of_load
    int64_t serves             # load that the ready pods serve
    int64_t use                # thousandths of a core that one uses, rounded up; 0 without any
    int64_t share              # load that one serves; 0 without any
    wide_t served
    wide_t unserved
    int64_t short_ns
    time_ns_t short_since      # -1 while all load is served
    int64_t cpu                # integrals of one pod since the last sample: use in thousandths of
    int64_t rate               # a core, and load; times ns
    int64_t last_cpu           # the same over the last sample's window
    int64_t last_rate
    starting_t* starting       # in order of readiness
    int64_t room
    int64_t first              # the oldest that is kept
    int64_t next               # the first that is not ready yet
    int64_t n_starting


cdef struct episode_t:         # a time in which load was not served
    time_ns_t begin
    time_ns_t end              # -1 while it goes on
    index_t workload
    index_t pod                # the pod whose readiness ended it, -1 if the load fell


cdef bint is_short(served_t* it) noexcept nogil
cdef index_t pass_time(served_t* it, time_ns_t now) noexcept nogil
cdef int add_starting(served_t* it, time_ns_t ready, index_t pod) except -1 nogil
cdef int drop_starting(served_t* it, time_ns_t before) noexcept nogil
