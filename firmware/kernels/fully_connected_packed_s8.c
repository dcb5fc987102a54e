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

#define NJ_ROW_PAIR(acc1, acc2)                      \
    "vldrw.32 q1, [%[walk1]], #16\n"                 \
    "vmladava.s8 " acc1 ", q0, q1\n"                 \
    "vldrw.32 q2, [%[walk2]], #16\n"                 \
    "vmladava.s8 " acc2 ", q0, q2\n"
#define NJ_EIGHT_ROWS                                \
    "vldrb.8 q0, [%[step]], #16\n"                   \
    NJ_ROW_PAIR("r0", "r8")                          \
    NJ_ROW_PAIR("r2", "r10")                         \
    NJ_ROW_PAIR("r4", "r12")                         \
    NJ_ROW_PAIR("r6", "lr")

/* The same of two groups at once, added to their biases, over at least one block: the steps are loaded half as often, and
 * all even core registers are accumulators. */
static inline int32x4x2_t nj_dot_two_groups(const int8_t *step, const int8_t **weights, const int8_t *requant,
                                            int32_t blocks)
{
    const int8_t *walk1 = *weights;
    const int8_t *walk2 = walk1 + blocks * NJ_GROUP * NJ_BLOCK;
    int32_t turns = blocks - 1;
    int32x4_t sum1;
    int32x4_t sum2;
    __asm__ volatile("ldm %[requant], {r0, r2, r4, r6}\n"
                     "adds %[requant], %[requant], %[constants]\n"
                     "ldm %[requant], {r8, r10, r12, lr}\n"
                     "lsrs %[turns], %[turns], #1\n"
                     "bcc 2f\n" /* an odd number of blocks begins in the middle */
                     "1:\n" NJ_EIGHT_ROWS
                     "2:\n" NJ_EIGHT_ROWS
                     "subs %[turns], %[turns], #1\n"
                     "bpl 1b\n"
                     "vmov %q[sum1][2], %q[sum1][0], r0, r4\n"
                     "vmov %q[sum1][3], %q[sum1][1], r2, r6\n"
                     "vmov %q[sum2][2], %q[sum2][0], r8, r12\n"
                     "vmov %q[sum2][3], %q[sum2][1], r10, lr\n"
                     : [sum1] "=&w"(sum1), [sum2] "=&w"(sum2), [step] "+r"(step), [walk1] "+r"(walk1),
                       [walk2] "+r"(walk2), [requant] "+r"(requant), [turns] "+r"(turns)
                     : [constants] "i"(NJ_CONSTANTS)
                     : "r0", "r2", "r4", "r6", "r8", "r10", "r12", "lr", "cc", "memory", "q0", "q1", "q2");
    *weights = walk2;
    return (int32x4x2_t){{sum1, sum2}};
}

/* A group's sums, scaled. */
static inline int32x4_t nj_scale_group(int32x4_t acc, const int8_t *requant, enum nj_rounding rounding)
{
    const int32x4_t multiplier = vld1q_s32((const int32_t *)(const void *)requant + NJ_GROUP);
    const int32x4_t shift = vldrbq_s32(requant + 8 * NJ_GROUP);
    if (rounding != NJ_ROUND_SINGLE) {
        return nj_requantize_double_x4(acc, (struct nj_requant_x4){multiplier, shift});
    }
    /* Right shifts of the floor of the product; where there is none, vqrdmulh alone rounds once. */
    const int32x4_t shifted = vrshlq_s32(vqdmulhq_s32(acc, multiplier), shift);
    return vpselq_s32(vqrdmulhq_s32(acc, multiplier), shifted, vcmpeqq_n_s32(shift, 0));
}

/* Where 16-bit lanes go that hold two groups' outputs in turn. */
static const uint16_t nj_place[2 * NJ_GROUP] = {0, 4, 1, 5, 2, 6, 3, 7};

void nj_fully_connected_packed_s8(const struct nj_packed_fully_connected *op, const int8_t *input, int8_t *output)
{
    const int32_t blocks = (op->inputs + NJ_BLOCK - 1) / NJ_BLOCK;
    const enum nj_rounding rounding = op->rounding;
    const int16_t zero_point = (int16_t)op->output_zero_point;
    const int16x8_t min = vdupq_n_s16((int16_t)op->activation_min);
    const int16x8_t max = vdupq_n_s16((int16_t)op->activation_max);
    const uint16x8_t place = vld1q_u16(nj_place);
    for (int32_t batch = 0; batch < op->batches; batch++, input += op->inputs) {
        const int8_t *weights = op->weights;
        const int8_t *requant = op->requant;
        int32_t left = op->outputs;
        for (; left >= 2 * NJ_GROUP; left -= 2 * NJ_GROUP) {
            const int32x4x2_t sum = nj_dot_two_groups(input, &weights, requant, blocks);
            int16x8_t y = vdupq_n_s16(0);
            y = vqmovnbq_s32(y, nj_scale_group(sum.val[0], requant, rounding));
            y = vqmovntq_s32(y, nj_scale_group(sum.val[1], requant + NJ_CONSTANTS, rounding));
            y = vminq_s16(vmaxq_s16(vqaddq_n_s16(y, zero_point), min), max);
            vstrbq_scatter_offset_s16(output, place, y);
            requant += 2 * NJ_CONSTANTS;
            output += 2 * NJ_GROUP;
        }
        for (; left > 0; left -= NJ_GROUP, requant += NJ_CONSTANTS) {
            const int32x4_t bias = vld1q_s32((const int32_t *)(const void *)requant);
            const int32x4_t acc = vaddq_s32(nj_dot_group(input, &weights, blocks), bias);
            int16x8_t y = vqmovnbq_s32(vdupq_n_s16(0), nj_scale_group(acc, requant, rounding));
            y = vminq_s16(vmaxq_s16(vqaddq_n_s16(y, zero_point), min), max);
            const int32_t here = nj_clamp(left, 0, NJ_GROUP);
            vstrbq_p_s32(output, vmovlbq_s16(y), vctp32q((uint32_t)here));
            output += here;
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
