/* FULLY_CONNECTED with packed weights. SPDX-License-Identifier: MIT */
#include <string.h>

#include "nj_helium.h"
#include "nj_requantize.h"

enum { NJ_GROUP = 4, NJ_BLOCK = 16, NJ_CONSTANTS = 9 * NJ_GROUP }; /* the latter: bytes of a group's requant */

#if NJ_HELIUM

/* Four outputs' sums of weight * step over `blocks` blocks of 16 steps. gcc's own loop of the same takes more than twice
 * as many instructions. */
static inline int32x4_t nj_dot_group(const int8_t *step, const int8_t **weights, int32_t blocks)
{
    int32_t a0 = 0;
    int32_t a1 = 0;
    int32_t a2 = 0;
    int32_t a3 = 0;
    const int8_t *walk = *weights;
    __asm__ volatile("wls lr, %[blocks], 2f\n"
                     "1:\n"
                     "vldrb.8 q0, [%[step]], #16\n"
                     "vldrw.32 q1, [%[walk]], #16\n"
                     "vmladava.s8 %[a0], q0, q1\n"
                     "vldrw.32 q2, [%[walk]], #16\n"
                     "vmladava.s8 %[a1], q0, q2\n"
                     "vldrw.32 q1, [%[walk]], #16\n"
                     "vmladava.s8 %[a2], q0, q1\n"
                     "vldrw.32 q2, [%[walk]], #16\n"
                     "vmladava.s8 %[a3], q0, q2\n"
                     "le lr, 1b\n"
                     "2:\n"
                     : [a0] "+Te"(a0), [a1] "+Te"(a1), [a2] "+Te"(a2), [a3] "+Te"(a3), [step] "+r"(step),
                       [walk] "+r"(walk)
                     : [blocks] "r"(blocks)
                     : "lr", "cc", "memory", "q0", "q1", "q2");
    *weights = walk;
    int32x4_t sum = vdupq_n_s32(a0);
    sum = vsetq_lane_s32(a1, sum, 1);
    sum = vsetq_lane_s32(a2, sum, 2);
    return vsetq_lane_s32(a3, sum, 3);
}

void nj_fully_connected_packed_s8(const struct nj_packed_fully_connected *op, const int8_t *input, int8_t *output)
{
    const int32_t blocks = (op->inputs + NJ_BLOCK - 1) / NJ_BLOCK;
    const int32_t outputs = op->outputs;
    const int32_t zero_point = op->output_zero_point;
    const int32x4_t min = vdupq_n_s32(op->activation_min);
    const int32x4_t max = vdupq_n_s32(op->activation_max);
    for (int32_t batch = 0; batch < op->batches; batch++, input += op->inputs) {
        const int8_t *weights = op->weights;
        const int8_t *requant = op->requant;
        for (int32_t left = outputs; left > 0; left -= NJ_GROUP, requant += NJ_CONSTANTS, output += NJ_GROUP) {
            const int32_t *const words = (const int32_t *)(const void *)requant;
            int32x4_t acc = vaddq_s32(nj_dot_group(input, &weights, blocks), vld1q_s32(words));
            const int32x4_t multiplier = vld1q_s32(words + NJ_GROUP);
            const int32x4_t shift = vldrbq_s32(requant + 8 * NJ_GROUP);
            if (op->rounding == NJ_ROUND_SINGLE) {
                /* Right shifts of the floor of the product; where there is none, vqrdmulh alone rounds once. */
                const int32x4_t shifted = vrshlq_s32(vqdmulhq_s32(acc, multiplier), shift);
                acc = vpselq_s32(vqrdmulhq_s32(acc, multiplier), shifted, vcmpeqq_n_s32(shift, 0));
            } else {
                acc = nj_requantize_double_x4(acc, (struct nj_requant_x4){multiplier, shift});
            }
            acc = vminq_s32(vmaxq_s32(vqaddq_n_s32(acc, zero_point), min), max);
            if (left >= NJ_GROUP) {
                vstrbq_s32(output, acc);
            } else {
                vstrbq_p_s32(output, acc, vctp32q((uint32_t)left));
                output += left - NJ_GROUP;
            }
        }
    }
}

#else

void nj_fully_connected_packed_s8(const struct nj_packed_fully_connected *op, const int8_t *input, int8_t *output)
{
    const int32_t blocks = (op->inputs + NJ_BLOCK - 1) / NJ_BLOCK;
    for (int32_t batch = 0; batch < op->batches; batch++, input += op->inputs) {
        for (int32_t o = 0; o < op->outputs; o++) {
            const int8_t *requant = op->requant + o / NJ_GROUP * NJ_CONSTANTS;
            int32_t words[2 * NJ_GROUP]; /* biases and multipliers, little-endian on every target */
            memcpy(words, requant, sizeof words);
            const int8_t *weights = op->weights + (o / NJ_GROUP * blocks * NJ_GROUP + o % NJ_GROUP) * NJ_BLOCK;
            int32_t acc = words[o % NJ_GROUP];
            for (int32_t i = 0; i < op->inputs; i++) {
                acc = nj_add_wrapping(acc, weights[i / NJ_BLOCK * (NJ_GROUP * NJ_BLOCK) + i % NJ_BLOCK] * input[i]);
            }
            const struct nj_requant scale = {words[NJ_GROUP + o % NJ_GROUP], requant[8 * NJ_GROUP + o % NJ_GROUP]};
            const int32_t scaled = nj_requantize(acc, scale, op->rounding);
            *output++ = (int8_t)nj_clamp(nj_add_wrapping(scaled, op->output_zero_point), op->activation_min,
                                         op->activation_max);
        }
    }
}

#endif
