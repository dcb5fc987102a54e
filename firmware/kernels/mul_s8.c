/* MUL. SPDX-License-Identifier: MIT */
#include "nj_elementwise.h"

#if NJ_HELIUM

static void nj_mul_row(const struct nj_elementwise *op, const int8_t *input1, int32_t stride1, const int8_t *input2,
                       int32_t stride2, int8_t *output, int32_t count)
{
    const struct nj_elementwise_x4 row = nj_elementwise_begin(op);
    for (int32_t i = 0; i < count; i += 4) {
        const mve_pred16_t lanes = vctp32q((uint32_t)(count - i));
        const int32x4_t a = nj_elementwise_load(input1, stride1, i, op->zero_point1, lanes);
        const int32x4_t b = nj_elementwise_load(input2, stride2, i, op->zero_point2, lanes);
        nj_elementwise_store(op, &row, vmulq_s32(a, b), output + i, lanes);
    }
}

#else

static void nj_mul_row(const struct nj_elementwise *op, const int8_t *input1, int32_t stride1, const int8_t *input2,
                       int32_t stride2, int8_t *output, int32_t count)
{
    for (int32_t i = 0; i < count; i++) {
        const int32_t a = input1[i * stride1] - op->zero_point1;
        const int32_t b = input2[i * stride2] - op->zero_point2;
        output[i] = nj_elementwise_finish(op, a * b);
    }
}

#endif

void nj_mul_s8(const struct nj_elementwise *op, const int8_t *input1, const int8_t *input2, int8_t *output)
{
    nj_elementwise_walk(op, input1, input2, output, nj_mul_row);
}
