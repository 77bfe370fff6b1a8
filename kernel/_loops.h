/* Vector loops over room, resource-major: room[resource * stride + node].

   A node fits a request when no `room - request` is negative, so the sign bit of
   their OR is the answer and no comparison is needed.  A request of zero must
   ignore its resource even where the room is negative: the caller passes the
   sentinel -2^62 (int64) or -2^30 (int32) there.  With every magnitude at most
   2^61 (2^29) no difference can overflow.

   Every loop exists twice: baseline (plain C, vectorised by the compiler) and
   AVX2.  The table pyscale_loops is set once at import, and by tests. */

#ifndef PYSCALE_LOOPS_H
#define PYSCALE_LOOPS_H

#include <stddef.h>
#include <stdint.h>
#include "_bits.h"
#include "_cpu.h"

/* Mask of 64 consecutive nodes, plain form.  Most blocks have no room at all:
   one AND over the accumulators answers those without extracting 64 bits. */
#define PYSCALE_DEFINE_BLOCK(T, NAME)                                                   \
static inline uint64_t NAME(const T *room, ptrdiff_t stride, int n_resources,           \
                            const T *request) {                                         \
    T lack[64], all;                                                                    \
    uint64_t mask = 0;                                                                  \
    for (int i = 0; i < 64; i++) lack[i] = (T)(room[i] - request[0]);                   \
    for (int r = 1; r < n_resources; r++) {                                             \
        const T *row = room + r * stride;                                               \
        const T want = request[r];                                                      \
        for (int i = 0; i < 64; i++) lack[i] |= (T)(row[i] - want);                     \
    }                                                                                   \
    all = lack[0];                                                                      \
    for (int i = 1; i < 64; i++) all &= lack[i];                                        \
    if (all < 0) return 0;                                                              \
    for (int i = 0; i < 64; i++) mask |= (uint64_t)(lack[i] >= 0) << i;                 \
    return mask;                                                                        \
}

PYSCALE_DEFINE_BLOCK(int32_t, pyscale_block_i32_base)
PYSCALE_DEFINE_BLOCK(int64_t, pyscale_block_i64_base)

#if PYSCALE_HAVE_AVX2

#define PYSCALE_EACH8(DO) DO(0) DO(1) DO(2) DO(3) DO(4) DO(5) DO(6) DO(7)

/* Eight accumulators stay in registers: 64 int32 at once, 2 x 32 int64. */
PYSCALE_AVX2 static inline uint64_t pyscale_block_i32_avx2(
        const int32_t *room, ptrdiff_t stride, int n_resources, const int32_t *request) {
    uint64_t bits = 0;
    __m256i want = _mm256_set1_epi32(request[0]);
#define FIRST(k) __m256i a##k = _mm256_sub_epi32(                                       \
        _mm256_loadu_si256((const __m256i *)(room + 8 * k)), want);
#define NEXT(k) a##k = _mm256_or_si256(a##k, _mm256_sub_epi32(                          \
        _mm256_loadu_si256((const __m256i *)(row + 8 * k)), want));
#define SIGNS(k) bits |= (uint64_t)(uint32_t)_mm256_movemask_ps(                        \
        _mm256_castsi256_ps(a##k)) << (8 * k);
    PYSCALE_EACH8(FIRST)
    for (int r = 1; r < n_resources; r++) {
        const int32_t *row = room + r * stride;
        want = _mm256_set1_epi32(request[r]);
        PYSCALE_EACH8(NEXT)
    }
    PYSCALE_EACH8(SIGNS)
#undef FIRST
#undef NEXT
#undef SIGNS
    return ~bits;
}

PYSCALE_AVX2 static inline uint64_t pyscale_half_i64_avx2(
        const int64_t *room, ptrdiff_t stride, int n_resources, const int64_t *request) {
    uint32_t bits = 0;
    __m256i want = _mm256_set1_epi64x(request[0]);
#define FIRST(k) __m256i a##k = _mm256_sub_epi64(                                       \
        _mm256_loadu_si256((const __m256i *)(room + 4 * k)), want);
#define NEXT(k) a##k = _mm256_or_si256(a##k, _mm256_sub_epi64(                          \
        _mm256_loadu_si256((const __m256i *)(row + 4 * k)), want));
#define SIGNS(k) bits |= (uint32_t)_mm256_movemask_pd(_mm256_castsi256_pd(a##k)) << (4 * k);
    PYSCALE_EACH8(FIRST)
    for (int r = 1; r < n_resources; r++) {
        const int64_t *row = room + r * stride;
        want = _mm256_set1_epi64x(request[r]);
        PYSCALE_EACH8(NEXT)
    }
    PYSCALE_EACH8(SIGNS)
#undef FIRST
#undef NEXT
#undef SIGNS
    return (uint32_t)~bits;
}

PYSCALE_AVX2 static inline uint64_t pyscale_block_i64_avx2(
        const int64_t *room, ptrdiff_t stride, int n_resources, const int64_t *request) {
    return pyscale_half_i64_avx2(room, stride, n_resources, request)
         | pyscale_half_i64_avx2(room + 32, stride, n_resources, request) << 32;
}

#endif

/* The loops over any number of nodes.  A last block of fewer than 64 nodes is
   read as the 64 nodes that end with it, if there are so many. */
#define PYSCALE_DEFINE_LOOPS(T, SUFFIX, BLOCK, TARGET)                                  \
TARGET static inline int pyscale_fits_##SUFFIX(const T *room, ptrdiff_t stride,         \
                                               int n_resources, const T *request) {     \
    T lack = (T)(room[0] - request[0]);                                                 \
    for (int r = 1; r < n_resources; r++) lack |= (T)(room[r * stride] - request[r]);   \
    return lack >= 0;                                                                   \
}                                                                                       \
TARGET static uint64_t pyscale_word_##SUFFIX(const T *room, ptrdiff_t stride, int n,    \
                                             int n_resources, const T *request) {       \
    uint64_t mask = 0;                                                                  \
    if (n >= 64) return BLOCK(room, stride, n_resources, request);                      \
    for (int i = 0; i < n; i++)                                                         \
        mask |= (uint64_t)pyscale_fits_##SUFFIX(room + i, stride, n_resources, request) \
                << i;                                                                   \
    return mask;                                                                        \
}                                                                                       \
TARGET static void pyscale_mask_##SUFFIX(const T *room, ptrdiff_t stride, ptrdiff_t n,  \
                                         int n_resources, const T *request,             \
                                         uint64_t *mask) {                              \
    ptrdiff_t node = 0;                                                                 \
    for (; node + 64 <= n; node += 64)                                                  \
        *mask++ = BLOCK(room + node, stride, n_resources, request);                     \
    if (node == n) return;                                                              \
    if (n >= 64)                                                                        \
        *mask = BLOCK(room + n - 64, stride, n_resources, request) >> (node + 64 - n);  \
    else                                                                                \
        *mask = pyscale_word_##SUFFIX(room, stride, (int)n, n_resources, request);      \
}                                                                                       \
TARGET static ptrdiff_t pyscale_next_##SUFFIX(const T *room, ptrdiff_t stride,          \
                                              ptrdiff_t start, ptrdiff_t stop,          \
                                              int n_resources, const T *request) {      \
    ptrdiff_t node = start;                                                             \
    uint64_t mask;                                                                      \
    if (node >= stop) return -1;                                                        \
    if (pyscale_fits_##SUFFIX(room + node, stride, n_resources, request)) return node;  \
    for (; node + 64 <= stop; node += 64) {                                             \
        mask = BLOCK(room + node, stride, n_resources, request);                        \
        if (mask) return node + pyscale_lowest(mask);                                   \
    }                                                                                   \
    if (node == stop) return -1;                                                        \
    if (stop >= 64)                                                                     \
        mask = BLOCK(room + stop - 64, stride, n_resources, request)                    \
               >> (node + 64 - stop);                                                   \
    else                                                                                \
        mask = pyscale_word_##SUFFIX(room + node, stride, (int)(stop - node),           \
                                     n_resources, request);                             \
    return mask ? node + pyscale_lowest(mask) : -1;                                     \
}                                                                                       \
TARGET static void pyscale_peak_##SUFFIX(const T *room, ptrdiff_t stride,               \
                                         int n_resources, T *peak,                      \
                                         ptrdiff_t peak_stride) {                       \
    for (int r = 0; r < n_resources; r++) {                                             \
        const T *row = room + r * stride;                                               \
        T most = row[0];                                                                \
        for (int i = 1; i < 64; i++) most = row[i] > most ? row[i] : most;              \
        peak[r * peak_stride] = most;                                                   \
    }                                                                                   \
}

#define PYSCALE_NOTHING
PYSCALE_DEFINE_LOOPS(int32_t, i32_base, pyscale_block_i32_base, PYSCALE_NOTHING)
PYSCALE_DEFINE_LOOPS(int64_t, i64_base, pyscale_block_i64_base, PYSCALE_NOTHING)
#if PYSCALE_HAVE_AVX2
PYSCALE_DEFINE_LOOPS(int32_t, i32_avx2, pyscale_block_i32_avx2, PYSCALE_AVX2)
PYSCALE_DEFINE_LOOPS(int64_t, i64_avx2, pyscale_block_i64_avx2, PYSCALE_AVX2)
#endif

typedef struct {
    uint64_t (*word_i32)(const int32_t *, ptrdiff_t, int, int, const int32_t *);
    uint64_t (*word_i64)(const int64_t *, ptrdiff_t, int, int, const int64_t *);
    void (*mask_i32)(const int32_t *, ptrdiff_t, ptrdiff_t, int, const int32_t *, uint64_t *);
    void (*mask_i64)(const int64_t *, ptrdiff_t, ptrdiff_t, int, const int64_t *, uint64_t *);
    ptrdiff_t (*next_i32)(const int32_t *, ptrdiff_t, ptrdiff_t, ptrdiff_t, int,
                          const int32_t *);
    ptrdiff_t (*next_i64)(const int64_t *, ptrdiff_t, ptrdiff_t, ptrdiff_t, int,
                          const int64_t *);
    void (*peak_i32)(const int32_t *, ptrdiff_t, int, int32_t *, ptrdiff_t);
    void (*peak_i64)(const int64_t *, ptrdiff_t, int, int64_t *, ptrdiff_t);
} pyscale_loops_t;

#define PYSCALE_TABLE(PATH) {                                                           \
    pyscale_word_i32_##PATH, pyscale_word_i64_##PATH, pyscale_mask_i32_##PATH,          \
    pyscale_mask_i64_##PATH, pyscale_next_i32_##PATH, pyscale_next_i64_##PATH,          \
    pyscale_peak_i32_##PATH, pyscale_peak_i64_##PATH }

static const pyscale_loops_t pyscale_loops_base = PYSCALE_TABLE(base);
#if PYSCALE_HAVE_AVX2
static const pyscale_loops_t pyscale_loops_avx2 = PYSCALE_TABLE(avx2);
#endif

static pyscale_loops_t pyscale_loops = PYSCALE_TABLE(base);

/* Returns 1 if the wanted path is now in use, 0 if this machine does not have it. */
static int pyscale_use_loops(int want_avx2) {
    if (!want_avx2) {
        pyscale_loops = pyscale_loops_base;
        return 1;
    }
#if PYSCALE_HAVE_AVX2
    if (pyscale_has_avx2()) {
        pyscale_loops = pyscale_loops_avx2;
        return 1;
    }
#endif
    return 0;
}

static int pyscale_uses_avx2(void) {
    return pyscale_loops.next_i64 != pyscale_loops_base.next_i64;
}

#endif
