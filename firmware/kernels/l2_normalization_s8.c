/* L2_NORMALIZATION over the last axis. SPDX-License-Identifier: MIT */
#include "nj_requantize.h"

enum { NJ_NORM_BITS = 7 }; /* the output's scale is 1/128 */

/* 1 / sqrt(n) as a scale: five of Newton's steps in Q3 on n times a power of 4 in [1/2, 2), after gemmlowp; that of 0
 * is that of 1. Q3 numbers are int32 of value raw / 2^28. */
static struct nj_requant nj_inverse_sqrt(int32_t n)
{
    const int32_t half_sqrt_2 = 1518500250; /* Q0 */
    const int32_t one = 1 << 28;
    if (n <= 1) {
        return (struct nj_requant){INT32_MAX, 0};
    }
    int32_t right = 11;
    for (; n >= 1 << 29; n /= 4) {
        right++;
    }
    const int32_t pairs = (__builtin_clz((uint32_t)n) - 1) / 2 - 1;
    const int32_t half = nj_divide_by_power(nj_shift_left(n, 2 * pairs) >> 1, 1);
    int32_t x = one;
    for (int turn = 0; turn < 5; turn++) {
        const int32_t cube = nj_shift_left(nj_multiply_high(nj_multiply_high(x, x), x), 6);
        x = nj_shift_left(nj_multiply_high(one + one / 2, x) - nj_multiply_high(half, cube), 3);
    }
    x = nj_multiply_high(x, half_sqrt_2);
    right -= pairs;
    return right < 0 ? (struct nj_requant){nj_shift_left(x, -right), 0} : (struct nj_requant){x, -right};
}

void nj_l2_normalization_s8(const struct nj_l2_normalization *op, const int8_t *input, int8_t *output)
{
    for (int32_t row = 0; row < op->rows; row++, input += op->depth, output += op->depth) {
        int32_t squares = 0;
        for (int32_t i = 0; i < op->depth; i++) {
            const int32_t value = input[i] - op->input_zero_point;
            squares += value * value;
        }
        struct nj_requant scale = nj_inverse_sqrt(squares);
        scale.shift += NJ_NORM_BITS;
        for (int32_t i = 0; i < op->depth; i++) {
            const int32_t scaled = nj_requantize_double(input[i] - op->input_zero_point, scale);
            output[i] = (int8_t)nj_clamp(scaled, INT8_MIN, INT8_MAX);
        }
    }
}
