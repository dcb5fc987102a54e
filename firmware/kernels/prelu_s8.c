/* PRELU. SPDX-License-Identifier: MIT */
#include "nj_elementwise.h"

#if NJ_HELIUM

static void nj_prelu_row(const struct nj_elementwise *op, const int8_t *input1, int32_t stride1, const int8_t *input2,
                         int32_t stride2, int8_t *output, int32_t count)
{
    const struct nj_elementwise_x4 row = nj_elementwise_begin(op);
    for (int32_t i = 0; i < count; i += 4) {
        const mve_pred16_t lanes = vctp32q((uint32_t)(count - i));
        const int32x4_t value = nj_elementwise_load(input1, stride1, i, op->zero_point1, lanes);
        const int32x4_t alpha = nj_elementwise_load(input2, stride2, i, op->zero_point2, lanes);
        const int32x4_t positive = nj_requantize_x4(value, row.scale1, op->rounding);
        const int32x4_t negative = nj_requantize_x4(vmulq_s32(value, alpha), row.output, op->rounding);
        const int32x4_t scaled = vpselq_s32(positive, negative, vcmpgeq_n_s32(value, 0));
        const int32x4_t step = vaddq_n_s32(scaled, op->output_zero_point);
        vstrbq_p_s32(output + i, nj_clamp_x4(step, INT8_MIN, INT8_MAX), lanes);
    }
}

#else

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

#endif

void nj_prelu_s8(const struct nj_elementwise *op, const int8_t *input1, const int8_t *input2, int8_t *output)
{
    nj_elementwise_walk(op, input1, input2, output, nj_prelu_row);
}
