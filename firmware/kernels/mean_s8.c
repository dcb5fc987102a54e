/* MEAN and SUM. SPDX-License-Identifier: MIT */
#include "nj_reduce.h"

static int8_t nj_mean_step(const void *mean, int32_t sum, int32_t count)
{
    const struct nj_mean *op = mean;
    const int32_t scaled = nj_requantize(sum - op->input_zero_point * count, op->requant, op->rounding);
    return (int8_t)nj_clamp(nj_add_wrapping(scaled, op->output_zero_point), INT8_MIN, INT8_MAX);
}

void nj_mean_s8(const struct nj_mean *op, const int8_t *input, int8_t *output)
{
    nj_reduce_each(op->shape, op->reduce, input, output, nj_mean_step, op);
}
