/* The walk over two broadcast inputs, and the sum that ADD and SUB share. Internal to the kernels.
 * SPDX-License-Identifier: MIT
 */
#ifndef NJ_ELEMENTWISE_H
#define NJ_ELEMENTWISE_H

#include "nj_requantize.h"

/* One innermost row: `count` outputs, the inputs advancing by stride1 and stride2. */
typedef void nj_elementwise_row(const struct nj_elementwise *op, const int8_t *input1, int32_t stride1,
                                const int8_t *input2, int32_t stride2, int8_t *output, int32_t count);

static inline void nj_elementwise_walk(const struct nj_elementwise *op, const int8_t *input1, const int8_t *input2,
                                       int8_t *output, nj_elementwise_row *row)
{
    for (int32_t a = 0; a < op->shape[0]; a++) {
        for (int32_t b = 0; b < op->shape[1]; b++) {
            for (int32_t c = 0; c < op->shape[2]; c++, output += op->shape[3]) {
                row(op, input1 + a * op->stride1[0] + b * op->stride1[1] + c * op->stride1[2], op->stride1[3],
                    input2 + a * op->stride2[0] + b * op->stride2[1] + c * op->stride2[2], op->stride2[3], output,
                    op->shape[3]);
            }
        }
    }
}

/* An input of ADD or SUB on the scale of the sum. */
static inline int32_t nj_elementwise_scale(const struct nj_elementwise *op, int32_t step, int32_t zero_point,
                                           struct nj_requant scale)
{
    return nj_requantize(nj_shift_left(step - zero_point, op->left_shift), scale, op->rounding);
}

static inline int8_t nj_elementwise_finish(const struct nj_elementwise *op, int32_t acc)
{
    const int32_t scaled = nj_requantize(acc, op->output_requant, op->rounding);
    return (int8_t)nj_clamp(nj_add_wrapping(scaled, op->output_zero_point), op->activation_min, op->activation_max);
}

#endif
