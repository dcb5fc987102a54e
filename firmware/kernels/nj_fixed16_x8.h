/* nj_fixed16.h for 8 lanes at once: the same bits. Internal to the kernels; Helium only. SPDX-License-Identifier: MIT */
#ifndef NJ_FIXED16_X8_H
#define NJ_FIXED16_X8_H

#include "nj_fixed16.h"
#include "nj_helium.h"

#if NJ_HELIUM

/* Called several times a step: inlined, they would be half of the kernel's code and save nothing. */
#define NJ_CALLED __attribute__((noinline)) static

/* vqrdmulh is nj_multiply16. What is divided by a power here is never negative, where vrshr rounds as nj_divide_by_power. */
static inline int16x8_t nj_exp_quarter16_x8(int16x8_t value)
{
    const int16_t at_eighth = NJ_FIXED16(1895147668LL);
    const int16x8_t x = vaddq_n_s16(value, 1 << 12);
    const int16x8_t x2 = vqrdmulhq_s16(x, x);
    const int16x8_t x3 = vqrdmulhq_s16(x2, x);
    const int16x8_t x4_4 = vrshrq_n_s16(vqrdmulhq_s16(x2, x2), 2);
    const int16x8_t third = vqrdmulhq_n_s16(vaddq_s16(x4_4, x3), NJ_FIXED16(715827883LL));
    const int16x8_t rest = vrshrq_n_s16(vaddq_s16(third, x2), 1);
    return vaddq_n_s16(vqrdmulhq_n_s16(vaddq_s16(x, rest), at_eighth), at_eighth);
}

/* `value` times e^(-2^(i - 2)) in the lanes whose bit i of `quarters` is set. */
#define NJ_TIMES_POWER(value, quarters, i, power) \
    vqrdmulhq_m_n_s16(value, value, NJ_FIXED16(power), vcmpltq_n_s16(vshlq_n_s16(quarters, 15 - (i)), 0))

/* e^a for a < 0 of `bits` integer bits, 1 to 7; of a = 0 something is made. */
static inline int16x8_t nj_exp16_x8(int16x8_t a, int32_t bits)
{
    const int16x8_t low = vorrq_s16(a, vdupq_n_s16((int16_t)-(1 << (13 - bits))));
    const int16x8_t quarters = vshlq_r_s16(vsubq_s16(low, a), bits - 13);
    int16x8_t result = nj_exp_quarter16_x8(vshlq_r_s16(low, bits));
    result = NJ_TIMES_POWER(result, quarters, 0, 1672461947LL);
    result = NJ_TIMES_POWER(result, quarters, 1, 1302514674LL);
    result = NJ_TIMES_POWER(result, quarters, 2, 790015084LL);
    result = NJ_TIMES_POWER(result, quarters, 3, 290630308LL);
    result = NJ_TIMES_POWER(result, quarters, 4, 39332535LL);
    if (bits > 3) { /* no quarters beyond 2^(bits + 2) */
        result = NJ_TIMES_POWER(result, quarters, 5, 720401LL);
        result = NJ_TIMES_POWER(result, quarters, 6, 242LL);
    }
    if (bits > 5) {
        result = vdupq_m_n_s16(result, 0, vcmpltq_n_s16(a, (int16_t)-(1 << (20 - bits))));
    }
    return result;
}

/* 2 / (1 + a) for a in [0, 1], of 2 integer bits. */
static inline int16x8_t nj_reciprocal16_x8(int16x8_t a)
{
    const int16x8_t half = vreinterpretq_s16_u16(vhaddq_n_u16(vreinterpretq_u16_s16(a), 1 << 15));
    int16x8_t x = vaddq_n_s16(vqrdmulhq_n_s16(half, NJ_FIXED16(-1010580540LL)), NJ_FIXED16(1515870810LL));
    for (int i = 0; i < 3; i++) {
        const int16x8_t error = vsubq_s16(vdupq_n_s16(1 << 13), vqrdmulhq_s16(half, x));
        x = vaddq_s16(x, vqshlq_n_s16(vqrdmulhq_s16(x, error), 2));
    }
    return x;
}

/* The smaller of a and -a, which every a has. */
static inline int16x8_t nj_below_zero_x8(int16x8_t a)
{
    return vminq_s16(a, vnegq_s16(a));
}

/* Of 3 integer bits. */
NJ_CALLED int16x8_t nj_logistic16_x8(int16x8_t a)
{
    int16x8_t y = vqshlq_n_s16(nj_reciprocal16_x8(nj_exp16_x8(nj_below_zero_x8(a), 3)), 1);
    y = vsubq_m_s16(y, vdupq_n_s16(INT16_MAX), y, vcmpltq_n_s16(a, 0));
    return vdupq_m_n_s16(y, 1 << 14, vcmpeqq_n_s16(a, 0));
}

/* Of `bits` integer bits, 0 to 6. */
NJ_CALLED int16x8_t nj_tanh16_x8(int16x8_t a, int32_t bits)
{
    const int16x8_t reciprocal = nj_reciprocal16_x8(nj_exp16_x8(nj_below_zero_x8(a), bits + 1));
    int16x8_t y = vqshlq_n_s16(vsubq_n_s16(reciprocal, 1 << 13), 2);
    y = vnegq_m_s16(y, y, vcmpltq_n_s16(a, 0));
    return vdupq_m_n_s16(y, 0, vcmpeqq_n_s16(a, 0));
}

/* Every second lane of 16 bits, so that two such make all of them. */
static inline int16x8_t nj_join_x8(int32x4_t even, int32x4_t odd)
{
    return vmovntq_s32(vreinterpretq_s16_s32(even), odd);
}

/* A place of the table and what lies between it and the next, 2^bits parts a place. */
static inline int32x4_t nj_interpolate_x4(const uint16_t *table, uint32x4_t place, uint32x4_t part, int bits)
{
    const uint32x4_t low = vldrhq_gather_shifted_offset_u32(table, place);
    const uint32x4_t step = vsubq_u32(vldrhq_gather_shifted_offset_u32(table + 1, place), low);
    return vreinterpretq_s32_u32(vaddq_u32(vshlq_r_u32(low, bits), vmulq_u32(step, part)));
}

/* Of magnitudes up to 2^15, of 3 integer bits, which lie within the table. */
static inline int32x4_t nj_table_logistic16_x4(const uint16_t *table, uint32x4_t magnitude, mve_pred16_t negative)
{
    const uint32x4_t x = vmulq_n_u32(magnitude, 3);
    int32x4_t value = nj_interpolate_x4(table, vshrq_n_u32(x, 9), vandq_u32(x, vdupq_n_u32(511)), 9);
    value = vsubq_m_s32(value, vdupq_n_s32((1 << 25) - 1), value, negative);
    return vshrq_n_s32(vaddq_n_s32(value, 1 << 9), 10);
}

NJ_CALLED int16x8_t nj_table_logistic16_x8(const uint16_t *table, int16x8_t a)
{
    const uint16x8_t magnitude = vreinterpretq_u16_s16(vabsq_s16(a)); /* of -32768 32768 */
    const int32x4_t even = nj_table_logistic16_x4(table, vmovlbq_u16(magnitude), vcmpltq_n_s32(vmovlbq_s16(a), 0));
    const int32x4_t odd = nj_table_logistic16_x4(table, vmovltq_u16(magnitude), vcmpltq_n_s32(vmovltq_s16(a), 0));
    return nj_join_x8(even, odd);
}

static inline int32x4_t nj_table_tanh16_x4(const uint16_t *table, int32x4_t a, int32_t bits)
{
    const int32x4_t third = vmulq_n_s32(a, 3);
    const int32x4_t scaled = vrshlq_s32(third, vdupq_n_s32(bits - 3)); /* rounded half up where shifted to the right */
    /* From place 255 on it is 1: that is the end of the way from place 254 to it. */
    const uint32x4_t x = vminq_u32(vreinterpretq_u32_s32(vabsq_s32(scaled)), vdupq_n_u32(255u << 8));
    const uint32x4_t place = vminq_u32(vshrq_n_u32(x, 8), vdupq_n_u32(254));
    int32x4_t value = nj_interpolate_x4(table, place, vsubq_u32(x, vshlq_n_u32(place, 8)), 8);
    value = vsubq_n_s32(value, 1 << 23);
    const mve_pred16_t negative = vcmpltq_n_s32(scaled, 0);
    value = vaddq_n_s32(vsubq_m_s32(value, vdupq_n_s32(-1), value, negative), 1 << 7);
    return vshrq_n_s32(value, 8);
}

NJ_CALLED int16x8_t nj_table_tanh16_x8(const uint16_t *table, int16x8_t a, int32_t bits)
{
    return nj_join_x8(nj_table_tanh16_x4(table, vmovlbq_s16(a), bits), nj_table_tanh16_x4(table, vmovltq_s16(a), bits));
}

#endif
#endif
