/* MUL. SPDX-License-Identifier: MIT */
#include "nj_elementwise.h"

#if NJ_HELIUM

#include <stdbool.h>

enum { NJ_MUL_LANES = 8 };

static void nj_mul_row(const struct nj_elementwise *op, const int8_t *input1, int32_t stride1, const int8_t *input2,
                       int32_t stride2, int8_t *output, int32_t count)
{
    const struct nj_elementwise_x4 row = nj_elementwise_begin(op);
    for (int32_t i = 0; i < count; i += 4) {
        const mve_pred16_t lanes = vctp32q((uint32_t)(count - i));
        const int32x4_t a = nj_elementwise_load(input1, stride1, i, op->zero_point1, lanes);
        const int32x4_t b = nj_elementwise_load(input2, stride2, i, op->zero_point2, lanes);
        nj_elementwise_store(op, &row, vmulq_s32(a, b), output + i, lanes);
    }
}

/* What 8 products need, copied: a store of int8 may be one into the parameters, for all that the compiler knows. */
struct nj_mul_x8 {
    int32_t multiplier;
    int32_t shift;
    int16_t zero_point;
    int16x8_t min;
    int16x8_t max;
};

static inline struct nj_mul_x8 nj_mul_begin(const struct nj_elementwise *op)
{
    return (struct nj_mul_x8){op->output_requant.multiplier, op->output_requant.shift, (int16_t)op->output_zero_point,
                              vdupq_n_s16((int16_t)op->activation_min), vdupq_n_s16((int16_t)op->activation_max)};
}

/* 8 steps of NJ_ROUND_DOUBLE with a right shift, from inputs less their zero points: a product has 17 bits at most, and
 * its scaled half fits 16. vrshlq rounds half up; half away from zero is one less of a `negative` number. */
static inline int16x8_t nj_mul_steps(struct nj_mul_x8 by, int16x8_t a, int16x8_t b, bool negative)
{
    int32x4_t even = vqrdmulhq_n_s32(vmullbq_int_s16(a, b), by.multiplier);
    int32x4_t odd = vqrdmulhq_n_s32(vmulltq_int_s16(a, b), by.multiplier);
    if (negative) {
        even = vaddq_s32(even, vshrq_n_s32(even, 31));
        odd = vaddq_s32(odd, vshrq_n_s32(odd, 31));
    }
    even = vrshlq_n_s32(even, by.shift);
    odd = vrshlq_n_s32(odd, by.shift);
    const int16x8_t steps = vaddq_n_s16(vmovntq_s32(vreinterpretq_s16_s32(even), odd), by.zero_point);
    return vminq_s16(vmaxq_s16(steps, by.min), by.max);
}

/* An image by one gate a channel: 8 channels at a time over all places, so that their gates stay in a register. */
static inline void nj_mul_gates(const struct nj_elementwise *op, const int8_t *image, int32_t zero_point,
                                const int8_t *gates, int32_t gate_zero_point, int8_t *output, bool negative)
{
    const struct nj_mul_x8 by = nj_mul_begin(op);
    const int32_t channels = op->shape[3];
    const int16_t zero = (int16_t)zero_point;
    for (int32_t c = 0; c < channels; c += NJ_MUL_LANES) {
        const mve_pred16_t lanes = vctp16q((uint32_t)(channels - c));
        const int16x8_t gate = vsubq_n_s16(vldrbq_z_s16(gates + c, lanes), (int16_t)gate_zero_point);
        const int8_t *source = image + c;
        int8_t *target = output + c;
        if (c + NJ_MUL_LANES <= channels) {
            for (int32_t i = op->shape[2]; i > 0; i--, source += channels, target += channels) {
                const int16x8_t a = vsubq_n_s16(vldrbq_s16(source), zero);
                vstrbq_s16(target, nj_mul_steps(by, a, gate, negative));
            }
            continue;
        }
        for (int32_t i = op->shape[2]; i > 0; i--, source += channels, target += channels) {
            const int16x8_t a = vsubq_n_s16(vldrbq_z_s16(source, lanes), zero);
            vstrbq_p_s16(target, nj_mul_steps(by, a, gate, negative), lanes);
        }
    }
}

static inline int16x8_t nj_mul_load(const int8_t *input, int32_t stride, int32_t i, int32_t zero_point,
                                    mve_pred16_t lanes)
{
    const int16x8_t steps = stride == 1 ? vldrbq_z_s16(input + i, lanes) : vdupq_n_s16(input[0]);
    return vsubq_n_s16(steps, (int16_t)zero_point);
}

/* Rows of which each input is as long as the output, or one step. */
static inline void nj_mul_rows(const struct nj_elementwise *op, const int8_t *input1, const int8_t *input2,
                               int8_t *output, bool negative)
{
    const struct nj_mul_x8 by = nj_mul_begin(op);
    const int32_t count = op->shape[3];
    for (int32_t row = op->shape[2]; row > 0; row--) {
        for (int32_t i = 0; i < count; i += NJ_MUL_LANES) {
            const mve_pred16_t lanes = vctp16q((uint32_t)(count - i));
            const int16x8_t a = nj_mul_load(input1, op->stride1[3], i, op->zero_point1, lanes);
            const int16x8_t b = nj_mul_load(input2, op->stride2[3], i, op->zero_point2, lanes);
            vstrbq_p_s16(output + i, nj_mul_steps(by, a, b, negative), lanes);
        }
        input1 += op->stride1[2];
        input2 += op->stride2[2];
        output += count;
    }
}

static inline void nj_mul_block(const struct nj_elementwise *op, const int8_t *input1, const int8_t *input2,
                                int8_t *output, bool negative)
{
    const bool whole = op->shape[2] > 1 && op->stride1[3] == 1 && op->stride2[3] == 1;
    if (whole && op->stride2[2] == 0) {
        nj_mul_gates(op, input1, op->zero_point1, input2, op->zero_point2, output, negative);
    } else if (whole && op->stride1[2] == 0) {
        nj_mul_gates(op, input2, op->zero_point2, input1, op->zero_point1, output, negative);
    } else {
        nj_mul_rows(op, input1, input2, output, negative);
    }
}

void nj_mul_s8(const struct nj_elementwise *op, const int8_t *input1, const int8_t *input2, int8_t *output)
{
    if (op->rounding != NJ_ROUND_DOUBLE || op->output_requant.shift >= 0) {
        nj_elementwise_walk(op, input1, input2, output, nj_mul_row);
        return;
    }
    const bool negative = op->zero_point1 != INT8_MIN || op->zero_point2 != INT8_MIN;
    for (int32_t a = 0; a < op->shape[0]; a++) {
        for (int32_t b = 0; b < op->shape[1]; b++, output += op->shape[2] * op->shape[3]) {
            const int8_t *one = input1 + a * op->stride1[0] + b * op->stride1[1];
            const int8_t *two = input2 + a * op->stride2[0] + b * op->stride2[1];
            if (negative) {
                nj_mul_block(op, one, two, output, true);
            } else {
                nj_mul_block(op, one, two, output, false);
            }
        }
    }
}

#else

static void nj_mul_row(const struct nj_elementwise *op, const int8_t *input1, int32_t stride1, const int8_t *input2,
                       int32_t stride2, int8_t *output, int32_t count)
{
    for (int32_t i = 0; i < count; i++) {
        const int32_t a = input1[i * stride1] - op->zero_point1;
        const int32_t b = input2[i * stride2] - op->zero_point2;
        output[i] = nj_elementwise_finish(op, a * b);
    }
}

void nj_mul_s8(const struct nj_elementwise *op, const int8_t *input1, const int8_t *input2, int8_t *output)
{
    nj_elementwise_walk(op, input1, input2, output, nj_mul_row);
}

#endif
