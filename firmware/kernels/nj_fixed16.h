/* Logistic and tanh of int16, in the two ways that the references have for an LSTM. Internal to the kernels.
 *
 * A number of `bits` integer bits stands for value / 2^(15 - bits); results have none. nj_logistic16 and nj_tanh16 give the
 * bits of gemmlowp's fixedpoint.h, with the pinned TFLite: exp by a polynomial over [-1/4, 0) and a product a bit above, 1 / (1 + x)
 * by three steps of Newton. The others interpolate in a table, with tflite-micro.
 * SPDX-License-Identifier: MIT
 */
#ifndef NJ_FIXED16_H
#define NJ_FIXED16_H

#include "nj_requantize.h"

/* A constant of 32 bits, as one of 16. */
#define NJ_FIXED16(value) ((int32_t)(((value) + 32768LL) >> 16))

static inline int32_t nj_saturate16(int32_t value)
{
    return nj_clamp(value, INT16_MIN, INT16_MAX);
}

/* a * b / 2^15, rounded half up; only INT16_MIN squared saturates. */
static inline int32_t nj_multiply16(int32_t a, int32_t b)
{
    return a == INT16_MIN && b == INT16_MIN ? INT16_MAX : (a * b + (1 << 14)) >> 15;
}

/* e^x for x in [-1/4, 0), no integer bits. */
static inline int32_t nj_exp_quarter16(int32_t value)
{
    const int32_t at_eighth = NJ_FIXED16(1895147668LL); /* e^(-1/8) */
    const int32_t x = (int16_t)(value + (1 << 12));
    const int32_t x2 = nj_multiply16(x, x);
    const int32_t x3 = nj_multiply16(x2, x);
    const int32_t x4_4 = nj_divide_by_power(nj_multiply16(x2, x2), 2);
    const int32_t third = nj_multiply16((int16_t)(x4_4 + x3), NJ_FIXED16(715827883LL));
    const int32_t rest = nj_divide_by_power((int16_t)(third + x2), 1);
    return nj_saturate16(at_eighth + nj_multiply16(at_eighth, (int16_t)(x + rest)));
}

/* e^a for a <= 0 of `bits` integer bits, 1 to 7. */
static inline int32_t nj_exp16(int32_t a, int32_t bits)
{
    static const int32_t power[] = {/* e^(-2^(i - 2)) */
                                    NJ_FIXED16(1672461947LL), NJ_FIXED16(1302514674LL), NJ_FIXED16(790015084LL),
                                    NJ_FIXED16(290630308LL),  NJ_FIXED16(39332535LL),   NJ_FIXED16(720401LL),
                                    NJ_FIXED16(242LL)};
    if (a == 0) {
        return INT16_MAX;
    }
    if (bits > 5 && a < -(1 << (20 - bits))) { /* below -32 */
        return 0;
    }
    const int32_t quarter = 1 << (13 - bits);
    const int32_t low = (a & (quarter - 1)) - quarter;
    const int32_t above = (int16_t)(low - a);
    int32_t result = nj_exp_quarter16(nj_saturate16(low * (1 << bits)));
    for (int32_t i = 0; i < 7 && i - 2 < bits; i++) {
        if ((above & (quarter << i)) != 0) {
            result = nj_multiply16(result, power[i]);
        }
    }
    return result;
}

/* 2 / (1 + a) for a in [0, 1], of 2 integer bits. */
static inline int32_t nj_reciprocal16(int32_t a)
{
    const int32_t half = (a + 32768) >> 1; /* of 1 + a */
    int32_t x = (int16_t)(NJ_FIXED16(1515870810LL) + nj_multiply16(half, NJ_FIXED16(-1010580540LL))); /* 48/17 - 32/17 a */
    for (int i = 0; i < 3; i++) {
        const int32_t error = (int16_t)((1 << 13) - nj_multiply16(half, x));
        x = (int16_t)(x + nj_saturate16(nj_multiply16(x, error) * 4));
    }
    return x;
}

/* Of 3 integer bits. */
static inline int32_t nj_logistic16(int32_t a)
{
    if (a == 0) {
        return 1 << 14;
    }
    const int32_t negative = a > 0 ? -a : a;
    const int32_t result = nj_saturate16(nj_reciprocal16(nj_exp16(negative, 3)) * 2);
    return a > 0 ? result : INT16_MAX - result;
}

/* Of `bits` integer bits, 0 to 6. */
static inline int32_t nj_tanh16(int32_t a, int32_t bits)
{
    if (a == 0) {
        return 0;
    }
    const int32_t negative = a < 0 ? a : -a;
    const int32_t result = nj_saturate16((int16_t)(nj_reciprocal16(nj_exp16(negative, bits + 1)) - (1 << 13)) * 4);
    return a < 0 ? (int16_t)-result : result;
}

/* Of 3 integer bits; table: 2^16 times the logistic function of i / 24. */
static inline int32_t nj_table_logistic16(const uint16_t *table, int32_t a)
{
    const uint32_t x = 3u * (uint32_t)(a < 0 ? -a : a);
    const uint32_t i = x >> 9;
    const int32_t low = i < 255u ? table[i] : 0;
    const int32_t value = i < 255u ? (low << 9) + (int32_t)(x & 511u) * (table[i + 1u] - low) : INT16_MAX << 10;
    return (a >= 0 ? value + (1 << 9) : (1 << 25) - value + (1 << 9) - 1) >> 10;
}

/* Of `bits` integer bits, 0 to 6. */
static inline int32_t nj_table_tanh16(const uint16_t *table, int32_t a, int32_t bits)
{
    const int32_t scaled = bits >= 3 ? a * (3 << (bits - 3)) : (3 * a + (1 << (2 - bits))) >> (3 - bits);
    const uint32_t x = (uint32_t)(scaled < 0 ? -scaled : scaled);
    const uint32_t i = x >> 8;
    const int32_t low = i < 255u ? table[i] : 0;
    const int32_t value = i < 255u ? (low << 8) + (int32_t)(x & 255u) * (table[i + 1u] - low) : UINT16_MAX << 8;
    return (scaled >= 0 ? value - (1 << 23) + (1 << 7) : -value + (1 << 23) + (1 << 7) - 1) >> 8;
}

#endif
