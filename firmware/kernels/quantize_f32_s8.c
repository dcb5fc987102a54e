/* QUANTIZE. SPDX-License-Identifier: MIT */
#include "nj_helium.h"
#include "nj_requantize.h"

/* No int8 step is further than this from any zero point, and a float this small has all its fraction bits exact. */
#define NJ_QUANTIZE_LIMIT 512.0f

static int8_t nj_quantize(float input, float scale, int32_t zero_point)
{
    float value = input / scale;
    /* Written so that NaN becomes the smallest step. */
    value = value > -NJ_QUANTIZE_LIMIT ? value : -NJ_QUANTIZE_LIMIT;
    value = value < NJ_QUANTIZE_LIMIT ? value : NJ_QUANTIZE_LIMIT;
    int32_t step = (int32_t)value;
    const float rest = value - (float)step;
    step += rest >= 0.5f ? 1 : rest <= -0.5f ? -1 : 0;
    return (int8_t)nj_clamp(step + zero_point, INT8_MIN, INT8_MAX);
}

#if NJ_HELIUM_FLOAT

enum { NJ_TURN = 16 };

/* The quotients of one vector, whose four numbers are also single registers: Helium itself has no division. VMAXNM gives
 * the limit for NaN, and the conversions saturate at the other end. */
#define NJ_STEPS(q, a, b, c, d)                                                                    \
    "vdiv.f32 " a ", " a ", %[scale]\n"                                                            \
    "vdiv.f32 " b ", " b ", %[scale]\n"                                                            \
    "vdiv.f32 " c ", " c ", %[scale]\n"                                                            \
    "vdiv.f32 " d ", " d ", %[scale]\n"                                                            \
    "vmaxnm.f32 " q ", " q ", q4\n"                                                                \
    "vcvta.s32.f32 " q ", " q "\n"

void nj_quantize_f32_s8(const float *input, int8_t *output, size_t count, float scale, int32_t zero_point)
{
    const size_t turns = count / NJ_TURN;
    __asm__ volatile("vdup.32 q4, %[limit]\n"
                     "wls lr, %[turns], 2f\n"
                     "1:\n"
                     "vld40.32 {q0, q1, q2, q3}, [%[input]]\n" /* numbers 0 4 8 12, 1 5 9 13 ... */
                     "vld41.32 {q0, q1, q2, q3}, [%[input]]\n"
                     "vld42.32 {q0, q1, q2, q3}, [%[input]]\n"
                     "vld43.32 {q0, q1, q2, q3}, [%[input]]!\n"
                     NJ_STEPS("q0", "s0", "s1", "s2", "s3")
                     NJ_STEPS("q1", "s4", "s5", "s6", "s7")
                     NJ_STEPS("q2", "s8", "s9", "s10", "s11")
                     NJ_STEPS("q3", "s12", "s13", "s14", "s15")
                     "vqmovnb.s32 q0, q0\n"
                     "vqmovnt.s32 q0, q2\n" /* the even ones */
                     "vqmovnb.s32 q1, q1\n"
                     "vqmovnt.s32 q1, q3\n"
                     "vqadd.s16 q0, q0, %[zero]\n"
                     "vqadd.s16 q1, q1, %[zero]\n"
                     "vqmovnb.s16 q0, q0\n"
                     "vqmovnt.s16 q0, q1\n"
                     "vstrb.8 q0, [%[output]], #16\n"
                     "le lr, 1b\n"
                     "2:\n"
                     : [input] "+r"(input), [output] "+r"(output)
                     : [turns] "r"(turns), [scale] "t"(scale), [zero] "r"(zero_point), [limit] "r"(0xC4000000U)
                     : "lr", "cc", "memory", "q0", "q1", "q2", "q3", "q4");
    for (size_t left = count % NJ_TURN; left > 0; left--) {
        *output++ = nj_quantize(*input++, scale, zero_point);
    }
}

_Static_assert(NJ_QUANTIZE_LIMIT == 512.0f, "0xC4000000 is -512");

#else

void nj_quantize_f32_s8(const float *input, int8_t *output, size_t count, float scale, int32_t zero_point)
{
    for (size_t i = 0; i < count; i++) {
        output[i] = nj_quantize(input[i], scale, zero_point);
    }
}

#endif
