/* DEPTHWISE_CONV_2D. SPDX-License-Identifier: MIT */
#include <stdbool.h>

#include "nj_helium.h"
#include "nj_requantize.h"

#if NJ_HELIUM

/* Four accumulators of the window whose first place is (row, column): `weights` is where the first one's begin, and
 * `source` which input channel each reads. */
static int32x4_t nj_depthwise_accumulate(const struct nj_convolution *op, int32x4_t acc, const int8_t *input,
                                         const int8_t *weights, uint32x4_t source, int32_t row, int32_t column,
                                         mve_pred16_t lanes)
{
    const struct nj_window *window = &op->window;
    for (int32_t ky = 0; ky < window->height; ky++) {
        const int32_t y = row + ky * window->dilation_height;
        for (int32_t kx = 0; kx < window->width; kx++, weights += op->output.channels) {
            const int32_t x = column + kx * window->dilation_width;
            const int32x4_t weight = vldrbq_z_s32(weights, lanes);
            if (y < 0 || y >= op->input.height || x < 0 || x >= op->input.width) {
                acc = vmlaq_n_s32(acc, weight, op->input_zero_point);
            } else {
                const int8_t *place = input + (y * op->input.width + x) * op->input.channels;
                acc = vaddq_s32(acc, vmulq_s32(weight, vldrbq_gather_offset_z_s32(place, source, lanes)));
            }
        }
    }
    return acc;
}

/* The input channels of output channels oc to oc + 3. */
static uint32x4_t nj_depthwise_source(int32_t oc, int32_t multiplier)
{
    uint32_t source[4];
    for (int i = 0; i < 4; i++) {
        source[i] = (uint32_t)((oc + i) / multiplier);
    }
    return vld1q_u32(source);
}

void nj_depthwise_conv_2d_s8(const struct nj_convolution *op, const int8_t *input, int8_t *output)
{
    const int32_t channels = op->output.channels;
    for (int32_t oc = 0; oc < channels; oc += 4) {
        const mve_pred16_t lanes = vctp32q((uint32_t)(channels - oc));
        const int32x4_t bias = vldrwq_z_s32(op->bias + oc, lanes);
        const struct nj_requant_x4 scale = nj_requant_load(op->requant + oc, lanes);
        const uint32x4_t source = nj_depthwise_source(oc, channels / op->input.channels);
        int8_t *place = output + oc;
        for (int32_t oy = 0; oy < op->output.height; oy++) {
            const int32_t row = oy * op->window.stride_height - op->window.pad_top;
            for (int32_t ox = 0; ox < op->output.width; ox++, place += channels) {
                const int32_t column = ox * op->window.stride_width - op->window.pad_left;
                const int32x4_t acc =
                    nj_depthwise_accumulate(op, bias, input, op->weights + oc, source, row, column, lanes);
                const int32x4_t scaled = nj_requantize_x4(acc, scale, op->rounding);
                const int32x4_t steps = nj_clamp_x4(vaddq_n_s32(scaled, op->output_zero_point), op->activation_min,
                                                    op->activation_max);
                vstrbq_p_s32(place, steps, lanes);
            }
        }
    }
}

#else

/* The accumulator of output channel `oc`, which reads input channel `ic`. */
static int32_t nj_depthwise_accumulate(const struct nj_convolution *op, const int8_t *input, int32_t oc, int32_t ic,
                                       int32_t row, int32_t column)
{
    const struct nj_window *window = &op->window;
    int32_t acc = op->bias[oc];
    for (int32_t ky = 0; ky < window->height; ky++) {
        const int32_t y = row + ky * window->dilation_height;
        for (int32_t kx = 0; kx < window->width; kx++) {
            const int32_t x = column + kx * window->dilation_width;
            const bool inside = y >= 0 && y < op->input.height && x >= 0 && x < op->input.width;
            const int32_t step =
                inside ? input[(y * op->input.width + x) * op->input.channels + ic] : op->input_zero_point;
            const int32_t weight = op->weights[(ky * window->width + kx) * op->output.channels + oc];
            acc = nj_add_wrapping(acc, weight * step);
        }
    }
    return acc;
}

void nj_depthwise_conv_2d_s8(const struct nj_convolution *op, const int8_t *input, int8_t *output)
{
    const int32_t multiplier = op->output.channels / op->input.channels;
    for (int32_t oy = 0; oy < op->output.height; oy++) {
        const int32_t row = oy * op->window.stride_height - op->window.pad_top;
        for (int32_t ox = 0; ox < op->output.width; ox++) {
            const int32_t column = ox * op->window.stride_width - op->window.pad_left;
            for (int32_t oc = 0; oc < op->output.channels; oc++) {
                const int32_t acc = nj_depthwise_accumulate(op, input, oc, oc / multiplier, row, column);
                const int32_t scaled = nj_requantize(acc, op->requant[oc], op->rounding);
                *output++ = (int8_t)nj_clamp(nj_add_wrapping(scaled, op->output_zero_point), op->activation_min,
                                             op->activation_max);
            }
        }
    }
}

#endif
