/* Compression log, and log1p. SPDX-License-Identifier: MIT */
#include "nj_logarithm.h"

#include "nj_frontend_stages.h"

/* ln of max(value, floor), or with `one_more` ln(1 + factor * max(value, floor)). */
static inline void each(const struct nj_frontend *frontend, float *features, nj_v floor, int one_more,
                        struct nj_range *range)
{
    const float factor = frontend->factor;
    const int32_t scale = frontend->log_scale;
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
        value = nj_max(value, floor);
        if (one_more != 0)
            value = nj_offset(nj_scale(value, factor), 1.0f);
        value = nj_natural_logarithm(value, scale);
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

void nj_logarithm(const struct nj_frontend *frontend, float *features, float peak, struct nj_range *range)
{
    const float relative = peak * frontend->log_floor;

    each(frontend, features, nj_fill(relative > frontend->log_least ? relative : frontend->log_least), 0, range);
}

void nj_log1p(const struct nj_frontend *frontend, float *features, struct nj_range *range)
{
    each(frontend, features, nj_fill(frontend->log_least), 1, range);
}
