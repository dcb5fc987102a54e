/* ADD. SPDX-License-Identifier: MIT */
#include "nj_elementwise.h"
#include "nj_helium.h"

#if NJ_HELIUM

static int32x4_t nj_add_load(const int8_t *input, int32_t stride, int32_t i, mve_pred16_t lanes)
{
    return stride == 1 ? vldrbq_z_s32(input + i, lanes) : vdupq_n_s32(input[0]);
}

static int32x4_t nj_add_scale(const struct nj_elementwise *op, int32x4_t steps, int32_t zero_point,
                              struct nj_requant_x4 scale)
{
    return nj_requantize_x4(vshlq_r_s32(vsubq_n_s32(steps, zero_point), op->left_shift), scale, op->rounding);
}

/* The innermost stride of a broadcast is 0 or 1. */
static void nj_add_row(const struct nj_elementwise *op, const int8_t *input1, int32_t stride1, const int8_t *input2,
                       int32_t stride2, int8_t *output, int32_t count)
{
    const struct nj_requant_x4 scale1 = nj_requant_repeat(op->requant1);
    const struct nj_requant_x4 scale2 = nj_requant_repeat(op->requant2);
    const struct nj_requant_x4 output_scale = nj_requant_repeat(op->output_requant);
    for (int32_t i = 0; i < count; i += 4) {
        const mve_pred16_t lanes = vctp32q((uint32_t)(count - i));
        const int32x4_t a = nj_add_scale(op, nj_add_load(input1, stride1, i, lanes), op->zero_point1, scale1);
        const int32x4_t b = nj_add_scale(op, nj_add_load(input2, stride2, i, lanes), op->zero_point2, scale2);
        const int32x4_t sum = nj_requantize_x4(vaddq_s32(a, b), output_scale, op->rounding);
        const int32x4_t steps =
            nj_clamp_x4(vaddq_n_s32(sum, op->output_zero_point), op->activation_min, op->activation_max);
        vstrbq_p_s32(output + i, steps, lanes);
    }
}

#else

static void nj_add_row(const struct nj_elementwise *op, const int8_t *input1, int32_t stride1, const int8_t *input2,
                       int32_t stride2, int8_t *output, int32_t count)
{
    for (int32_t i = 0; i < count; i++) {
        const int32_t a = nj_elementwise_scale(op, input1[i * stride1], op->zero_point1, op->requant1);
        const int32_t b = nj_elementwise_scale(op, input2[i * stride2], op->zero_point2, op->requant2);
        output[i] = nj_elementwise_finish(op, nj_add_wrapping(a, b));
    }
}

#endif

void nj_add_s8(const struct nj_elementwise *op, const int8_t *input1, const int8_t *input2, int8_t *output)
{
    nj_elementwise_walk(op, input1, input2, output, nj_add_row);
}
