/* The walk that REDUCE_MAX and REDUCE_MIN share. Internal to the kernels.
 *
 * A smallest step is the largest of the steps with all bits flipped, flipped back: `flip` is 0 for the largest and -1 for
 * the smallest.
 * SPDX-License-Identifier: MIT
 */
#ifndef NJ_REDUCE_EXTREME_H
#define NJ_REDUCE_EXTREME_H

#include "nj_reduce.h"

#if NJ_HELIUM

/* The extreme of `best` and `count` steps in a row. */
static inline int8_t nj_extreme_row(const int8_t *steps, int32_t count, int8_t flip, int8_t best)
{
    int8_t most = (int8_t)(best ^ flip);
    for (int32_t i = 0; i < count; i += 16) {
        const mve_pred16_t lanes = vctp8q((uint32_t)(count - i));
        most = vmaxvq_p_s8(most, veorq_s8(vldrbq_z_s8(steps + i, lanes), vdupq_n_s8(flip)), lanes);
    }
    return (int8_t)(most ^ flip);
}

#else

static inline int8_t nj_extreme_row(const int8_t *steps, int32_t count, int8_t flip, int8_t best)
{
    for (int32_t i = 0; i < count; i++) {
        best = (steps[i] ^ flip) > (best ^ flip) ? steps[i] : best;
    }
    return best;
}

#endif

/* The extreme of what one output takes in, from `base` on. */
static inline int8_t nj_extreme_of(const struct nj_reduction *walk, const int8_t *base, int8_t flip)
{
    int8_t best = (int8_t)(INT8_MIN ^ flip);
    for (int32_t s0 = 0; s0 < walk->summed[0]; s0++) {
        for (int32_t s1 = 0; s1 < walk->summed[1]; s1++) {
            for (int32_t s2 = 0; s2 < walk->summed[2]; s2++) {
                const int8_t *row = base + s0 * walk->stride[0] + s1 * walk->stride[1] + s2 * walk->stride[2];
                best = nj_extreme_row(row, walk->summed[3], flip, best);
            }
        }
    }
    return best;
}

#if NJ_HELIUM

/* The extremes of `channels` neighbours, of which each place that is taken in has as many: a lane a channel. */
static inline void nj_extreme_channels(const struct nj_reduction *walk, const int8_t *base, int32_t channels, int8_t flip,
                                       int8_t *output)
{
    const int8x16_t flips = vdupq_n_s8(flip);
    for (int32_t c = 0; c < channels; c += 16) {
        const mve_pred16_t lanes = vctp8q((uint32_t)(channels - c));
        int8x16_t most = vdupq_n_s8(INT8_MIN);
        for (int32_t s0 = 0; s0 < walk->summed[0]; s0++) {
            for (int32_t s1 = 0; s1 < walk->summed[1]; s1++) {
                const int8_t *place = base + s0 * walk->stride[0] + s1 * walk->stride[1] + c;
                for (int32_t s2 = 0; s2 < walk->summed[2]; s2++, place += walk->stride[2]) {
                    most = vmaxq_s8(most, veorq_s8(vldrbq_z_s8(place, lanes), flips));
                }
            }
        }
        vstrbq_p_s8(output + c, veorq_s8(most, flips), lanes);
    }
}

#endif

/* Every output in order. */
static inline void nj_reduce_extreme(const struct nj_reduce *op, const int8_t *input, int8_t *output, int8_t flip)
{
    const struct nj_reduction walk = nj_reduce_begin(op->shape, op->reduce);
    for (int32_t k0 = 0; k0 < walk.kept[0]; k0++) {
        for (int32_t k1 = 0; k1 < walk.kept[1]; k1++) {
            for (int32_t k2 = 0; k2 < walk.kept[2]; k2++) {
                const int8_t *base = input + k0 * walk.stride[0] + k1 * walk.stride[1] + k2 * walk.stride[2];
#if NJ_HELIUM
                if (!op->reduce[3]) {
                    nj_extreme_channels(&walk, base, op->shape[3], flip, output);
                    output += op->shape[3];
                    continue;
                }
#endif
                for (int32_t k3 = 0; k3 < walk.kept[3]; k3++) {
                    *output++ = nj_extreme_of(&walk, base + k3, flip);
                }
            }
        }
    }
}

#endif
