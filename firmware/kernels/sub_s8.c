/* SUB. SPDX-License-Identifier: MIT */
#include "nj_elementwise.h"

static void nj_sub_row(const struct nj_elementwise *op, const int8_t *input1, int32_t stride1, const int8_t *input2,
                       int32_t stride2, int8_t *output, int32_t count)
{
    for (int32_t i = 0; i < count; i++) {
        const int32_t a = nj_elementwise_scale(op, input1[i * stride1], op->zero_point1, op->requant1);
        const int32_t b = nj_elementwise_scale(op, input2[i * stride2], op->zero_point2, op->requant2);
        output[i] = nj_elementwise_finish(op, nj_subtract_wrapping(a, b));
    }
}

void nj_sub_s8(const struct nj_elementwise *op, const int8_t *input1, const int8_t *input2, int8_t *output)
{
    nj_elementwise_walk(op, input1, input2, output, nj_sub_row);
}
