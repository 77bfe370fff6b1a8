"""The only integer typedefs of the kernel; every other module cimports them."""

from libc.stdint cimport int8_t, int32_t, int64_t, uint8_t, uint32_t, uint64_t

ctypedef int64_t quantity_t   # milli-CPU, bytes, counts
ctypedef int64_t time_ns_t    # nanoseconds since the start of the simulation
ctypedef int64_t price_t      # nano-dollars per hour
ctypedef int32_t index_t      # pods, nodes, classes, groups; -1 means none
ctypedef uint64_t mask_t      # one word of a bitset
