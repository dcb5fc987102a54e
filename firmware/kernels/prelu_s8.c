/* PRELU. SPDX-License-Identifier: MIT */
#include "nj_elementwise.h"

static void nj_prelu_row(const struct nj_elementwise *op, const int8_t *input1, int32_t stride1, const int8_t *input2,
                         int32_t stride2, int8_t *output, int32_t count)
{
    for (int32_t i = 0; i < count; i++) {
        const int32_t value = input1[i * stride1] - op->zero_point1;
        const int32_t alpha = input2[i * stride2] - op->zero_point2;
        const int32_t scaled = value >= 0 ? nj_requantize(value, op->requant1, op->rounding)
                                          : nj_requantize(value * alpha, op->output_requant, op->rounding);
        output[i] = (int8_t)nj_clamp(nj_add_wrapping(scaled, op->output_zero_point), INT8_MIN, INT8_MAX);
    }
}

void nj_prelu_s8(const struct nj_elementwise *op, const int8_t *input1, const int8_t *input2, int8_t *output)
{
    nj_elementwise_walk(op, input1, input2, output, nj_prelu_row);
}
