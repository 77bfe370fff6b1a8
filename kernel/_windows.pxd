"""Vector loops over a window of nodes (``_windows.h``); AVX2 where the processor has it."""

from libc.stdint cimport int32_t, uint64_t

cdef extern from "_windows.h" nogil:
    void survey "pyscale_survey" (
        const int32_t* values, int n, int32_t* most, int32_t* least, int32_t* n_feasible
    )
    void add_scaled "pyscale_add_scaled" (
        int32_t* totals, const int32_t* scores, int32_t weight, int n
    )
    void add_constant "pyscale_add_constant" (int32_t* totals, int32_t constant, int n)
    void share "pyscale_share" (
        const int32_t* raw, int32_t* out, double most, int reverse, int n
    )
    void fewest "pyscale_fewest" (
        const int32_t* raw, int32_t* out, double most, double least, int n
    )
    void spread_out "pyscale_spread_out" (
        const int32_t* raw, int32_t* out, int32_t least, double width, int n
    )
    void round_half_away "pyscale_round" (const double* sums, int32_t* out, int n)
    int32_t tied_key "pyscale_tied_key" (
        const int32_t* values, const int32_t* keys, int32_t best, int n
    )
    uint64_t equal_bits "pyscale_equal_bits" (const int32_t* values, int32_t wanted, int n)
    uint64_t feasible_bits "pyscale_feasible_bits" (const int32_t* values, int n)
    void use_window_avx2 "pyscale_use_window_avx2" (int wanted)
    int window_avx2 "pyscale_window_avx2"
