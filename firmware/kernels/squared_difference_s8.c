/* SQUARED_DIFFERENCE. SPDX-License-Identifier: MIT */
#include "nj_elementwise.h"

#if NJ_HELIUM

static void nj_squared_difference_row(const struct nj_elementwise *op, const int8_t *input1, int32_t stride1,
                                      const int8_t *input2, int32_t stride2, int8_t *output, int32_t count)
{
    const struct nj_elementwise_x4 row = nj_elementwise_begin(op);
    for (int32_t i = 0; i < count; i += 4) {
        const mve_pred16_t lanes = vctp32q((uint32_t)(count - i));
        const int32x4_t a = nj_elementwise_load(input1, stride1, i, op->zero_point1, lanes);
        const int32x4_t b = nj_elementwise_load(input2, stride2, i, op->zero_point2, lanes);
        const int32x4_t difference = vsubq_s32(nj_elementwise_scale_x4(op, a, row.scale1),
                                               nj_elementwise_scale_x4(op, b, row.scale2));
        nj_elementwise_store(op, &row, vmulq_s32(difference, difference), output + i, lanes);
    }
}

#else

static void nj_squared_difference_row(const struct nj_elementwise *op, const int8_t *input1, int32_t stride1,
                                      const int8_t *input2, int32_t stride2, int8_t *output, int32_t count)
{
    for (int32_t i = 0; i < count; i++) {
        const int32_t a = nj_elementwise_scale(op, input1[i * stride1], op->zero_point1, op->requant1);
        const int32_t b = nj_elementwise_scale(op, input2[i * stride2], op->zero_point2, op->requant2);
        output[i] = nj_elementwise_finish(op, (a - b) * (a - b));
    }
}

#endif

void nj_squared_difference_s8(const struct nj_elementwise *op, const int8_t *input1, const int8_t *input2, int8_t *output)
{
    nj_elementwise_walk(op, input1, input2, output, nj_squared_difference_row);
}
