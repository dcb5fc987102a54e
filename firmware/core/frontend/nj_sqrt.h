/* The hardware's square root, which is correctly rounded; no libm, whatever -fmath-errno says.
 * SPDX-License-Identifier: MIT
 */
#ifndef NJ_SQRT_H
#define NJ_SQRT_H

#if defined(__SSE2__)
#include <emmintrin.h>

static inline float nj_sqrt(float x)
{
    return _mm_cvtss_f32(_mm_sqrt_ss(_mm_set_ss(x)));
}
#elif defined(__arm__) && defined(__ARM_FP)
static inline float nj_sqrt(float x)
{
    float root;
    __asm__("vsqrt.f32 %0, %1" : "=t"(root) : "t"(x));
    return root;
}
#elif defined(__aarch64__)
static inline float nj_sqrt(float x)
{
    float root;
    __asm__("fsqrt %s0, %s1" : "=w"(root) : "w"(x));
    return root;
}
#else
#include <math.h>

static inline float nj_sqrt(float x)
{
    return sqrtf(x);
}
#endif

#endif
