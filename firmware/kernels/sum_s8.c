/* SUM. SPDX-License-Identifier: MIT */
#include "nj_requantize.h"

static int32_t nj_sum_value(const struct nj_sum *op, int8_t step)
{
    return op->unsigned_steps ? (int32_t)(uint8_t)step : (int32_t)step;
}

static int8_t nj_sum_step(const struct nj_sum *op, int32_t sum)
{
    const int32_t scaled = nj_add_wrapping(nj_requantize(sum, op->requant, op->rounding), op->output_zero_point);
    if (op->unsigned_steps) {
        const int32_t byte = nj_clamp(scaled, 0, UINT8_MAX);
        return (int8_t)(byte > INT8_MAX ? byte - 256 : byte);
    }
    return (int8_t)nj_clamp(scaled, INT8_MIN, INT8_MAX);
}

void nj_sum_s8(const struct nj_sum *op, const int8_t *input, int8_t *output)
{
    /* kept[d] counts the outputs along d, summed[d] the inputs that each of them adds up. */
    int32_t kept[4];
    int32_t summed[4];
    int32_t stride[4] = {0, 0, 0, 1};
    int32_t count = 1;
    for (int d = 3; d >= 0; d--) {
        if (d < 3) {
            stride[d] = stride[d + 1] * op->shape[d + 1];
        }
        kept[d] = op->reduce[d] ? 1 : op->shape[d];
        summed[d] = op->reduce[d] ? op->shape[d] : 1;
        count *= summed[d];
    }
    const int32_t outputs = kept[0] * kept[1] * kept[2] * kept[3];
    for (int32_t o = 0; o < outputs; o++) {
        const int32_t k3 = o % kept[3];
        const int32_t k2 = o / kept[3] % kept[2];
        const int32_t k1 = o / (kept[3] * kept[2]) % kept[1];
        const int32_t k0 = o / (kept[3] * kept[2] * kept[1]);
        const int8_t *base = input + k0 * stride[0] + k1 * stride[1] + k2 * stride[2] + k3;
        int32_t acc = -op->input_zero_point * count;
        for (int32_t s0 = 0; s0 < summed[0]; s0++) {
            for (int32_t s1 = 0; s1 < summed[1]; s1++) {
                for (int32_t s2 = 0; s2 < summed[2]; s2++) {
                    for (int32_t s3 = 0; s3 < summed[3]; s3++) {
                        acc += nj_sum_value(op, base[s0 * stride[0] + s1 * stride[1] + s2 * stride[2] + s3]);
                    }
                }
            }
        }
        output[o] = nj_sum_step(op, acc);
    }
}
