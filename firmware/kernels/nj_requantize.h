/* How an int32 accumulator becomes int8 steps. Internal to the kernels.
 *
 * The scale is multiplier * 2^(shift - 31), shift in [-31, 30]. Both rules give the bytes of TFLite's
 * MultiplyByQuantizedMultiplier: NJ_ROUND_SINGLE as it is built with TFLITE_SINGLE_ROUNDING, NJ_ROUND_DOUBLE as without.
 * Arithmetic wraps modulo 2^32 where TFLite's would be undefined, so that every implementation agrees there too.
 * Right shifts of negative numbers are arithmetic (gcc and clang, both targets).
 * SPDX-License-Identifier: MIT
 */
#ifndef NJ_REQUANTIZE_H
#define NJ_REQUANTIZE_H

#include "nj_kernels.h"

_Static_assert((-3 >> 1) == -2, "right shifts must be arithmetic");

static inline int32_t nj_clamp(int32_t value, int32_t min, int32_t max)
{
    return value < min ? min : value > max ? max : value;
}

/* a + b modulo 2^32. */
static inline int32_t nj_add_wrapping(int32_t a, int32_t b)
{
    return (int32_t)((uint32_t)a + (uint32_t)b);
}

/* a - b modulo 2^32. */
static inline int32_t nj_subtract_wrapping(int32_t a, int32_t b)
{
    return (int32_t)((uint32_t)a - (uint32_t)b);
}

/* a * 2^exponent modulo 2^32. */
static inline int32_t nj_shift_left(int32_t a, int32_t exponent)
{
    return (int32_t)((uint32_t)a << exponent);
}

/* a * b / 2^31, rounded half up; only INT32_MIN * INT32_MIN saturates. What gemmlowp calls
 * SaturatingRoundingDoublingHighMul: its nudge and truncation come to one floor for either sign. */
static inline int32_t nj_multiply_high(int32_t a, int32_t b)
{
    if (a == INT32_MIN && b == INT32_MIN) {
        return INT32_MAX;
    }
    return (int32_t)(((int64_t)a * b + (1LL << 30)) >> 31);
}

/* a / 2^exponent, rounded half away from zero; exponent in [0, 31]. */
static inline int32_t nj_divide_by_power(int32_t a, int32_t exponent)
{
    const int32_t mask = (int32_t)((1U << exponent) - 1U);
    const int32_t threshold = (mask >> 1) + (a < 0 ? 1 : 0);
    return (a >> exponent) + ((a & mask) > threshold ? 1 : 0);
}

static inline int32_t nj_requantize_single(int32_t acc, struct nj_requant scale)
{
    const int32_t total = 31 - scale.shift;
    return (int32_t)(((int64_t)acc * scale.multiplier + (1LL << (total - 1))) >> total);
}

static inline int32_t nj_requantize_double(int32_t acc, struct nj_requant scale)
{
    const int32_t left = scale.shift > 0 ? scale.shift : 0;
    const int32_t right = scale.shift > 0 ? 0 : -scale.shift;
    return nj_divide_by_power(nj_multiply_high(nj_shift_left(acc, left), scale.multiplier), right);
}

static inline int32_t nj_requantize(int32_t acc, struct nj_requant scale, enum nj_rounding rounding)
{
    return rounding == NJ_ROUND_SINGLE ? nj_requantize_single(acc, scale) : nj_requantize_double(acc, scale);
}

/* NJ_ROUND_REAL: acc * scale in double, rounded half away from zero; saturates at 2^30, far outside int8.
 * The comparisons are written so that no compiler can contract them with the product. */
static inline int32_t nj_requantize_real(int32_t acc, double scale)
{
    const double limit = 1073741824.0;
    double value = (double)acc * scale;
    value = value > -limit ? value : -limit;
    value = value < limit ? value : limit;
    const int32_t whole = (int32_t)value;
    return whole + (value >= (double)whole + 0.5 ? 1 : 0) - (value <= (double)whole - 0.5 ? 1 : 0);
}

#endif
