/* The part of a pooling window that lies inside the image. Internal to the kernels.
 * SPDX-License-Identifier: MIT
 */
#ifndef NJ_POOL_H
#define NJ_POOL_H

#include "nj_requantize.h"

struct nj_patch {
    int32_t top;
    int32_t bottom; /* one past the last row */
    int32_t left;
    int32_t right;
};

static inline struct nj_patch nj_pool_patch(const struct nj_pool *op, int32_t oy, int32_t ox)
{
    const int32_t row = oy * op->window.stride_height - op->window.pad_top;
    const int32_t column = ox * op->window.stride_width - op->window.pad_left;
    return (struct nj_patch){
        .top = nj_clamp(row, 0, op->input.height),
        .bottom = nj_clamp(row + op->window.height, 0, op->input.height),
        .left = nj_clamp(column, 0, op->input.width),
        .right = nj_clamp(column + op->window.width, 0, op->input.width),
    };
}

#endif
