/* SOFTMAX, in the fixed point of nj_fixed_point.h. SPDX-License-Identifier: MIT */
#include "nj_fixed_point.h"

/* exp(beta * (step - largest)) in Q0. */
static int32_t nj_softmax_exp(const struct nj_softmax *op, int32_t difference)
{
    return nj_exp_negative(nj_requantize_double(difference, op->input_requant));
}

static void nj_softmax_row(const struct nj_softmax *op, const int8_t *input, int8_t *output)
{
    int32_t largest = INT8_MIN;
    for (int32_t i = 0; i < op->depth; i++) {
        largest = input[i] > largest ? input[i] : largest;
    }
    int32_t sum = 0;
    for (int32_t i = 0; i < op->depth; i++) {
        const int32_t difference = input[i] - largest;
        if (difference >= op->difference_min) {
            sum = nj_add_wrapping(sum, nj_divide_by_power(nj_softmax_exp(op, difference), NJ_SUM_BITS));
        }
    }
    /* sum = (1 + x) * 2^over, x in [0, 1) */
    const int32_t zeros = nj_leading_zeros((uint32_t)sum);
    const int32_t over = NJ_SUM_BITS - zeros;
    const int32_t scale = nj_reciprocal((int32_t)(((uint32_t)sum << zeros) - (1U << 31)));
    for (int32_t i = 0; i < op->depth; i++) {
        const int32_t difference = input[i] - largest;
        int32_t step = INT8_MIN;
        if (difference >= op->difference_min) {
            const int32_t share = nj_multiply_high(scale, nj_softmax_exp(op, difference));
            step = nj_clamp(nj_divide_by_power(share, over + 31 - 8) + INT8_MIN, INT8_MIN, INT8_MAX);
        }
        output[i] = (int8_t)step;
    }
}

void nj_softmax_s8(const struct nj_softmax *op, const int8_t *input, int8_t *output)
{
    for (int32_t row = 0; row < op->rows; row++) {
        nj_softmax_row(op, input + row * op->depth, output + row * op->depth);
    }
}
