/* What CMSIS-DSP needs of CMSIS-Core, which its Python package does not carry. Only for the benchmark.
 * SPDX-License-Identifier: MIT
 */
#ifndef CMSIS_COMPILER_H
#define CMSIS_COMPILER_H

#include <arm_acle.h>
#include <stdint.h>

#define __ASM __asm
#define __INLINE inline
#define __STATIC_INLINE static inline
#define __STATIC_FORCEINLINE __attribute__((always_inline)) static inline
#define __ALIGNED(bytes) __attribute__((aligned(bytes)))
#define __WEAK __attribute__((weak))
#define __PACKED __attribute__((packed))
#define __NO_RETURN __attribute__((noreturn))
#define __RESTRICT __restrict
#define __CLZ(x) ((uint8_t)__clz(x))
#define __ROR __ror
#define __SSAT(x, bits) __ssat(x, bits)
#define __USAT(x, bits) __usat(x, bits)

#endif
