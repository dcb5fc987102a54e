/* ADD and SUB as a linear form. SPDX-License-Identifier: MIT */
#include "nj_helium.h"
#include "nj_requantize.h"

#if NJ_HELIUM

enum { NJ_TURN = 16 };

static inline int32x4_t nj_linear_x4(const struct nj_linear_sum *op, int32x4_t a, int32x4_t b, int32x4_t factor1)
{
    const int32x4_t sum = vmlaq_n_s32(vmlasq_n_s32(a, factor1, op->offset), b, op->factor2);
    return nj_clamp_x4(vshlq_r_s32(sum, -op->shift), op->activation_min, op->activation_max);
}

void nj_linear_sum_s8(const struct nj_linear_sum *op, const int8_t *input1, const int8_t *input2, int8_t *output,
                      size_t count)
{
    const int32x4_t factor1 = vdupq_n_s32(op->factor1);
    const struct nj_linear_sum local = *op;
    for (; count >= NJ_TURN; count -= NJ_TURN, input1 += NJ_TURN, input2 += NJ_TURN, output += NJ_TURN) {
        for (int i = 0; i < NJ_TURN; i += 4) {
            vstrbq_s32(output + i, nj_linear_x4(&local, vldrbq_s32(input1 + i), vldrbq_s32(input2 + i), factor1));
        }
    }
    for (size_t i = 0; i < count; i += 4) {
        const mve_pred16_t lanes = vctp32q((uint32_t)(count - i));
        const int32x4_t a = vldrbq_z_s32(input1 + i, lanes);
        const int32x4_t b = vldrbq_z_s32(input2 + i, lanes);
        vstrbq_p_s32(output + i, nj_linear_x4(&local, a, b, factor1), lanes);
    }
}

#else

void nj_linear_sum_s8(const struct nj_linear_sum *op, const int8_t *input1, const int8_t *input2, int8_t *output,
                      size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const int32_t sum = op->factor1 * input1[i] + op->factor2 * input2[i] + op->offset;
        output[i] = (int8_t)nj_clamp(sum >> op->shift, op->activation_min, op->activation_max);
    }
}

#endif
