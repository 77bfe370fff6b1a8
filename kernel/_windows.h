/* Vector loops over a window of nodes: totals, normalised scores.

   Plain C, compiled twice (baseline and AVX2); the compiler vectorises both.  Quotients go through
   doubles: numerator and divisor are integers below 2^53 and the quotient is at most a few hundred,
   so the rounded quotient never reaches the next integer and truncation is exact. */

#ifndef PYSCALE_WINDOWS_H
#define PYSCALE_WINDOWS_H

#include <math.h>
#include <stdint.h>
#include "_cpu.h"

#define PYSCALE_DEFINE_WINDOWS(TARGET, SUFFIX)                                              \
                                                                                            \
/* Largest and smallest value, and how many are not negative. */                            \
TARGET static void pyscale_survey_##SUFFIX(const int32_t *values, int n, int32_t *most,     \
                                           int32_t *least, int32_t *n_feasible) {           \
    int32_t high = INT32_MIN, low = INT32_MAX, count = 0;                                   \
    for (int i = 0; i < n; i++) {                                                           \
        high = values[i] > high ? values[i] : high;                                         \
        low = values[i] < low ? values[i] : low;                                            \
        count += values[i] >= 0;                                                            \
    }                                                                                       \
    *most = high;                                                                           \
    *least = low;                                                                           \
    *n_feasible = count;                                                                    \
}                                                                                           \
                                                                                            \
TARGET static void pyscale_add_scaled_##SUFFIX(int32_t *totals, const int32_t *scores,      \
                                               int32_t weight, int n) {                     \
    for (int i = 0; i < n; i++) totals[i] += weight * scores[i];                            \
}                                                                                           \
                                                                                            \
TARGET static void pyscale_add_constant_##SUFFIX(int32_t *totals, int32_t constant,         \
                                                 int n) {                                   \
    for (int i = 0; i < n; i++) totals[i] += constant;                                      \
}                                                                                           \
                                                                                            \
/* 100 * raw / most, or 100 minus that. */                                                  \
TARGET static void pyscale_share_##SUFFIX(const int32_t *raw, int32_t *out, double most,    \
                                          int reverse, int n) {                             \
    if (reverse)                                                                            \
        for (int i = 0; i < n; i++)                                                         \
            out[i] = 100 - (int32_t)(100.0 * (double)raw[i] / most);                        \
    else                                                                                    \
        for (int i = 0; i < n; i++) out[i] = (int32_t)(100.0 * (double)raw[i] / most);      \
}                                                                                           \
                                                                                            \
/* 100 * (most + least - raw) / most. */                                                    \
TARGET static void pyscale_fewest_##SUFFIX(const int32_t *raw, int32_t *out, double most,   \
                                           double least, int n) {                           \
    for (int i = 0; i < n; i++)                                                             \
        out[i] = (int32_t)(100.0 * (most + least - (double)raw[i]) / most);                 \
}                                                                                           \
                                                                                            \
/* 100 * ((raw - least) / width), the division first. */                                    \
TARGET static void pyscale_spread_out_##SUFFIX(const int32_t *raw, int32_t *out,            \
                                               int32_t least, double width, int n) {        \
    for (int i = 0; i < n; i++)                                                             \
        out[i] = (int32_t)(100.0 * ((double)(raw[i] - least) / width));                     \
}                                                                                           \
                                                                                            \
/* The largest of the keys whose value is `best`; INT32_MIN if there is none. */             \
TARGET static int32_t pyscale_tied_key_##SUFFIX(const int32_t *values, const int32_t *keys, \
                                                int32_t best, int n) {                      \
    int32_t top = INT32_MIN;                                                                \
    for (int i = 0; i < n; i++) {                                                           \
        /* In arithmetic, or the loop is not vectorised: other keys become the smallest. */ \
        int32_t equal = -(values[i] == best);                                               \
        int32_t key = (keys[i] & equal) | (INT32_MIN & ~equal);                             \
        top = key > top ? key : top;                                                        \
    }                                                                                       \
    return top;                                                                             \
}                                                                                           \
                                                                                            \
/* Half away from zero; the magnitudes fit int32. */                                        \
TARGET static void pyscale_round_##SUFFIX(const double *sums, int32_t *out, int n) {        \
    for (int i = 0; i < n; i++) {                                                           \
        int32_t whole = (int32_t)sums[i];                                                   \
        double rest = sums[i] - (double)whole;                                              \
        out[i] = whole + (rest >= 0.5) - (rest <= -0.5);                                    \
    }                                                                                       \
}

PYSCALE_DEFINE_WINDOWS(, base)

/* Bit i says that values[i] equals `wanted`; n <= 64. */
static inline uint64_t pyscale_equal_bits_base(const int32_t *values, int32_t wanted, int n) {
    uint64_t bits = 0;
    for (int i = 0; i < n; i++) bits |= (uint64_t)(values[i] == wanted) << i;
    return bits;
}

/* Bit i says that values[i] is not negative; n <= 64. */
static inline uint64_t pyscale_feasible_bits_base(const int32_t *values, int n) {
    uint64_t bits = 0;
    for (int i = 0; i < n; i++) bits |= (uint64_t)(values[i] >= 0) << i;
    return bits;
}

#if PYSCALE_HAVE_AVX2
PYSCALE_DEFINE_WINDOWS(PYSCALE_AVX2, avx2)

PYSCALE_AVX2 static uint64_t pyscale_equal_bits_avx2(const int32_t *values, int32_t wanted,
                                                     int n) {
    const __m256i want = _mm256_set1_epi32(wanted);
    uint64_t bits = 0;
    int i = 0;
    for (; i + 8 <= n; i += 8) {
        __m256i equal = _mm256_cmpeq_epi32(_mm256_loadu_si256((const __m256i *)(values + i)), want);
        bits |= (uint64_t)(uint32_t)_mm256_movemask_ps(_mm256_castsi256_ps(equal)) << i;
    }
    for (; i < n; i++) bits |= (uint64_t)(values[i] == wanted) << i;
    return bits;
}

PYSCALE_AVX2 static uint64_t pyscale_feasible_bits_avx2(const int32_t *values, int n) {
    uint64_t bits = 0;
    int i = 0;
    for (; i + 8 <= n; i += 8) {
        __m256i eight = _mm256_loadu_si256((const __m256i *)(values + i));
        bits |= (uint64_t)(0xFF & ~(uint32_t)_mm256_movemask_ps(_mm256_castsi256_ps(eight))) << i;
    }
    for (; i < n; i++) bits |= (uint64_t)(values[i] >= 0) << i;
    return bits;
}

#define PYSCALE_WINDOW(NAME) (pyscale_window_avx2 ? pyscale_##NAME##_avx2 : pyscale_##NAME##_base)
#else
#define PYSCALE_WINDOW(NAME) pyscale_##NAME##_base
#endif

/* Set once at import, and by tests. */
static int pyscale_window_avx2 = 0;

static void pyscale_use_window_avx2(int wanted) {
    pyscale_window_avx2 = wanted && pyscale_has_avx2();
}

#define pyscale_survey(...) PYSCALE_WINDOW(survey)(__VA_ARGS__)
#define pyscale_add_scaled(...) PYSCALE_WINDOW(add_scaled)(__VA_ARGS__)
#define pyscale_add_constant(...) PYSCALE_WINDOW(add_constant)(__VA_ARGS__)
#define pyscale_share(...) PYSCALE_WINDOW(share)(__VA_ARGS__)
#define pyscale_fewest(...) PYSCALE_WINDOW(fewest)(__VA_ARGS__)
#define pyscale_spread_out(...) PYSCALE_WINDOW(spread_out)(__VA_ARGS__)
#define pyscale_tied_key(...) PYSCALE_WINDOW(tied_key)(__VA_ARGS__)
#define pyscale_equal_bits(...) PYSCALE_WINDOW(equal_bits)(__VA_ARGS__)
#define pyscale_feasible_bits(...) PYSCALE_WINDOW(feasible_bits)(__VA_ARGS__)
#define pyscale_round(...) PYSCALE_WINDOW(round)(__VA_ARGS__)

#endif
