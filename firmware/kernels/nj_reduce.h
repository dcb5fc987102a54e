/* The walk of MEAN and SUM: which inputs each output adds up. Internal to the kernels.
 * SPDX-License-Identifier: MIT
 */
#ifndef NJ_REDUCE_H
#define NJ_REDUCE_H

#include <stdbool.h>

#include "nj_channel_sums.h"
#include "nj_requantize.h"

/* kept[d] counts the outputs along d, summed[d] the inputs that each of them adds up; `outputs` and `count` are their
 * products. */
struct nj_reduction {
    int32_t kept[4];
    int32_t summed[4];
    int32_t stride[4];
    int32_t outputs;
    int32_t count;
};

static inline struct nj_reduction nj_reduce_begin(const int32_t shape[4], const int32_t reduce[4])
{
    struct nj_reduction walk = {.stride = {0, 0, 0, 1}, .outputs = 1, .count = 1};
    for (int d = 3; d >= 0; d--) {
        if (d < 3) {
            walk.stride[d] = walk.stride[d + 1] * shape[d + 1];
        }
        walk.kept[d] = reduce[d] ? 1 : shape[d];
        walk.summed[d] = reduce[d] ? shape[d] : 1;
        walk.outputs *= walk.kept[d];
        walk.count *= walk.summed[d];
    }
    return walk;
}

/* The sum of `count` steps in a row. */
static inline int32_t nj_reduce_row(const int8_t *steps, int32_t count)
{
    int32_t acc = 0;
#if NJ_HELIUM
    for (int32_t i = 0; i < count; i += 16) {
        const mve_pred16_t lanes = vctp8q((uint32_t)(count - i));
        acc = vaddvaq_s8(acc, vldrbq_z_s8(steps + i, lanes));
    }
#else
    for (int32_t i = 0; i < count; i++) {
        acc += steps[i];
    }
#endif
    return acc;
}

/* The sum for output `o`. */
static inline int32_t nj_reduce_sum(const struct nj_reduction *walk, const int8_t *input, int32_t o)
{
    const int32_t *kept = walk->kept;
    const int32_t *summed = walk->summed;
    const int32_t *stride = walk->stride;
    const int32_t k3 = o % kept[3];
    const int32_t k2 = o / kept[3] % kept[2];
    const int32_t k1 = o / (kept[3] * kept[2]) % kept[1];
    const int32_t k0 = o / (kept[3] * kept[2] * kept[1]);
    const int8_t *base = input + k0 * stride[0] + k1 * stride[1] + k2 * stride[2] + k3;
    int32_t acc = 0;
    for (int32_t s0 = 0; s0 < summed[0]; s0++) {
        for (int32_t s1 = 0; s1 < summed[1]; s1++) {
            for (int32_t s2 = 0; s2 < summed[2]; s2++) {
                acc += nj_reduce_row(base + s0 * stride[0] + s1 * stride[1] + s2 * stride[2], summed[3]);
            }
        }
    }
    return acc;
}

/* What becomes of a sum of `count` steps; `op` is the kernel's own structure. */
typedef int8_t nj_reduce_step(const void *op, int32_t sum, int32_t count);

/* Every output in order, each from its sum. */
static inline void nj_reduce_each(const int32_t shape[4], const int32_t reduce[4], const int8_t *input, int8_t *output,
                                  nj_reduce_step *step, const void *op)
{
#if NJ_HELIUM
    if (!reduce[3] && (!reduce[0] || shape[0] == 1)) { /* channels stay and a batch is not reduced: a lane a channel */
        const int32_t channels = shape[3];
        const int32_t pitch = shape[2] * channels;
        const int32_t rows = reduce[1] ? shape[1] : 1;
        const int32_t columns = reduce[2] ? shape[2] : 1;
        for (int32_t y = 0; y < shape[0] * shape[1]; y += rows) {
            for (int32_t x = 0; x < shape[2]; x += columns) {
                const int8_t *corner = input + y * pitch + x * channels;
                for (int32_t c = 0; c < channels; c += NJ_SUM_LANES) {
                    int32_t acc[NJ_SUM_LANES];
                    const int32_t lanes = nj_clamp(channels - c, 0, NJ_SUM_LANES);
                    nj_channel_sums(corner + c, lanes, channels, columns, pitch, rows, acc);
                    for (int32_t i = 0; i < lanes; i++) {
                        *output++ = step(op, acc[i], rows * columns);
                    }
                }
            }
        }
        return;
    }
#endif
    const struct nj_reduction walk = nj_reduce_begin(shape, reduce);
    for (int32_t o = 0; o < walk.outputs; o++) {
        output[o] = step(op, nj_reduce_sum(&walk, input, o), walk.count);
    }
}

#endif
