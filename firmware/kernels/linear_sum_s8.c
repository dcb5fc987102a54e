/* ADD and SUB as a linear form. SPDX-License-Identifier: MIT */
#include "nj_helium.h"
#include "nj_requantize.h"

#if NJ_HELIUM

enum { NJ_TURN = 16, NJ_QUARTER = 4 };

/* factor1 * a + factor2 * b + offset of 4 pairs of steps. */
static inline int32x4_t nj_sums(int32x4_t factor1, int32_t factor2, int32_t offset, int32x4_t a, int32x4_t b)
{
    return vmlaq_n_s32(vmlasq_n_s32(a, factor1, offset), b, factor2);
}

/* Where narrowing twice leaves each of 16 numbers. */
static const uint8_t nj_place[NJ_TURN] = {0, 8, 4, 12, 1, 9, 5, 13, 2, 10, 6, 14, 3, 11, 7, 15};

#define NJ_SUMS(sum, b, at)                             \
    "vldrb.s32 " sum ", [%[input1], #" at "]\n"         \
    "vldrb.s32 " b ", [%[input2], #" at "]\n"           \
    "vmlas.s32 " sum ", q4, %[offset]\n"                \
    "vmla.s32 " sum ", " b ", %[factor2]\n"

/* `turns` times 16 sums, shifted by 16 and narrowed to 16 bits, then by `rest` and narrowed to 8: the floor of a floor.
 * q2 and q1 hold the 16-bit halves that `narrow` makes q0 of. gcc's own code of the same takes half as many instructions
 * again. */
#define NJ_SUM_TURNS(narrow, start, rest_class, rest)                                                                 \
    __asm__ volatile("vldrb.8 q5, [%[place]]\n"                                                                       \
                     "vdup.32 q4, %[factor1]\n"                                                                       \
                     "vdup.8 q6, %[min]\n"                                                                            \
                     "vdup.8 q7, %[max]\n"                                                                            \
                     "wls lr, %[turns], 2f\n"                                                                         \
                     "1:\n"                                                                                           \
                     NJ_SUMS("q0", "q1", "4")                                                                         \
                     NJ_SUMS("q1", "q2", "8")                                                                         \
                     NJ_SUMS("q2", "q3", "12")                                                                        \
                     "vshrnb.i32 q1, q1, #16\n"                                                                       \
                     "vshrnt.i32 q1, q2, #16\n"                                                                       \
                     "vldrb.s32 q2, [%[input1]], #16\n"                                                               \
                     "vldrb.s32 q3, [%[input2]], #16\n"                                                               \
                     "vmlas.s32 q2, q4, %[offset]\n"                                                                  \
                     "vmla.s32 q2, q3, %[factor2]\n"                                                                  \
                     "vshrnb.i32 q2, q2, #16\n"                                                                       \
                     "vshrnt.i32 q2, q0, #16\n"                                                                       \
                     narrow                                                                                           \
                     "vmax.s8 q0, q0, q6\n"                                                                           \
                     "vmin.s8 q0, q0, q7\n"                                                                           \
                     "vstrb.8 q0, [%[output], q5]\n"                                                                  \
                     "add %[output], %[output], #16\n"                                                                \
                     "le lr, 1b\n"                                                                                    \
                     "2:\n"                                                                                           \
                     : [input1] "+l"(input1), [input2] "+l"(input2), [output] "+r"(output)                            \
                     : [turns] "r"(turns), [place] "r"(nj_place), [factor1] "r"(op->factor1),                         \
                       [factor2] "r"(op->factor2), [offset] "r"(start), [min] "r"(op->activation_min),                \
                       [max] "r"(op->activation_max), [shift] rest_class(rest)                                        \
                     : "lr", "cc", "memory", "q0", "q1", "q2", "q3", "q4", "q5", "q6", "q7")

/* Of a shift by NJ_LINEAR_SHIFT. The narrowing rounds, so one half is taken off before. (VQSHRN would not round, but
 * binutils 2.40 assembles VQRSHRN in its place.) */
static inline void nj_sum_turns(const struct nj_linear_sum *op, const int8_t *input1, const int8_t *input2,
                                int8_t *output, size_t turns)
{
    NJ_SUM_TURNS("vqrshrnb.s16 q0, q2, %[shift]\n"
                 "vqrshrnt.s16 q0, q1, %[shift]\n",
                 op->offset - (1 << (NJ_LINEAR_SHIFT - 1)), "i", NJ_LINEAR_SHIFT - 16);
}

/* Of any shift from 16 on. */
static inline void nj_sum_turns_any(const struct nj_linear_sum *op, const int8_t *input1, const int8_t *input2,
                                    int8_t *output, size_t turns)
{
    NJ_SUM_TURNS("vshl.s16 q2, %[shift]\n"
                 "vshl.s16 q1, %[shift]\n"
                 "vqmovnb.s16 q0, q2\n"
                 "vqmovnt.s16 q0, q1\n",
                 op->offset, "r", 16 - op->shift);
}

void nj_linear_sum_s8(const struct nj_linear_sum *op, const int8_t *input1, const int8_t *input2, int8_t *output,
                      size_t count)
{
    const int32x4_t factor1 = vdupq_n_s32(op->factor1);
    const int32x4_t min = vdupq_n_s32(op->activation_min);
    const int32x4_t max = vdupq_n_s32(op->activation_max);
    const int32_t factor2 = op->factor2;
    const int32_t offset = op->offset;
    const int32_t shift = -op->shift;
    const size_t whole = op->shift >= 16 ? count - count % NJ_TURN : 0;
    if (op->shift == NJ_LINEAR_SHIFT) {
        nj_sum_turns(op, input1, input2, output, whole / NJ_TURN);
    } else {
        nj_sum_turns_any(op, input1, input2, output, whole / NJ_TURN);
    }
    for (size_t i = whole; i < count; i += NJ_QUARTER) {
        const mve_pred16_t lanes = vctp32q((uint32_t)(count - i));
        const int32x4_t sum =
            nj_sums(factor1, factor2, offset, vldrbq_z_s32(input1 + i, lanes), vldrbq_z_s32(input2 + i, lanes));
        vstrbq_p_s32(output + i, vminq_s32(vmaxq_s32(vshlq_r_s32(sum, shift), min), max), lanes);
    }
}

#else

void nj_linear_sum_s8(const struct nj_linear_sum *op, const int8_t *input1, const int8_t *input2, int8_t *output,
                      size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const int32_t sum = op->factor1 * input1[i] + op->factor2 * input2[i] + op->offset;
        output[i] = (int8_t)nj_clamp(sum >> op->shift, op->activation_min, op->activation_max);
    }
}

#endif
