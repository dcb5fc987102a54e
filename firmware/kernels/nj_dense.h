/* The inner loop of every dense layer: two patches against four output channels at a time. Internal to the kernels;
 * Helium only. SPDX-License-Identifier: MIT
 */
#ifndef NJ_DENSE_H
#define NJ_DENSE_H

#include "nj_helium.h"

#if NJ_HELIUM

enum { NJ_DENSE_BLOCKS = 8 }; /* blocks of 16 steps that one turn of the unrolled loop takes */

/* nj_dense.c's assembly reads the fields by their offsets. */
struct nj_dense {
    const int8_t *x0; /* two patches; what follows their end within 16 bytes is read, and multiplied by 0 */
    const int8_t *x1;
    int32_t turns; /* of the unrolled loop, */
    int32_t first; /* and the blocks of the first one, 1 to 8; the others take all 8 */
    const int8_t *weights;
    const int32_t *requant;
    const int32_t *end; /* of requant: where to stop */
    int8_t *y;
    int32_t zero_point;
    int32_t min;
    int32_t max;
    uint16_t place[8]; /* from y: channel 0 of patch 0, channel 0 of patch 1, channel 1 of patch 0 ... */
    int32_t pairs; /* of patches, */
    int32_t step; /* bytes from one pair to the next, */
    int32_t back; /* and bytes in y from the end of one pair's groups to the next */
};

/* For each pair of patches and each group of 4 channels: y = clamp(zero_point + requantize(bias + sum(weight * x))), shifts <= 0. */
void nj_dense_half_up(const struct nj_dense *op); /* right where min >= zero_point: negative results are clamped */
void nj_dense_half_away(const struct nj_dense *op); /* right where all shifts are negative */

#endif
#endif
