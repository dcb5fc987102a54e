/* A tensor of dense elements as rows along one of its axes.
 * SPDX-License-Identifier: MIT
 */
#ifndef NJ_NPU_ROWS_H
#define NJ_NPU_ROWS_H

#include "nj_npu_tensor.h"

/* Row r has `count` elements, the first at nj_npu_row(rows, r), then every `step`. */
struct nj_npu_rows {
    uint32_t rows;
    uint32_t count;
    uint32_t step;
};

/* Axes count as in N, C, H, W; memory holds N, H, W, C. */
static inline struct nj_npu_rows nj_npu_rows_of(const Tensor_info *tensor, int axis,
                                                const char *who)
{
    const Tensor_dim_info *dim = &tensor->dim;
    uint64_t all = (uint64_t)dim->tensor_b * dim->tensor_h * dim->tensor_w;
    struct nj_npu_rows rows = {.step = 1};
    if (axis < 0) {
        axis += 4;
    }
    switch (axis) {
    case 1:
        rows.count = dim->tensor_c;
        break;
    case 2:
        rows.count = dim->tensor_h;
        rows.step = dim->tensor_w * dim->tensor_c;
        break;
    case 3:
        rows.count = dim->tensor_w;
        rows.step = dim->tensor_c;
        break;
    default:
        nj_npu_refuse_call(who, "axis", axis);
    }
    if (rows.count == 0 || all > UINT32_MAX || all * dim->tensor_c != dim->num_elem) {
        nj_npu_refuse_call(who, "num_elem", dim->num_elem);
    }
    rows.rows = dim->num_elem / rows.count;
    return rows;
}

static inline size_t nj_npu_row(struct nj_npu_rows rows, uint32_t row)
{
    return (size_t)(row / rows.step) * rows.step * rows.count + row % rows.step;
}

#endif
