/* The inner loop of every dense layer: two patches against four output channels at a time. Internal to the kernels;
 * Helium only. SPDX-License-Identifier: MIT
 */
#ifndef NJ_DENSE_H
#define NJ_DENSE_H

#include "nj_helium.h"

#if NJ_HELIUM

enum { NJ_DENSE_BLOCKS = 8, NJ_DENSE_BLOCK_CODE = 56 }; /* blocks of 16 steps in the unrolled loop; bytes of code of each */

/* A stretch of both patches that lies in one piece, of 1 to 8 blocks: nj_dense.c's assembly loads the three words at once
 * and is where it works on them. What follows a stretch within 16 bytes is read, and multiplied by 0. */
struct nj_turn {
    const int8_t *x0;
    const int8_t *x1;
    const uint8_t *enter; /* nj_dense_enter */
};

/* nj_dense.c's assembly reads the fields by their offsets. */
struct nj_dense {
    struct nj_turn *turn; /* [turns], and one of 0 blocks behind them, whose x0 is `end`; the patches are moved along in it */
    const int32_t *step; /* [turns]: bytes from one pair of patches to the next */
    int32_t turns;
    const int8_t *weights;
    const int8_t *requant;
    const int8_t *end; /* of requant: where to stop */
    int8_t *y;
    int32_t zero_point;
    int32_t min;
    int32_t max;
    uint16_t place[8]; /* from y: channel 0 of patch 0, channel 0 of patch 1, channel 1 of patch 0 ... */
    int32_t pairs; /* of patches, */
    int32_t back; /* and bytes in y from the end of one pair's groups to the next */
    const int8_t *x; /* what follows is read by the loops of one block alone: the first patch, */
    int32_t next; /* and bytes in y from one pair to the next */
};

/* For each pair of patches and each group of 4 channels: y = clamp(zero_point + requantize(bias + sum(weight * x))), shifts <= 0. */
void nj_dense_relu(const struct nj_dense *op); /* right where zero_point and min are -128 and max is 127 */
void nj_dense_clamped(const struct nj_dense *op); /* right where all shifts are negative */

/* The same of patches of one block, 8 or 16 bytes from one to the next: neither turns nor steps count. */
void nj_dense_block8_relu(const struct nj_dense *op);
void nj_dense_block8_clamped(const struct nj_dense *op);
void nj_dense_block16_relu(const struct nj_dense *op);
void nj_dense_block16_clamped(const struct nj_dense *op);

/* Where the unrolled loop of each begins. */
extern const uint8_t nj_dense_relu_blocks[];
extern const uint8_t nj_dense_clamped_blocks[];

/* Where a turn of `blocks` blocks enters the loop that begins at `code`; 0 leaves it. */
static inline const uint8_t *nj_dense_enter(const uint8_t *code, int32_t blocks)
{
    const int32_t skipped = NJ_DENSE_BLOCK_CODE * (NJ_DENSE_BLOCKS - blocks);
    return code + skipped + (blocks == 0 ? 4 : 0) + 1; /* behind the instruction that ends a turn; Thumb */
}

#endif
#endif
