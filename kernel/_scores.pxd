"""How good the feasible nodes of a window are."""

from libc.stdint cimport int32_t, int64_t, uint8_t

from pyscale.kernel._cluster cimport class_t, spread_t
from pyscale.kernel._score cimport strategy_t
from pyscale.kernel._trials cimport TrialTable

cdef enum:  # score plugins
    S_TAINTS = 0
    S_NODE_AFFINITY = 1
    S_RESOURCES = 2
    S_SPREAD = 3
    S_POD_AFFINITY = 4
    S_BALANCE = 5
    S_IMAGES = 6
    N_SCORERS = 7


cdef class ScoreTable(TrialTable):
    cdef int64_t[N_SCORERS] weights
    cdef uint8_t[N_SCORERS] scored       # in the last window
    cdef bint first_of_best
    cdef bint balance_is_delta
    cdef bint usual_strategies
    cdef bint balance_is_common          # the balanced resources are those of every class
    cdef strategy_t fit
    cdef strategy_t balanced
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

    cdef int64_t fit_score(self, class_t* pods, int32_t node) noexcept nogil
    cdef int64_t balance_score(self, class_t* pods, int32_t node) noexcept nogil
    cdef int64_t balance_without(self, class_t* pods, int32_t node) noexcept nogil
    cdef int64_t image_score(self, class_t* pods, int32_t node) noexcept nogil
    cdef int32_t local_score(self, class_t* pods, int32_t node) except? -3 nogil
    cdef int64_t usual_score(self, class_t* pods, int32_t node) noexcept nogil
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
