/* DEPTHWISE_CONV_2D. SPDX-License-Identifier: MIT */
#include <stdbool.h>

#include "nj_requantize.h"

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
