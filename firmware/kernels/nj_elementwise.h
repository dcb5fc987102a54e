/* The walk over two broadcast inputs, and the sum that ADD and SUB share. Internal to the kernels.
 * SPDX-License-Identifier: MIT
 */
#ifndef NJ_ELEMENTWISE_H
#define NJ_ELEMENTWISE_H

#include "nj_helium.h"
#include "nj_requantize.h"

/* One innermost row: `count` outputs, the inputs advancing by stride1 and stride2. */
typedef void nj_elementwise_row(const struct nj_elementwise *op, const int8_t *input1, int32_t stride1,
                                const int8_t *input2, int32_t stride2, int8_t *output, int32_t count);

static inline void nj_elementwise_walk(const struct nj_elementwise *op, const int8_t *input1, const int8_t *input2,
                                       int8_t *output, nj_elementwise_row *row)
{
    for (int32_t a = 0; a < op->shape[0]; a++) {
        for (int32_t b = 0; b < op->shape[1]; b++) {
            for (int32_t c = 0; c < op->shape[2]; c++, output += op->shape[3]) {
                row(op, input1 + a * op->stride1[0] + b * op->stride1[1] + c * op->stride1[2], op->stride1[3],
                    input2 + a * op->stride2[0] + b * op->stride2[1] + c * op->stride2[2], op->stride2[3], output,
                    op->shape[3]);
            }
        }
    }
}

/* An input of ADD or SUB on the scale of the sum. */
static inline int32_t nj_elementwise_scale(const struct nj_elementwise *op, int32_t step, int32_t zero_point,
                                           struct nj_requant scale)
{
    return nj_requantize(nj_shift_left(step - zero_point, op->left_shift), scale, op->rounding);
}

static inline int8_t nj_elementwise_finish(const struct nj_elementwise *op, int32_t acc)
{
    const int32_t scaled = nj_requantize(acc, op->output_requant, op->rounding);
    return (int8_t)nj_clamp(nj_add_wrapping(scaled, op->output_zero_point), op->activation_min, op->activation_max);
}

#if NJ_HELIUM

/* What a row needs in registers. */
struct nj_elementwise_x4 {
    struct nj_requant_x4 scale1;
    struct nj_requant_x4 scale2;
    struct nj_requant_x4 output;
    int32x4_t min;
    int32x4_t max;
};

static inline struct nj_elementwise_x4 nj_elementwise_begin(const struct nj_elementwise *op)
{
    return (struct nj_elementwise_x4){nj_requant_repeat(op->requant1), nj_requant_repeat(op->requant2),
                                      nj_requant_repeat(op->output_requant), vdupq_n_s32(op->activation_min),
                                      vdupq_n_s32(op->activation_max)};
}

/* Four steps from `i` on, less the zero point; the innermost stride of a broadcast is 0 or 1. */
static inline int32x4_t nj_elementwise_load(const int8_t *input, int32_t stride, int32_t i, int32_t zero_point,
                                            mve_pred16_t lanes)
{
    const int32x4_t steps = stride == 1 ? vldrbq_z_s32(input + i, lanes) : vdupq_n_s32(input[0]);
    return vsubq_n_s32(steps, zero_point);
}

static inline int32x4_t nj_elementwise_scale_x4(const struct nj_elementwise *op, int32x4_t value,
                                                struct nj_requant_x4 scale)
{
    return nj_requantize_x4(vshlq_r_s32(value, op->left_shift), scale, op->rounding);
}

static inline void nj_elementwise_store(const struct nj_elementwise *op, const struct nj_elementwise_x4 *row,
                                        int32x4_t acc, int8_t *output, mve_pred16_t lanes)
{
    const int32x4_t scaled = vaddq_n_s32(nj_requantize_x4(acc, row->output, op->rounding), op->output_zero_point);
    vstrbq_p_s32(output, vminq_s32(vmaxq_s32(scaled, row->min), row->max), lanes);
}

#endif
#endif
