/* The walk that MEAN and SUM share: which inputs each output adds up.
 * SPDX-License-Identifier: MIT
 */
#ifndef NJ_REDUCE_H
#define NJ_REDUCE_H

#include <stdint.h>

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

/* The sum for output `o`, of the steps as they are or (`mask` 0xff) of their bits read as uint8. */
static inline int32_t nj_reduce_sum(const struct nj_reduction *walk, const int8_t *input, int32_t o, int32_t mask)
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
                for (int32_t s3 = 0; s3 < summed[3]; s3++) {
                    acc += base[s0 * stride[0] + s1 * stride[1] + s2 * stride[2] + s3] & mask;
                }
            }
        }
    }
    return acc;
}

#endif
