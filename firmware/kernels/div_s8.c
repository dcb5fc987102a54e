/* DIV. SPDX-License-Identifier: MIT */
#include "nj_helium.h"
#include "nj_requantize.h"

#if NJ_HELIUM

static int32x4_t nj_div_load(const int8_t *input, int32_t stride, int32_t i, mve_pred16_t lanes)
{
    return stride == 1 ? vldrbq_z_s32(input + i, lanes) : vdupq_n_s32(input[0]);
}

static void nj_div_row(const struct nj_div *op, const int8_t *input1, const int8_t *input2, int8_t *output)
{
    const struct nj_requant *const reciprocals = op->reciprocals;
    for (int32_t i = 0; i < op->shape[3]; i += 4) {
        const mve_pred16_t lanes = vctp32q((uint32_t)(op->shape[3] - i));
        const int32x4_t divisor = nj_div_load(input2, op->stride2[3], i, lanes);
        const uint32x4_t place = vshlq_n_u32(vreinterpretq_u32_s32(vaddq_n_s32(divisor, 128)), 3);
        const int32x4_t reciprocal = vldrwq_gather_offset_z_s32(&reciprocals->multiplier, place, lanes);
        const int32x4_t shift = vldrwq_gather_offset_z_s32(&reciprocals->shift, place, lanes);
        int32x4_t value = vsubq_n_s32(nj_div_load(input1, op->stride1[3], i, lanes), op->zero_point1);
        value = vnegq_m_s32(value, value, vcmpltq_n_s32(divisor, op->zero_point2));
        const int32x4_t room = vclsq_s32(value);
        const int32x4_t quotient = vqrdmulhq_s32(vshlq_s32(value, room), reciprocal);
        const int32x4_t high = vqrdmulhq_n_s32(quotient, op->multiplier);
        const int32x4_t right = vsubq_s32(shift, room);
        const int32x4_t less = vshrq_n_s32(vandq_s32(high, right), 31); /* halves go away from zero */
        const int32x4_t step = vaddq_n_s32(vrshlq_s32(vqaddq_s32(high, less), right), op->output_zero_point);
        vstrbq_p_s32(output + i, nj_clamp_x4(step, op->activation_min, op->activation_max), lanes);
    }
}

#else

static int8_t nj_div_one(const struct nj_div *op, int32_t dividend, int32_t divisor)
{
    const struct nj_requant reciprocal = op->reciprocals[divisor + 128];
    int32_t value = dividend - op->zero_point1;
    int32_t quotient = 0;
    if (divisor < op->zero_point2) {
        value = -value;
    }
    if (value != 0) {
        const int32_t room = __builtin_clrsb(value);
        const int32_t high = nj_multiply_high(nj_shift_left(value, room), reciprocal.multiplier);
        quotient = nj_divide_by_power(nj_multiply_high(high, op->multiplier), room - reciprocal.shift);
    }
    return (int8_t)nj_clamp(nj_add_wrapping(quotient, op->output_zero_point), op->activation_min, op->activation_max);
}

static void nj_div_row(const struct nj_div *op, const int8_t *input1, const int8_t *input2, int8_t *output)
{
    for (int32_t i = 0; i < op->shape[3]; i++) {
        output[i] = nj_div_one(op, input1[i * op->stride1[3]], input2[i * op->stride2[3]]);
    }
}

#endif

void nj_div_s8(const struct nj_div *op, const int8_t *input1, const int8_t *input2, int8_t *output)
{
    const int32_t *const s1 = op->stride1;
    const int32_t *const s2 = op->stride2;
    for (int32_t a = 0; a < op->shape[0]; a++) {
        for (int32_t b = 0; b < op->shape[1]; b++) {
            for (int32_t c = 0; c < op->shape[2]; c++, output += op->shape[3]) {
                nj_div_row(op, input1 + a * s1[0] + b * s1[1] + c * s1[2], input2 + a * s2[0] + b * s2[1] + c * s2[2],
                           output);
            }
        }
    }
}
