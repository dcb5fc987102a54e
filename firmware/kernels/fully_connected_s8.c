/* FULLY_CONNECTED. SPDX-License-Identifier: MIT */
#include "nj_requantize.h"

void nj_fully_connected_s8(const struct nj_fully_connected *op, const int8_t *input, int8_t *output)
{
    for (int32_t batch = 0; batch < op->batches; batch++, input += op->inputs) {
        for (int32_t o = 0; o < op->outputs; o++) {
            const int8_t *weights = op->weights + o * op->inputs;
            int32_t acc = op->bias[o];
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
