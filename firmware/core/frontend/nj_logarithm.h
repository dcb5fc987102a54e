/* The natural logarithm, ours, so that its last bit is the same everywhere. Private to the frontend.
 *
 * x = 2^e m with m in [sqrt(1/2), sqrt(2)), by integer operations; f = m - 1;
 * ln x = ((e * B + f^3 P(f)) - f^2 / 2 + f) + e * A, with A + B = ln 2, A of 9 bits, so that e * A is exact.
 * P is the polynomial of Cephes' logf (Moshier); the error is below 2 ulp.
 * SPDX-License-Identifier: MIT
 */
#ifndef NJ_LOGARITHM_H
#define NJ_LOGARITHM_H

#include "nj_lanes.h"

/* ln(x / 2^scale); x > 0 and no denormal. */
static inline nj_v nj_natural_logarithm(nj_v x, int32_t scale)
{
    static const float p[] = {-1.1514610310e-1f, 1.1676998740e-1f,  -1.2420140846e-1f, 1.4249322787e-1f,
                              -1.6668057665e-1f, 2.0000714765e-1f, -2.4999993993e-1f, 3.3333331174e-1f};
    nj_v exponent;
    nj_v m;

    nj_take_apart(x, scale, &exponent, &m);
    const nj_v f = nj_offset(m, -1.0f);
    const nj_v square = nj_mul(f, f);
    nj_v y = nj_fill(7.0376836292e-2f);
    for (uint32_t i = 0; i < sizeof(p) / sizeof(p[0]); i++)
        y = nj_offset(nj_mul(y, f), p[i]);
    y = nj_mul(nj_mul(y, f), square);
    y = nj_add(y, nj_scale(exponent, -2.12194440e-4f));
    y = nj_sub(y, nj_scale(square, 0.5f));
    return nj_add(nj_add(f, y), nj_scale(exponent, 0.693359375f));
}

#endif
