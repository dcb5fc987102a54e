/* Lanes of a Cortex-M with Helium. There is no vector square root or division: the lanes are the registers s0 to s31.
 * SPDX-License-Identifier: MIT
 */
#ifndef NJ_LANES_HELIUM_H
#define NJ_LANES_HELIUM_H

#include <arm_mve.h>

#if NJ_LANES != 4
#error "Helium has 4 lanes"
#endif

typedef float32x4_t nj_v;
typedef int32x4_t nj_ints;
typedef uint32x4_t nj_places; /* of each lane, in samples or floats from a common base */

static inline nj_v nj_load(const float *from)
{
    return vldrwq_f32(from);
}

static inline void nj_store(float *to, nj_v value)
{
    vstrwq_f32(to, value);
}

/* The same, and the pointer moves on by the lanes: a compiler that unrolls a loop copies the pointer instead. */
static inline nj_v nj_load_next(const float **from)
{
    nj_v value;

    __asm__("vldrw.u32 %q0, [%1], #16" : "=w"(value), "+r"(*from) : "m"(*(const nj_v *)(const void *)*from));
    return value;
}

static inline void nj_store_next(float **to, nj_v value)
{
    __asm__ volatile("vstrw.32 %q1, [%0], #16" : "+r"(*to) : "w"(value) : "memory");
}

static inline nj_v nj_fill(float value)
{
    return vdupq_n_f32(value);
}

static inline nj_v nj_add(nj_v a, nj_v b)
{
    return vaddq_f32(a, b);
}

static inline nj_v nj_sub(nj_v a, nj_v b)
{
    return vsubq_f32(a, b);
}

static inline nj_v nj_mul(nj_v a, nj_v b)
{
    return vmulq_f32(a, b);
}

static inline nj_v nj_scale(nj_v a, float b)
{
    return vmulq_n_f32(a, b);
}

static inline nj_v nj_offset(nj_v a, float b)
{
    return vaddq_n_f32(a, b);
}

static inline nj_v nj_min(nj_v a, nj_v b)
{
    return vminnmq_f32(a, b);
}

static inline nj_v nj_max(nj_v a, nj_v b)
{
    return vmaxnmq_f32(a, b);
}

static inline nj_v nj_root(nj_v a)
{
    register nj_v lanes __asm__("q0") = a;
    __asm__("vsqrt.f32 s0, s0\n\tvsqrt.f32 s1, s1\n\tvsqrt.f32 s2, s2\n\tvsqrt.f32 s3, s3" : "+w"(lanes));
    return lanes;
}

/* a / b, b in every lane. */
static inline nj_v nj_divide(nj_v a, float b)
{
    register nj_v lanes __asm__("q0") = a;
    __asm__("vdiv.f32 s0, s0, %1\n\tvdiv.f32 s1, s1, %1\n\tvdiv.f32 s2, s2, %1\n\tvdiv.f32 s3, s3, %1"
            : "+w"(lanes)
            : "t"(b));
    return lanes;
}

static inline nj_v nj_ratio(nj_v a, nj_v b)
{
    register nj_v lanes __asm__("q0") = a;
    register nj_v by __asm__("q1") = b;
    __asm__("vdiv.f32 s0, s0, s4\n\tvdiv.f32 s1, s1, s5\n\tvdiv.f32 s2, s2, s6\n\tvdiv.f32 s3, s3, s7"
            : "+w"(lanes)
            : "w"(by));
    return lanes;
}

static inline nj_places nj_places_from(const uint32_t *places)
{
    return vldrwq_u32(places);
}

/* A sample of each frame, and the one after it. */
static inline void nj_gather(const int16_t *base, nj_places places, nj_v *even, nj_v *odd)
{
    *even = vcvtq_f32_s32(vldrhq_gather_shifted_offset_s32(base, places));
    *odd = vcvtq_f32_s32(vldrhq_gather_shifted_offset_s32(base + 1, places));
}

/* A float of each lane's place. */
static inline nj_v nj_pick(const float *base, nj_places places)
{
    return vldrwq_gather_shifted_offset_f32(base, places);
}

/* To each lane's place; lanes of the same place must hold the same. */
static inline void nj_put(float *base, nj_places places, nj_v value)
{
    vstrwq_scatter_shifted_offset_f32(base, places, value);
}

/* 0 where the lane is below that of `least`, else the lane. */
static inline nj_v nj_zero_under(nj_v value, nj_v least)
{
    return vpselq_f32(value, vdupq_n_f32(0.0f), vcmpgeq_f32(value, least));
}

/* value * 2^n; n whole, neither value nor result 0 or denormal. */
static inline nj_v nj_shift_exponent(nj_v value, nj_v n)
{
    return vreinterpretq_f32_s32(
        vaddq_s32(vreinterpretq_s32_f32(value), vshlq_n_s32(vcvtq_s32_f32(n), 23)));
}

static inline nj_ints nj_ints_from(const int32_t *from)
{
    return vldrwq_s32(from);
}

/* The same two samples, times `count`, less `sum`. */
static inline void nj_gather_less(const int16_t *base, nj_places places, nj_ints count, nj_ints sum, nj_v *even,
                                  nj_v *odd)
{
    *even = vcvtq_f32_s32(vsubq_s32(vmulq_s32(vldrhq_gather_shifted_offset_s32(base, places), count), sum));
    *odd = vcvtq_f32_s32(vsubq_s32(vmulq_s32(vldrhq_gather_shifted_offset_s32(base + 1, places), count), sum));
}

/* 0 where `place` is not in [from, until), else the lane. */
static inline nj_v nj_zero_outside(nj_v value, int32_t place, nj_ints from, nj_ints until)
{
    const mve_pred16_t inside = vcmpleq_n_s32(from, place) & vcmpgtq_n_s32(until, place);

    return vpselq_f32(value, vdupq_n_f32(0.0f), inside);
}

/* Of `count` samples, a multiple of 8. */
static inline int32_t nj_sum(const int16_t *samples, uint32_t count)
{
    int32_t sum = 0;

    for (; count > 0u; count -= 8u) {
        sum = vaddvaq_s16(sum, vldrhq_s16(samples));
        samples += 8;
    }
    return sum;
}

/* Which of NJ_ALIKE_LANES values have a or b as their bits shifted right by `shift`, NJ_ALIKE_SHIFT to 31: each bit
 * that is set stands for the value NJ_ALIKE_BYTES times its place further. */
#define NJ_ALIKE_LANES 8u
#define NJ_ALIKE_BYTES 2u
#define NJ_ALIKE_SHIFT 16u
static inline uint32_t nj_alike(const float *from, uint32_t shift, uint32_t a, uint32_t b)
{
    const uint16x8_t upper = vld2q_u16((const uint16_t *)(const void *)from).val[1]; /* halves of the words */
    const uint16x8_t top = vshlq_r_u16(upper, 16 - (int32_t)shift);

    return ((uint32_t)vcmpeqq_n_u16(top, (uint16_t)a) | (uint32_t)vcmpeqq_n_u16(top, (uint16_t)b)) & 0x5555u;
}

/* How many of `count` values are `value`; those behind the last whole vector are not counted. */
static inline uint32_t nj_count_equal(const float *values, uint32_t count, float value)
{
    uint32x4_t equal = vdupq_n_u32(0u);

    for (; count >= 4u; count -= 4u) {
        equal = vaddq_m_n_u32(equal, equal, 1u, vcmpeqq_n_f32(vldrwq_f32(values), value));
        values += 4;
    }
    return vaddvq_u32(equal);
}

/* 0 where the lane is below `least`, else the lane. */
static inline nj_v nj_zero_below(nj_v value, float least)
{
    return vpselq_f32(value, vdupq_n_f32(0.0f), vcmpgeq_n_f32(value, least));
}

/* x = 2^(exponent + scale) * m, m in [sqrt(1/2), sqrt(2)); x > 0. */
static inline void nj_take_apart(nj_v x, int32_t scale, nj_v *exponent, nj_v *m)
{
    const int32_t half_root = 0x3F3504F3;
    const int32x4_t bits = vsubq_n_s32(vreinterpretq_s32_f32(x), half_root);

    *exponent = vcvtq_f32_s32(vsubq_n_s32(vshrq_n_s32(bits, 23), scale));
    *m = vreinterpretq_f32_s32(vaddq_n_s32(vandq_s32(bits, vdupq_n_s32(0x7FFFFF)), half_root));
}

/* Round half away from zero, add, saturate. */
static inline void nj_store_steps(int8_t *steps, nj_v value, int32_t zero_point)
{
    int32x4_t step = vqaddq_n_s32(vcvtaq_s32_f32(value), zero_point);

    step = vmaxq_s32(vminq_s32(step, vdupq_n_s32(127)), vdupq_n_s32(-128));
    vstrbq_s32(steps, step);
}

#endif
