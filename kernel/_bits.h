/* Counting and finding bits in one 64-bit word. */

#ifndef PYSCALE_BITS_H
#define PYSCALE_BITS_H

#include <stdint.h>

#if defined(_MSC_VER)
  #include <intrin.h>
#endif

/* Index of the lowest set bit; the word must not be zero. */
static inline int pyscale_lowest(uint64_t word) {
#if defined(_MSC_VER)
    unsigned long index;
    _BitScanForward64(&index, word);
    return (int)index;
#else
    return __builtin_ctzll(word);
#endif
}

/* All bits from one on, 0 to 63.  (Cython's overflow check would refuse the shift.) */
static inline uint64_t pyscale_bits_from(int bit) { return ~UINT64_C(0) << bit; }

/* The n lowest bits, n from 0 to 64. */
static inline uint64_t pyscale_low_bits(int n) {
    return n >= 64 ? ~UINT64_C(0) : (UINT64_C(1) << n) - 1;
}

/* Without -mpopcnt GCC calls a library routine; this form is as fast and portable. */
static inline int pyscale_popcount(uint64_t word) {
    word -= (word >> 1) & UINT64_C(0x5555555555555555);
    word = (word & UINT64_C(0x3333333333333333)) + ((word >> 2) & UINT64_C(0x3333333333333333));
    word = (word + (word >> 4)) & UINT64_C(0x0f0f0f0f0f0f0f0f);
    return (int)((word * UINT64_C(0x0101010101010101)) >> 56);
}

#endif
