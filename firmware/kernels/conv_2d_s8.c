/* CONV_2D. SPDX-License-Identifier: MIT */
#include "nj_requantize.h"

/* The accumulator of one output: bias + sum(weight * step) over the window whose first place is (row, column). */
static int32_t nj_conv_accumulate(const struct nj_convolution *op, const int8_t *input, const int8_t *weights, int32_t bias,
                                  int32_t row, int32_t column)
{
    const struct nj_window *window = &op->window;
    const int32_t channels = op->input.channels;
    int32_t acc = bias;
    for (int32_t ky = 0; ky < window->height; ky++) {
        const int32_t y = row + ky * window->dilation_height;
        for (int32_t kx = 0; kx < window->width; kx++) {
            const int32_t x = column + kx * window->dilation_width;
            const int8_t *weight = weights + (ky * window->width + kx) * channels;
            if (y < 0 || y >= op->input.height || x < 0 || x >= op->input.width) {
                for (int32_t c = 0; c < channels; c++) {
                    acc = nj_add_wrapping(acc, weight[c] * op->input_zero_point);
                }
            } else {
                const int8_t *step = input + (y * op->input.width + x) * channels;
                for (int32_t c = 0; c < channels; c++) {
                    acc = nj_add_wrapping(acc, weight[c] * step[c]);
                }
            }
        }
    }
    return acc;
}

void nj_conv_2d_s8(const struct nj_convolution *op, const int8_t *input, int8_t *output)
{
    const int32_t window_size = op->window.height * op->window.width * op->input.channels;
    for (int32_t oy = 0; oy < op->output.height; oy++) {
        const int32_t row = oy * op->window.stride_height - op->window.pad_top;
        for (int32_t ox = 0; ox < op->output.width; ox++) {
            const int32_t column = ox * op->window.stride_width - op->window.pad_left;
            for (int32_t oc = 0; oc < op->output.channels; oc++) {
                const int32_t acc =
                    nj_conv_accumulate(op, input, op->weights + oc * window_size, op->bias[oc], row, column);
                const int32_t scaled = nj_requantize(acc, op->requant[oc], op->rounding);
                *output++ = (int8_t)nj_clamp(nj_add_wrapping(scaled, op->output_zero_point), op->activation_min,
                                             op->activation_max);
            }
        }
    }
}
