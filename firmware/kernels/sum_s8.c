/* SUM. SPDX-License-Identifier: MIT */
#include "nj_reduce.h"
#include "nj_requantize.h"

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
    const struct nj_reduction walk = nj_reduce_begin(op->shape, op->reduce);
    const int32_t mask = op->unsigned_steps ? UINT8_MAX : -1;
    for (int32_t o = 0; o < walk.outputs; o++) {
        output[o] = nj_sum_step(op, nj_reduce_sum(&walk, input, o, mask) - op->input_zero_point * walk.count);
    }
}
