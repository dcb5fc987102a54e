/* Per-channel energy normalization, of each chunk anew: what a band has above its own past.
 *
 * Several bands side by side, as NJ_LANES of them are; each runs through its frames in order, as M(t) needs M(t - 1).
 * No power is computed whose exponent is large, as the error of a logarithm would be multiplied by it:
 * (eps + M)^-0.98 is (eps + M)^0.02 / (eps + M), and the other power is a square root.
 * SPDX-License-Identifier: MIT
 */
#include "nj_exponential.h"
#include "nj_frontend_stages.h"
#include "nj_logarithm.h"

#define EPSILON 1e-6f
#define BIAS 2.0f
#define ROOT_OF_BIAS 0x1.6a09e6p0f
#define ONE_MINUS_GAIN 0.02f
#define GRID 0x1p-40f /* snapped by it, a number is a multiple of 2^-63 */
#define SILENCE 0x1p-100f

/* M(t), and what its last rounding lost: a fraction s of the difference would else vanish beside M. */
struct smooth {
    nj_v mean;
    nj_v lost;
};

static inline void follow(struct smooth *smooth, nj_v energy, float s)
{
    const nj_v far = nj_sub(nj_snap(energy, GRID), smooth->mean);
    const nj_v step = nj_add(nj_snap(nj_scale(far, s), GRID), smooth->lost);
    const nj_v next = nj_add(smooth->mean, step);

    smooth->lost = nj_sub(step, nj_sub(next, smooth->mean));
    smooth->mean = next;
}

/* (E / (eps + M)^0.98 + 2)^0.5 - 2^0.5, without the cancellation. */
static inline nj_v above(nj_v energy, nj_v mean)
{
    const nj_v past = nj_offset(mean, EPSILON);
    const nj_v slow = nj_exponential(nj_scale(nj_natural_logarithm(past, 0), ONE_MINUS_GAIN));
    const nj_v heard = nj_zero_under(energy, nj_scale(past, SILENCE)); /* else the quotient may be denormal */
    const nj_v x = nj_mul(nj_ratio(heard, past), slow);
    const nj_v y = nj_ratio(x, nj_offset(nj_root(nj_offset(x, BIAS)), ROOT_OF_BIAS));

    return nj_zero_below(y, SILENCE);
}

void nj_pcen(const struct nj_frontend *frontend, float *features, struct nj_range *range)
{
    const uint32_t frames = frontend->frames;
    const float factor = frontend->factor;
    const float s = frontend->smoothing;
    nj_v low;
    nj_v high;

    nj_range_start(range);
    low = nj_load(range->low);
    high = nj_load(range->high);
    for (uint32_t band = 0; band < frontend->bands; band += NJ_LANES) {
        uint32_t rows[NJ_LANES];
        for (uint32_t lane = 0; lane < NJ_LANES; lane++) /* the last lanes are the last band again */
            rows[lane] = frames * (band + lane < frontend->bands ? band + lane : frontend->bands - 1u);
        const nj_places places = nj_places_from(rows);
        struct smooth smooth = {nj_snap(nj_scale(nj_pick(features, places), factor), GRID), nj_fill(0.0f)};

        for (uint32_t frame = 0; frame < frames; frame++) {
            const nj_v energy = nj_scale(nj_pick(features + frame, places), factor);
            follow(&smooth, energy, s);
            const nj_v value = above(energy, smooth.mean);
            low = nj_min(low, value);
            high = nj_max(high, value);
            nj_put(features + frame, places, value);
        }
    }
    nj_store(range->low, low);
    nj_store(range->high, high);
}
