/* SUM. SPDX-License-Identifier: MIT */
#include "nj_reduce.h"

static int32_t nj_sum_scaled(const struct nj_sum *op, int32_t sum, int32_t count)
{
    const int32_t scaled = nj_requantize(sum - op->input_zero_point * count, op->requant, op->rounding);
    return nj_add_wrapping(scaled, op->output_zero_point);
}

static int8_t nj_sum_step(const void *op, int32_t sum, int32_t count)
{
    return (int8_t)nj_clamp(nj_sum_scaled(op, sum, count), INT8_MIN, INT8_MAX);
}

static int8_t nj_sum_unsigned_step(const void *op, int32_t sum, int32_t count)
{
    const int32_t byte = nj_clamp(nj_sum_scaled(op, sum, count), 0, UINT8_MAX);
    return (int8_t)(byte > INT8_MAX ? byte - 256 : byte);
}

void nj_sum_s8(const struct nj_sum *op, const int8_t *input, int8_t *output)
{
    if (op->unsigned_steps) {
        nj_reduce_each(op->shape, op->reduce, input, output, UINT8_MAX, nj_sum_unsigned_step, op);
    } else {
        nj_reduce_each(op->shape, op->reduce, input, output, -1, nj_sum_step, op);
    }
}
