"""How good the feasible nodes of a window are."""

from libc.stdint cimport int32_t, int64_t, uint8_t

from pyscale.kernel._cluster cimport class_t, spread_t
from pyscale.kernel._node_scores cimport (
    N_SCORERS,
    S_NODE_AFFINITY,
    S_POD_AFFINITY,
    S_SPREAD,
    S_TAINTS,
    NodeScores,
)


cdef class ScoreTable(NodeScores):
    cdef uint8_t[N_SCORERS] scored       # in the last window
    cdef bint first_of_best
    cdef int32_t* feasible
    cdef int32_t* totals
    cdef double* sums
    cdef int32_t* raw                    # four plugins that normalise, one after the other
    cdef int32_t* normalised
    cdef int64_t window_capacity
    cdef int32_t n_feasible
    cdef int32_t* heap_keys
    cdef int64_t heap_capacity
    cdef int32_t** stamps                # per column: the window that last met each value
    cdef int64_t* stamp_capacity
    cdef int64_t stamp_columns
    cdef int32_t window

    cdef int score_window(self, class_t* pods) except -1 nogil
    cdef int score_taints(self, class_t* pods) except -1 nogil
    cdef int score_preference(self, class_t* pods) except -1 nogil
    cdef int64_t ignore_nodes(self, class_t* pods, int32_t* out) except -1 nogil
    cdef int64_t count_domains(
        self, spread_t* spread, int64_t n_ignored, int32_t* ignored
    ) except -1 nogil
    cdef int add_counts(self, spread_t* spread, double weight) except -1 nogil
    cdef int score_spread(self, class_t* pods) except -1 nogil
    cdef int score_spread_large(self, class_t* pods, int64_t n_ignored) except -1 nogil
    cdef int score_affinity(self, class_t* pods) except -1 nogil
    cdef int normalise_default(self, int32_t* raw, int32_t* out, bint reverse) except -1 nogil
    cdef int32_t root(self) noexcept nogil
    cdef int grow_windows(self) except -1 nogil
