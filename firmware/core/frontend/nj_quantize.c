/* Float features to int8 steps, as TFLite's QUANTIZE does.
 * SPDX-License-Identifier: MIT
 */
#include "nj_frontend_stages.h"

#if NJ_HELIUM
enum { TURN = 16 };

/* Where narrowing twice leaves the values of four vectors. */
static const uint8_t place[TURN] = {0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15};

/* `count` values, a multiple of 16. Saturation to 16 bits before the zero point is added changes no step: what it cuts
 * off ends at -128 or 127 all the same. */
static void quantize_turns(const float *features, int8_t *steps, uint32_t count, float scale, int16_t zero_point)
{
    const uint8x16_t places = vld1q_u8(place);

    for (; count > 0u; count -= TURN) {
        const nj_v first = nj_load_next(&features);
        const nj_v second = nj_load_next(&features);
        const nj_v third = nj_load_next(&features);
        const nj_v fourth = nj_load_next(&features);
        register nj_v a __asm__("q0") = first;
        register nj_v b __asm__("q1") = second;
        register nj_v c __asm__("q2") = third;
        register nj_v d __asm__("q3") = fourth;
        __asm__("vdiv.f32 s0, s0, %[by]\n\tvdiv.f32 s1, s1, %[by]\n\tvdiv.f32 s2, s2, %[by]\n\tvdiv.f32 s3, s3, %[by]\n\t"
                "vdiv.f32 s4, s4, %[by]\n\tvdiv.f32 s5, s5, %[by]\n\tvdiv.f32 s6, s6, %[by]\n\tvdiv.f32 s7, s7, %[by]\n\t"
                "vdiv.f32 s8, s8, %[by]\n\tvdiv.f32 s9, s9, %[by]\n\tvdiv.f32 s10, s10, %[by]\n\tvdiv.f32 s11, s11, %[by]\n\t"
                "vdiv.f32 s12, s12, %[by]\n\tvdiv.f32 s13, s13, %[by]\n\tvdiv.f32 s14, s14, %[by]\n\tvdiv.f32 s15, s15, %[by]"
                : "+w"(a), "+w"(b), "+w"(c), "+w"(d)
                : [by] "t"(scale));
        int16x8_t even = vqmovnbq_s32(vreinterpretq_s16_f32(a), vcvtaq_s32_f32(a));
        int16x8_t odd = vqmovnbq_s32(vreinterpretq_s16_f32(b), vcvtaq_s32_f32(b));
        even = vqaddq_n_s16(vqmovntq_s32(even, vcvtaq_s32_f32(c)), zero_point);
        odd = vqaddq_n_s16(vqmovntq_s32(odd, vcvtaq_s32_f32(d)), zero_point);
        vstrbq_scatter_offset_s8(steps, places, vqmovntq_s16(vqmovnbq_s16(vreinterpretq_s8_s16(even), even), odd));
        steps += TURN;
    }
}
#endif

void nj_frontend_quantize(const float *features, int8_t *steps, uint32_t count, float scale, int32_t zero_point)
{
#if NJ_HELIUM
    const uint32_t whole = count / TURN * TURN;
    quantize_turns(features, steps, whole, scale, (int16_t)zero_point);
    features += whole;
    steps += whole;
    count -= whole;
#endif
    for (; count >= NJ_LANES; count -= NJ_LANES) {
        nj_store_steps(steps, nj_divide(nj_load(features), scale), zero_point);
        features += NJ_LANES;
        steps += NJ_LANES;
    }
    if (count > 0u) {
        float lanes[NJ_LANES] = {0};
        int8_t last[NJ_LANES];
        memcpy(lanes, features, count * sizeof(float));
        nj_store_steps(last, nj_divide(nj_load(lanes), scale), zero_point);
        memcpy(steps, last, count);
    }
}
