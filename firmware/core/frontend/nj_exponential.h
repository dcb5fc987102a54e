/* The exponential, ours, so that its last bit is the same everywhere. Private to the frontend.
 *
 * n = x / ln 2, rounded to even; r = x - n ln 2, in two steps: n * A is exact, with A + B = ln 2 and A of 9 bits;
 * e^x = 2^n (1 + (r + r^2 P(r))). P is the polynomial of Cephes' expf (Moshier); the error is below 2 ulp.
 * SPDX-License-Identifier: MIT
 */
#ifndef NJ_EXPONENTIAL_H
#define NJ_EXPONENTIAL_H

#include "nj_lanes.h"

/* e^x, |x| < 80. */
static inline nj_v nj_exponential(nj_v x)
{
    static const float p[] = {1.3981999507e-3f, 8.3334519073e-3f, 4.1665795894e-2f, 1.6666665459e-1f,
                              5.0000001201e-1f};
    const nj_v n = nj_snap(nj_scale(x, 1.44269504f), 0x1.8p23f);
    const nj_v r = nj_sub(nj_sub(x, nj_scale(n, 0.693359375f)), nj_scale(n, -2.12194440e-4f));
    nj_v y = nj_fill(1.9875691500e-4f);

    for (uint32_t i = 0; i < sizeof(p) / sizeof(p[0]); i++)
        y = nj_offset(nj_mul(y, r), p[i]);
    y = nj_offset(nj_add(nj_mul(y, nj_mul(r, r)), r), 1.0f);
    return nj_shift_exponent(y, n);
}

#endif
