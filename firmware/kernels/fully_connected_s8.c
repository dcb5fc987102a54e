/* FULLY_CONNECTED. SPDX-License-Identifier: MIT */
#include "nj_helium.h"
#include "nj_requantize.h"

/* What the zero point of the weights takes off every sum of a row. */
static int32_t nj_fully_connected_less(const struct nj_fully_connected *op, const int8_t *input)
{
    int32_t sum = 0;
    for (int32_t i = 0; op->weights_zero_point != 0 && i < op->inputs; i++) {
        sum += input[i];
    }
    return sum * op->weights_zero_point;
}

#if NJ_HELIUM

/* The double product has no vector form; the core's scalar unit takes it, 4 lanes one by one. */
static int32x4_t nj_requantize_real_x4(int32x4_t acc, const double *scale, int32_t count)
{
    int32_t lane[4];
    vst1q_s32(lane, acc);
    for (int32_t i = 0; i < 4 && i < count; i++) {
        lane[i] = nj_requantize_real(lane[i], scale[i]);
    }
    return vld1q_s32(lane);
}

void nj_fully_connected_s8(const struct nj_fully_connected *op, const int8_t *input, int8_t *output)
{
    for (int32_t batch = 0; batch < op->batches; batch++, input += op->inputs, output += op->outputs) {
        const int32_t less = nj_fully_connected_less(op, input);
        for (int32_t o = 0; o < op->outputs; o += 4) {
            const int32_t count = op->outputs - o;
            const mve_pred16_t lanes = vctp32q((uint32_t)count);
            const struct nj_rows rows = nj_rows_of(op->weights + o * op->inputs, op->inputs, count);
            const int32x4_t begin = vsubq_n_s32(vldrwq_z_s32(op->bias + o, lanes), less);
            const int32x4_t acc = nj_dot_x4(begin, input, rows, op->inputs);
            const int32x4_t scaled =
                op->rounding == NJ_ROUND_REAL
                    ? nj_requantize_real_x4(acc, op->scale + o, count)
                    : nj_requantize_x4(acc, nj_requant_load(op->requant + o, lanes), op->rounding);
            const int32x4_t steps =
                nj_clamp_x4(vaddq_n_s32(scaled, op->output_zero_point), op->activation_min, op->activation_max);
            vstrbq_p_s32(output + o, steps, lanes);
        }
    }
}

#else

void nj_fully_connected_s8(const struct nj_fully_connected *op, const int8_t *input, int8_t *output)
{
    for (int32_t batch = 0; batch < op->batches; batch++, input += op->inputs) {
        const int32_t less = nj_fully_connected_less(op, input);
        for (int32_t o = 0; o < op->outputs; o++) {
            const int8_t *weights = op->weights + o * op->inputs;
            int32_t acc = nj_subtract_wrapping(op->bias[o], less);
            for (int32_t i = 0; i < op->inputs; i++) {
                acc = nj_add_wrapping(acc, weights[i] * input[i]);
            }
            const int32_t scaled = op->rounding == NJ_ROUND_REAL ? nj_requantize_real(acc, op->scale[o])
                                                                 : nj_requantize(acc, op->requant[o], op->rounding);
            *output++ = (int8_t)nj_clamp(nj_add_wrapping(scaled, op->output_zero_point), op->activation_min,
                                         op->activation_max);
        }
    }
}

#endif
