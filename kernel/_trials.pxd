"""What would be if: pods that wait for a node counted as there, and pods that may go as gone."""

from libc.stdint cimport int32_t, int64_t, uint8_t

from pyscale.kernel._filters cimport FilterTable


cdef class TrialTable(FilterTable):
    cdef uint8_t* saved_ports
    cdef int64_t saved_ports_capacity

    cdef int check_nominated(
        self, int32_t class_id, int32_t node, int64_t priority, int64_t pod
    ) except -1 nogil
    cdef int spare(
        self, int32_t class_id, int32_t node, const int32_t* victims, int32_t n, int64_t priority,
        int64_t pod, uint8_t* gone
    ) except -1 nogil
