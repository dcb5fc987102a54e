/* The natural logarithm, ours, so that its last bit is the same everywhere.
 *
 * x = 2^e m with m in [sqrt(1/2), sqrt(2)), by integer operations; f = m - 1;
 * ln x = ((e * B + f^3 P(f)) - f^2 / 2 + f) + e * A, with A + B = ln 2, A of 9 bits, so that e * A is exact.
 * P is the polynomial of Cephes' logf (Moshier); the error is below 2 ulp.
 * SPDX-License-Identifier: MIT
 */
#include "nj_frontend_stages.h"

static inline nj_v logarithm(nj_v x, int32_t scale)
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

void nj_logarithm(const struct nj_frontend *frontend, float *features, float peak, struct nj_range *range)
{
    const float relative = peak * frontend->log_floor;
    const nj_v floor = nj_fill(relative > frontend->log_least ? relative : frontend->log_least);
    uint32_t count = frontend->frames * nj_rows_stored(frontend);
    nj_v low;
    nj_v high;

    nj_range_start(range);
    low = nj_load(range->low);
    high = nj_load(range->high);
    while (count > 0u) {
        const uint32_t width = count < NJ_LANES ? count : NJ_LANES;
        float lanes[NJ_LANES];
        nj_v value;

        if (width == NJ_LANES) {
            value = nj_load(features);
        } else { /* the last lanes repeat a value that counts anyway */
            for (uint32_t lane = 0; lane < NJ_LANES; lane++)
                lanes[lane] = features[lane < width ? lane : 0u];
            value = nj_load(lanes);
        }
        value = logarithm(nj_max(value, floor), frontend->log_scale);
        low = nj_min(low, value);
        high = nj_max(high, value);
        if (width == NJ_LANES) {
            nj_store(features, value);
        } else {
            nj_store(lanes, value);
            memcpy(features, lanes, width * sizeof(float));
        }
        features += width;
        count -= width;
    }
    nj_store(range->low, low);
    nj_store(range->high, high);
}
