"""How good a node is by itself."""

from libc.stdint cimport int32_t, int64_t

from pyscale.kernel._cluster cimport class_t
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


cdef class NodeScores(TrialTable):
    cdef int64_t[N_SCORERS] weights
    cdef bint balance_is_delta
    cdef bint usual_strategies
    cdef bint balance_is_common          # the balanced resources are those of every class
    cdef strategy_t fit
    cdef strategy_t balanced

    cdef int64_t fit_score(self, class_t* pods, int32_t node) noexcept nogil
    cdef int64_t balance_score(self, class_t* pods, int32_t node) noexcept nogil
    cdef int64_t balance_without(self, class_t* pods, int32_t node) noexcept nogil
    cdef int64_t image_score(self, class_t* pods, int32_t node) noexcept nogil
    cdef int32_t local_score(self, class_t* pods, int32_t node) except? -3 nogil
    cdef int64_t usual_score(self, class_t* pods, int32_t node) noexcept nogil
