/* The product of two 64-bit numbers in 128 bits, on every compiler. */

#ifndef PYSCALE_WIDE_H
#define PYSCALE_WIDE_H

#include <stdint.h>

#if defined(_MSC_VER) && defined(_M_X64)
  #include <intrin.h>
#endif

/* Low word of a * b; the high word goes to *high. */
static inline uint64_t pyscale_multiply(uint64_t a, uint64_t b, uint64_t *high) {
#if defined(__SIZEOF_INT128__)
    unsigned __int128 product = (unsigned __int128)a * b;
    *high = (uint64_t)(product >> 64);
    return (uint64_t)product;
#elif defined(_MSC_VER) && defined(_M_X64)
    return _umul128(a, b, high);
#else
    uint64_t al = (uint32_t)a, ah = a >> 32, bl = (uint32_t)b, bh = b >> 32;
    uint64_t low = al * bl, mid = ah * bl + (low >> 32);
    uint64_t cross = al * bh + (uint32_t)mid;
    *high = ah * bh + (mid >> 32) + (cross >> 32);
    return (cross << 32) | (uint32_t)low;
#endif
}

/* (*high, *low) += (add_high, add_low); the caller knows that it does not overflow. */
static inline void pyscale_add_wide(uint64_t *high, uint64_t *low, uint64_t add_high,
                                    uint64_t add_low) {
    *low += add_low;
    *high += add_high + (*low < add_low);
}

#endif
