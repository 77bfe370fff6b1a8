/* What the processor can do, asked once when the module is imported.

   PYSCALE_AVX2 marks a function that may use AVX2 although the rest of the
   library is compiled for the baseline; call it only if pyscale_has_avx2(). */

#ifndef PYSCALE_CPU_H
#define PYSCALE_CPU_H

#if (defined(__GNUC__) || defined(__clang__)) && defined(__x86_64__)
  #define PYSCALE_HAVE_AVX2 1
  #define PYSCALE_AVX2 __attribute__((target("avx2")))
  #include <immintrin.h>
  static int pyscale_has_avx2(void) {
      __builtin_cpu_init();
      return __builtin_cpu_supports("avx2") != 0;
  }
#elif defined(_MSC_VER) && defined(_M_X64)
  #define PYSCALE_HAVE_AVX2 1
  #define PYSCALE_AVX2
  #include <immintrin.h>
  #include <intrin.h>
  static int pyscale_has_avx2(void) {
      int info[4];
      __cpuid(info, 0);
      if (info[0] < 7) return 0;
      __cpuid(info, 1);
      /* OSXSAVE and AVX, then: does the system save the upper halves? */
      if ((info[2] & 0x18000000) != 0x18000000) return 0;
      if ((_xgetbv(0) & 6) != 6) return 0;
      __cpuidex(info, 7, 0);
      return (info[1] & 0x20) != 0;
  }
#else
  #define PYSCALE_HAVE_AVX2 0
  #define PYSCALE_AVX2
  static int pyscale_has_avx2(void) { return 0; }
#endif

#endif
