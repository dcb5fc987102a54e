/* What the Helium paths share: requantization of 4 lanes, and 4 dot products at a time. Internal to the kernels.
 * NJ_HELIUM is 1 where the compiler's target has integer Helium, NJ_HELIUM_FLOAT where it has that of floats, too; the
 * scalar paths are the specification.
 * SPDX-License-Identifier: MIT
 */
#ifndef NJ_HELIUM_H
#define NJ_HELIUM_H

#if defined(__ARM_FEATURE_MVE) && (__ARM_FEATURE_MVE & 1)
#define NJ_HELIUM 1
#else
#define NJ_HELIUM 0
#endif
#if defined(__ARM_FEATURE_MVE) && (__ARM_FEATURE_MVE & 2)
#define NJ_HELIUM_FLOAT 1
#else
#define NJ_HELIUM_FLOAT 0
#endif

#if NJ_HELIUM
#include <arm_mve.h>

#include "nj_requantize.h"

struct nj_requant_x4 {
    int32x4_t multiplier;
    int32x4_t shift;
};

static inline struct nj_requant_x4 nj_requant_repeat(struct nj_requant requant)
{
    return (struct nj_requant_x4){vdupq_n_s32(requant.multiplier), vdupq_n_s32(requant.shift)};
}

/* The first `count` of 4; the other lanes are 0 and are not read. */
static inline struct nj_requant_x4 nj_requant_load(const struct nj_requant *requant, mve_pred16_t lanes)
{
    const uint32x4_t offset = vidupq_n_u32(0, 8); /* struct nj_requant is 8 bytes */
    return (struct nj_requant_x4){vldrwq_gather_offset_z_s32(&requant->multiplier, offset, lanes),
                                  vldrwq_gather_offset_z_s32(&requant->shift, offset, lanes)};
}

_Static_assert(sizeof(struct nj_requant) == 8, "nj_requant_load steps by 8 bytes");

/* vrshlq rounds half up; half away from zero is one unit less for negative numbers that are shifted at all. */
static inline int32x4_t nj_requantize_double_x4(int32x4_t acc, struct nj_requant_x4 scale)
{
    const int32x4_t zero = vdupq_n_s32(0);
    const int32x4_t right = vminq_s32(scale.shift, zero); /* <= 0: vrshlq shifts right by negative counts */
    const int32x4_t high = vqrdmulhq_s32(vshlq_s32(acc, vmaxq_s32(scale.shift, zero)), scale.multiplier);
    const int32x4_t less = vshrq_n_s32(vandq_s32(high, right), 31);
    return vrshlq_s32(vqaddq_s32(high, less), right);
}

/* A right shift rounds the floor of the product once; no shift is vqrdmulhq itself; a left shift needs all 64 bits. */
static inline int32x4_t nj_requantize_single_x4(int32x4_t acc, struct nj_requant_x4 scale)
{
    const int32x4_t right = vrshlq_s32(vqdmulhq_s32(acc, scale.multiplier), scale.shift);
    const int32x4_t none = vqrdmulhq_s32(acc, scale.multiplier);
    const int32x4_t total = vsubq_s32(vdupq_n_s32(31), scale.shift);
    const uint32x4_t low = vreinterpretq_u32_s32(vmulq_s32(acc, scale.multiplier));
    const uint32x4_t half = vshlq_u32(vdupq_n_u32(1), vsubq_n_s32(total, 1));
    const uint32x4_t sum = vaddq_u32(low, half);
    int32x4_t high = vmulhq_s32(acc, scale.multiplier);
    high = vaddq_m_n_s32(high, high, 1, vcmphiq_u32(low, sum)); /* the sum's carry */
    const int32x4_t left = vorrq_s32(vshlq_s32(high, vaddq_n_s32(scale.shift, 1)),
                                     vreinterpretq_s32_u32(vshlq_u32(sum, vnegq_s32(total))));
    return vpselq_s32(left, vpselq_s32(none, right, vcmpeqq_n_s32(scale.shift, 0)), vcmpgtq_n_s32(scale.shift, 0));
}

static inline int32x4_t nj_requantize_x4(int32x4_t acc, struct nj_requant_x4 scale, enum nj_rounding rounding)
{
    return rounding == NJ_ROUND_SINGLE ? nj_requantize_single_x4(acc, scale) : nj_requantize_double_x4(acc, scale);
}

static inline int32x4_t nj_clamp_x4(int32x4_t value, int32_t min, int32_t max)
{
    return vminq_s32(vmaxq_s32(value, vdupq_n_s32(min)), vdupq_n_s32(max));
}

/* The weights of 4 outputs, one row each; missing outputs repeat the first row, and their lanes are not stored. */
struct nj_rows {
    const int8_t *row[4];
};

static inline struct nj_rows nj_rows_of(const int8_t *weights, int32_t stride, int32_t outputs)
{
    struct nj_rows rows;
    for (int i = 0; i < 4; i++) {
        rows.row[i] = weights + (i < outputs ? i * stride : 0);
    }
    return rows;
}

static inline struct nj_rows nj_rows_skip(struct nj_rows rows, int32_t count)
{
    return (struct nj_rows){{rows.row[0] + count, rows.row[1] + count, rows.row[2] + count, rows.row[3] + count}};
}

/* acc[i] + sum over count of weight[i] * step. Lanes beyond the end load as 0. */
static inline int32x4_t nj_dot_x4(int32x4_t acc, const int8_t *step, struct nj_rows rows, int32_t count)
{
    int32_t a0 = 0;
    int32_t a1 = 0;
    int32_t a2 = 0;
    int32_t a3 = 0;
    for (int32_t i = 0; i < count; i += 16) {
        const mve_pred16_t lanes = vctp8q((uint32_t)(count - i));
        const int8x16_t x = vldrbq_z_s8(step + i, lanes);
        a0 = vmladavaq_s8(a0, x, vldrbq_z_s8(rows.row[0] + i, lanes));
        a1 = vmladavaq_s8(a1, x, vldrbq_z_s8(rows.row[1] + i, lanes));
        a2 = vmladavaq_s8(a2, x, vldrbq_z_s8(rows.row[2] + i, lanes));
        a3 = vmladavaq_s8(a3, x, vldrbq_z_s8(rows.row[3] + i, lanes));
    }
    int32x4_t sum = vdupq_n_s32(a0);
    sum = vsetq_lane_s32(a1, sum, 1);
    sum = vsetq_lane_s32(a2, sum, 2);
    sum = vsetq_lane_s32(a3, sum, 3);
    return vaddq_s32(acc, sum);
}

/* The same where every step is `step`: places in the padding. */
static inline int32x4_t nj_dot_padding_x4(int32x4_t acc, int32_t step, struct nj_rows rows, int32_t count)
{
    int32x4_t sum = vdupq_n_s32(0);
    for (int32_t i = 0; i < count; i += 16) {
        const mve_pred16_t lanes = vctp8q((uint32_t)(count - i));
        int32x4_t part = vdupq_n_s32(vaddvq_s8(vldrbq_z_s8(rows.row[0] + i, lanes)));
        part = vsetq_lane_s32(vaddvq_s8(vldrbq_z_s8(rows.row[1] + i, lanes)), part, 1);
        part = vsetq_lane_s32(vaddvq_s8(vldrbq_z_s8(rows.row[2] + i, lanes)), part, 2);
        part = vsetq_lane_s32(vaddvq_s8(vldrbq_z_s8(rows.row[3] + i, lanes)), part, 3);
        sum = vaddq_s32(sum, part);
    }
    return vmlaq_n_s32(acc, sum, step);
}

#endif
#endif
