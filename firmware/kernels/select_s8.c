/* SELECT and SELECT_V2. SPDX-License-Identifier: MIT */
#include "nj_helium.h"
#include "nj_kernels.h"

#if NJ_HELIUM

static int8x16_t nj_select_load(const int8_t *input, int32_t stride, int32_t i, mve_pred16_t lanes)
{
    return stride == 1 ? vldrbq_z_s8(input + i, lanes) : vdupq_n_s8(input[0]);
}

static void nj_select_row(const int8_t *condition, const int8_t *input1, const int8_t *input2, const int32_t stride[3],
                          int8_t *output, int32_t count)
{
    for (int32_t i = 0; i < count; i += 16) {
        const mve_pred16_t lanes = vctp8q((uint32_t)(count - i));
        const mve_pred16_t first = vcmpneq_n_s8(nj_select_load(condition, stride[0], i, lanes), 0);
        const int8x16_t a = nj_select_load(input1, stride[1], i, lanes);
        vstrbq_p_s8(output + i, vpselq_s8(a, nj_select_load(input2, stride[2], i, lanes), first), lanes);
    }
}

#else

static void nj_select_row(const int8_t *condition, const int8_t *input1, const int8_t *input2, const int32_t stride[3],
                          int8_t *output, int32_t count)
{
    for (int32_t i = 0; i < count; i++) {
        output[i] = condition[i * stride[0]] != 0 ? input1[i * stride[1]] : input2[i * stride[2]];
    }
}

#endif

void nj_select_s8(const struct nj_select *op, const int8_t *condition, const int8_t *input1, const int8_t *input2,
                  int8_t *output)
{
    const int32_t inner[3] = {op->stride_condition[3], op->stride1[3], op->stride2[3]};
    for (int32_t a = 0; a < op->shape[0]; a++) {
        for (int32_t b = 0; b < op->shape[1]; b++) {
            for (int32_t c = 0; c < op->shape[2]; c++, output += op->shape[3]) {
                const int32_t *s0 = op->stride_condition;
                const int32_t *s1 = op->stride1;
                const int32_t *s2 = op->stride2;
                nj_select_row(condition + a * s0[0] + b * s0[1] + c * s0[2], input1 + a * s1[0] + b * s1[1] + c * s1[2],
                              input2 + a * s2[0] + b * s2[1] + c * s2[2], inner, output, op->shape[3]);
            }
        }
    }
}
