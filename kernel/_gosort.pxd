"""Go's unstable sort over an array of item numbers, by a float64 key per item."""

from libc.stdint cimport int32_t

cdef void go_sort(int32_t *items, int32_t n, const double *key) noexcept nogil
