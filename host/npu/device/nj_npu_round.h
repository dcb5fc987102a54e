/* The one way a result is made: shift right, round, saturate or keep the low bytes.
 * SPDX-License-Identifier: MIT
 */
#ifndef NJ_NPU_ROUND_H
#define NJ_NPU_ROUND_H

#include "nj_npu.h"

/* value / 2^shift, floor where it does not round. |value| < 2^62, shift at most 31. Shifts of
 * negative numbers are arithmetic with every compiler that builds this. */
static inline int64_t nj_npu_shift(int64_t value, uint32_t shift, bool rounds, enum nj_npu_tie tie)
{
    if (!rounds || shift == 0) {
        return value >> shift;
    }
    int64_t half = (int64_t)1 << (shift - 1);
    switch (tie) { /* of a tie, whether one step less than up */
    case NJ_NPU_HALF_UP:
        return (value + half) >> shift;
    case NJ_NPU_HALF_DOWN:
        return (value + half - 1) >> shift;
    case NJ_NPU_HALF_EVEN:
        return (value + half - (~(value >> shift) & 1)) >> shift;
    case NJ_NPU_HALF_TO_ZERO:
        return (value + half - (value >= 0)) >> shift;
    case NJ_NPU_HALF_AWAY:
    default:
        return (value + half - (value < 0)) >> shift;
    }
}

/* The low `bytes` of a value, as a signed or an unsigned number. */
static inline int32_t nj_npu_low(int64_t value, uint32_t bytes, bool is_unsigned)
{
    uint32_t unused = 32 - 8 * bytes;
    uint32_t bits = (uint32_t)value << unused;
    return is_unsigned ? (int32_t)(bits >> unused) : (int32_t)bits >> unused;
}

/* Makes one result and counts it. */
static inline int32_t nj_npu_make(int64_t value, const struct nj_npu_output *out,
                                  enum nj_npu_tie tie, struct nj_npu_seen *seen)
{
    int64_t size = value < 0 ? -value : value;
    seen->peak = size > seen->peak ? size : seen->peak;
    if (out->shift != 0) {
        int64_t whole = (int64_t)1 << out->shift;
        seen->ties += (uint64_t)((value & (whole - 1)) == whole / 2);
        value = nj_npu_shift(value, out->shift, out->rounds, tie);
    }
    int64_t most = ((int64_t)1 << (8 * out->bytes - 1)) - 1;
    bool over = value > most;
    bool under = value < -most - 1;
    if (!out->saturates) {
        return nj_npu_low(value, out->bytes, false);
    }
    seen->saturated += (uint64_t)(over | under);
    return (int32_t)(over ? most : under ? -most - 1 : value);
}

#endif
