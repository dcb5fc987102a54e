/* ADD and SUB as a linear form. SPDX-License-Identifier: MIT */
#include "nj_helium.h"
#include "nj_requantize.h"

#if NJ_HELIUM

enum { NJ_TURN = 16 };

void nj_linear_sum_s8(const struct nj_linear_sum *op, const int8_t *input1, const int8_t *input2, int8_t *output,
                      size_t count)
{
    const int32x4_t factor1 = vdupq_n_s32(op->factor1);
    const int32x4_t min = vdupq_n_s32(op->activation_min);
    const int32x4_t max = vdupq_n_s32(op->activation_max);
    const int32_t factor2 = op->factor2;
    const int32_t offset = op->offset;
    const int32_t shift = -op->shift;
    for (size_t turns = count / NJ_TURN; turns > 0; turns--) {
        for (int i = 0; i < NJ_TURN; i += 4) {
            int32x4_t sum = vmlasq_n_s32(vldrbq_s32(input1 + i), factor1, offset);
            sum = vshlq_r_s32(vmlaq_n_s32(sum, vldrbq_s32(input2 + i), factor2), shift);
            vstrbq_s32(output + i, vminq_s32(vmaxq_s32(sum, min), max));
        }
        input1 += NJ_TURN;
        input2 += NJ_TURN;
        output += NJ_TURN;
    }
    for (int32_t left = (int32_t)(count % NJ_TURN); left > 0; left -= 4, input1 += 4, input2 += 4, output += 4) {
        const mve_pred16_t lanes = vctp32q((uint32_t)left);
        int32x4_t sum = vmlasq_n_s32(vldrbq_z_s32(input1, lanes), factor1, offset);
        sum = vshlq_r_s32(vmlaq_n_s32(sum, vldrbq_z_s32(input2, lanes), factor2), shift);
        vstrbq_p_s32(output, vminq_s32(vmaxq_s32(sum, min), max), lanes);
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
