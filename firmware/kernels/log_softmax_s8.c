/* LOG_SOFTMAX, in the fixed point of nj_fixed_point.h. SPDX-License-Identifier: MIT */
#include "nj_fixed_point.h"

enum { NJ_LOG_BITS = NJ_DIFFERENCE_BITS + 1, NJ_OUTPUT_BITS = 4, NJ_HIGHEST = INT8_MAX };

/* z = r * 2^power with r about 1: `power` in Q6, less or more a quarter of what the headroom tells. */
struct nj_normal {
    int32_t r; /* Q0 */
    int32_t power;
};

/* The nearer of two candidates, one scaled by sqrt(1/2) after and one before its headroom is taken. */
static struct nj_normal nj_log_normal(int32_t z)
{
    const int32_t sqrt_half = 1518500250;
    const int32_t quarter = 1 << (31 - NJ_LOG_BITS - 2);
    const int32_t zeros = nj_leading_zeros((uint32_t)z);
    const int32_t after = nj_multiply_high(nj_shift_left_saturating(z, zeros - 1), sqrt_half);
    const int32_t r_after = nj_shift_left_saturating(after, 1);
    const int32_t power_after = nj_shift_left_saturating(NJ_SUM_BITS - zeros, 31 - NJ_LOG_BITS) + quarter;
    const int32_t room = nj_leading_zeros((uint32_t)nj_multiply_high(z, sqrt_half)) - 1;
    const int32_t r_before = nj_shift_left_saturating(z, room);
    const int32_t power_before = nj_shift_left_saturating(NJ_SUM_BITS - room, 31 - NJ_LOG_BITS) - quarter;
    return (struct nj_normal){r_after < r_before ? r_after : r_before,
                              power_after > power_before ? power_after : power_before};
}

/* log(z) in Q5 for z >= 1 in Q12: a rational function of r around the fourth root of 1/2. */
static int32_t nj_log(int32_t z)
{
    const int32_t log_2 = 1488522236;
    const int32_t root = 1805811301; /* (1/2)^(1/4) */
    const int32_t alpha_n = 117049297; /* 11/240 2^(1/4) */
    const int32_t alpha_d = 127690142; /* 1/20 2^(1/4) */
    const int32_t alpha_i = 1057819769; /* 2 / 2^(1/4) - 2^(1/4) */
    const int32_t alpha_f = 638450708; /* 1/4 2^(1/4) */
    const struct nj_normal normal = nj_log_normal(z);
    const int32_t r = normal.r;
    const int64_t sum = (int64_t)r + root;
    const int32_t p = (int32_t)((sum + (sum >= 0 ? 1 : -1)) / 2);
    const int32_t q = nj_shift_left(r - root, 1);
    const int32_t q2 = nj_multiply_high(q, q);
    const int32_t numerator = nj_add_wrapping(nj_multiply_high(q, r), nj_multiply_high(nj_multiply_high(q, q2), alpha_n));
    const int32_t inner = nj_add_wrapping(nj_add_wrapping(alpha_i, q), nj_multiply_high(alpha_d, q2));
    const int32_t denominator = nj_add_wrapping(nj_multiply_high(p, inner), nj_multiply_high(alpha_f, q));
    const int32_t quotient = nj_multiply_high(nj_divide_by_power(numerator, NJ_LOG_BITS), nj_reciprocal(denominator));
    return nj_shift_left_saturating(nj_add_wrapping(nj_multiply_high(normal.power, log_2), quotient), 1);
}

static void nj_log_softmax_row(const struct nj_log_softmax *op, const int8_t *input, int8_t *output)
{
    int32_t largest = INT8_MIN;
    for (int32_t i = 0; i < op->depth; i++) {
        largest = input[i] > largest ? input[i] : largest;
    }
    int32_t sum = 0;
    for (int32_t i = 0; i < op->depth; i++) {
        const int32_t difference = input[i] - largest;
        if (difference >= op->difference_min) {
            const int32_t power = nj_exp_negative(nj_requantize_double(difference, op->input_requant));
            sum = nj_add_wrapping(sum, nj_divide_by_power(power, NJ_SUM_BITS));
        }
    }
    const int32_t log_sum = nj_log(sum);
    const int32_t reach = nj_requantize_double(log_sum + INT32_MIN, op->reverse_requant);
    const int32_t above = reach > op->difference_min - 1 ? reach : op->difference_min - 1;
    for (int32_t i = 0; i < op->depth; i++) {
        const int32_t difference = input[i] - largest;
        int32_t step = INT8_MIN;
        if (difference > above) {
            const int32_t scaled = nj_requantize_double(difference, op->input_requant) - log_sum;
            step = nj_divide_by_power(scaled, 31 - NJ_DIFFERENCE_BITS - NJ_OUTPUT_BITS) + NJ_HIGHEST;
        }
        output[i] = (int8_t)nj_clamp(step, INT8_MIN, INT8_MAX);
    }
}

void nj_log_softmax_s8(const struct nj_log_softmax *op, const int8_t *input, int8_t *output)
{
    for (int32_t row = 0; row < op->rows; row++) {
        nj_log_softmax_row(op, input + row * op->depth, output + row * op->depth);
    }
}
