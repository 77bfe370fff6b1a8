"""Stable total orders of rows of integers."""

from libc.stdint cimport int32_t, int64_t, uint8_t


cdef void sort_row_ids(
    const int64_t* keys, Py_ssize_t n_rows, Py_ssize_t n_columns, const uint8_t* descending,
    int32_t* order, int32_t* scratch,
) noexcept nogil
