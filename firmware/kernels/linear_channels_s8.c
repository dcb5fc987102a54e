/* DEPTHWISE_CONV_2D of one place a window, as a linear form of each channel. SPDX-License-Identifier: MIT */
#include "nj_helium.h"
#include "nj_requantize.h"

#if NJ_HELIUM

enum { NJ_TOGETHER = 4 };

/* Four channels at a time over all places, so that their factors and offsets stay in registers. */
void nj_linear_channels_s8(const struct nj_linear_channels *op, const int8_t *input, int8_t *output)
{
    const int32_t channels = op->channels;
    const int32_t shift = -op->shift;
    const int32x4_t min = vdupq_n_s32(op->activation_min);
    const int32x4_t max = vdupq_n_s32(op->activation_max);
    for (int32_t c = 0; c < channels; c += NJ_TOGETHER) {
        const mve_pred16_t lanes = vctp32q((uint32_t)(channels - c));
        const int32x4_t factor = vld1q_s32(op->factor + c);
        const int32x4_t offset = vld1q_s32(op->offset + c);
        const int8_t *source = input + c;
        int8_t *target = output + c;
        if (c + NJ_TOGETHER <= channels) {
            for (int32_t i = op->places; i > 0; i--, source += channels, target += channels) {
                const int32x4_t sum = vaddq_s32(vmulq_s32(vldrbq_s32(source), factor), offset);
                vstrbq_s32(target, vminq_s32(vmaxq_s32(vshlq_r_s32(sum, shift), min), max));
            }
            continue;
        }
        for (int32_t i = 0; i < op->places; i++, source += channels, target += channels) {
            const int32x4_t sum = vaddq_s32(vmulq_s32(vldrbq_z_s32(source, lanes), factor), offset);
            vstrbq_p_s32(target, vminq_s32(vmaxq_s32(vshlq_r_s32(sum, shift), min), max), lanes);
        }
    }
}

#else

void nj_linear_channels_s8(const struct nj_linear_channels *op, const int8_t *input, int8_t *output)
{
    for (int32_t i = 0; i < op->places; i++) {
        for (int32_t c = 0; c < op->channels; c++) {
            const int32_t sum = op->factor[c] * *input++ + op->offset[c];
            *output++ = (int8_t)nj_clamp(sum >> op->shift, op->activation_min, op->activation_max);
        }
    }
}

#endif
