/* FULLY_CONNECTED with packed weights. SPDX-License-Identifier: MIT */
#include <string.h>

enum { NJ_GROUP = 4, NJ_BLOCK = 16, NJ_CONSTANTS = 9 * NJ_GROUP }; /* the latter: bytes of a group's requant */
#define NJ_BIAS_BYTES NJ_CONSTANTS

#include "nj_dot_groups.h"
#include "nj_requantize.h"

#if NJ_HELIUM

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
            const int32_t next = blocks * NJ_GROUP * NJ_BLOCK;
            const int32x4x2_t sum = nj_dot_two_groups(input, &weights, next, requant, blocks);
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
