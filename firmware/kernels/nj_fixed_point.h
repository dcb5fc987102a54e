/* exp, reciprocal and logarithm in fixed point, after gemmlowp: polynomials on int32. Internal to the kernels.
 * A "Qi" number is an int32 with i integer bits: its value is raw / 2^(31 - i). The product of Qa and Qb by
 * nj_multiply_high is Q(a + b).
 * SPDX-License-Identifier: MIT
 */
#ifndef NJ_FIXED_POINT_H
#define NJ_FIXED_POINT_H

#include "nj_requantize.h"

enum { NJ_DIFFERENCE_BITS = 5, NJ_SUM_BITS = 12 };

/* raw * 2^exponent, saturated; exponent in [0, 30]. */
static inline int32_t nj_shift_left_saturating(int32_t raw, int32_t exponent)
{
    const int32_t limit = (int32_t)((1U << (31 - exponent)) - 1U);
    return raw > limit ? INT32_MAX : raw < -limit - 1 ? INT32_MIN : nj_shift_left(raw, exponent);
}

/* exp(x) in Q0 for x in Q0 in [-1/4, 0): Taylor's series to the fourth power around -1/8. */
static inline int32_t nj_exp_quarter(int32_t x_raw)
{
    const int32_t exp_of_centre = 1895147668; /* exp(-1/8) */
    const int32_t third = 715827883; /* 1/3 */
    const int32_t x = x_raw + (1 << 28); /* + 1/8 */
    const int32_t x2 = nj_multiply_high(x, x);
    const int32_t x3 = nj_multiply_high(x2, x);
    const int32_t x4 = nj_multiply_high(x2, x2);
    const int32_t x4_4 = nj_divide_by_power(x4, 2);
    /* (x^4 / 4 + x^3) / 3 + x^2, halved: x^4 / 24 + x^3 / 6 + x^2 / 2 */
    const int32_t tail = nj_divide_by_power(nj_multiply_high(x4_4 + x3, third) + x2, 1);
    return exp_of_centre + nj_multiply_high(exp_of_centre, x + tail);
}

/* exp(x) in Q0 for x <= 0 in Q5. */
static inline int32_t nj_exp_negative(int32_t x)
{
    /* exp(-2^(n - 2)) in Q0 */
    static const int32_t power[7] = {1672461947, 1302514674, 790015084, 290630308, 39332535, 720401, 242};
    const int32_t quarter = 1 << (31 - NJ_DIFFERENCE_BITS - 2);
    if (x == 0) {
        return INT32_MAX;
    }
    const int32_t fraction = (x & (quarter - 1)) - quarter; /* in [-1/4, 0) */
    const int32_t quarters = fraction - x; /* what is left, a multiple of 1/4 */
    int32_t result = nj_exp_quarter(nj_shift_left_saturating(fraction, NJ_DIFFERENCE_BITS));
    for (int n = 0; n < 7; n++) {
        if ((quarters & nj_shift_left(quarter, n)) != 0) {
            result = nj_multiply_high(result, power[n]);
        }
    }
    return result;
}

/* 1 / (1 + x) in Q0 for x in Q0 in [0, 1): Newton's method on half the denominator, 3 turns. */
static inline int32_t nj_reciprocal(int32_t x)
{
    const int32_t one = 1 << 29; /* in Q2 */
    const int32_t half_denominator = (int32_t)(((int64_t)x + INT32_MAX + 1) / 2);
    int32_t estimate = 1515870810 + nj_multiply_high(half_denominator, -1010580540); /* 48/17 - 32/17 d, in Q2 */
    for (int turn = 0; turn < 3; turn++) {
        const int32_t error = one - nj_multiply_high(half_denominator, estimate);
        estimate += nj_shift_left_saturating(nj_multiply_high(estimate, error), 2);
    }
    return nj_shift_left_saturating(estimate, 1); /* half the estimate, from Q1 to Q0 */
}

static inline int32_t nj_leading_zeros(uint32_t value)
{
    return value == 0 ? 32 : __builtin_clz(value);
}

#endif
