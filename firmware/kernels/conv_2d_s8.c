/* CONV_2D. SPDX-License-Identifier: MIT */
#include <stdbool.h>

#include "nj_helium.h"
#include "nj_requantize.h"

#if NJ_HELIUM

/* The part of one window row from (y, x) on that counts as one step after the other in memory. */
static int32x4_t nj_conv_run(const struct nj_convolution *op, int32x4_t acc, const int8_t *input, struct nj_rows rows,
                             int32_t y, int32_t x, int32_t width)
{
    const int32_t channels = op->input.channels;
    if (y < 0 || y >= op->input.height) {
        return nj_dot_padding_x4(acc, op->input_zero_point, rows, width * channels);
    }
    const int32_t begin = nj_clamp(-x, 0, width);
    const int32_t end = nj_clamp(op->input.width - x, begin, width);
    const int8_t *step = input + (y * op->input.width + x + begin) * channels;
    if (begin > 0) {
        acc = nj_dot_padding_x4(acc, op->input_zero_point, rows, begin * channels);
    }
    acc = nj_dot_x4(acc, step, nj_rows_skip(rows, begin * channels), (end - begin) * channels);
    if (end < width) {
        acc = nj_dot_padding_x4(acc, op->input_zero_point, nj_rows_skip(rows, end * channels),
                                (width - end) * channels);
    }
    return acc;
}

/* Four accumulators of the window whose first place is (row, column). */
static int32x4_t nj_conv_accumulate(const struct nj_convolution *op, int32x4_t acc, const int8_t *input,
                                    struct nj_rows rows, int32_t row, int32_t column)
{
    const struct nj_window *window = &op->window;
    /* Without dilation a window row is one run; with it every place is a run of its own. */
    const int32_t run = window->dilation_width == 1 ? window->width : 1;
    for (int32_t ky = 0; ky < window->height; ky++) {
        const int32_t y = row + ky * window->dilation_height;
        for (int32_t kx = 0; kx < window->width; kx += run) {
            acc = nj_conv_run(op, acc, input, rows, y, column + kx * window->dilation_width, run);
            rows = nj_rows_skip(rows, run * op->input.channels);
        }
    }
    return acc;
}

/* Four output channels at a time over the whole image, so that their weights and scales stay where they are. */
void nj_conv_2d_s8(const struct nj_convolution *op, const int8_t *input, int8_t *output)
{
    const int32_t channels = op->output.channels;
    const int32_t window_size = op->window.height * op->window.width * op->input.channels;
    const bool pointwise = op->window.height == 1 && op->window.width == 1 && op->window.pad_top == 0 &&
                           op->window.pad_left == 0;
    for (int32_t oc = 0; oc < channels; oc += 4) {
        const mve_pred16_t lanes = vctp32q((uint32_t)(channels - oc));
        const int32x4_t bias = vldrwq_z_s32(op->bias + oc, lanes);
        const struct nj_requant_x4 scale = nj_requant_load(op->requant + oc, lanes);
        const struct nj_rows rows = nj_rows_of(op->weights + oc * window_size, window_size, channels - oc);
        int8_t *place = output + oc;
        for (int32_t oy = 0; oy < op->output.height; oy++) {
            const int32_t row = oy * op->window.stride_height - op->window.pad_top;
            for (int32_t ox = 0; ox < op->output.width; ox++, place += channels) {
                const int32_t column = ox * op->window.stride_width - op->window.pad_left;
                const int32x4_t acc =
                    pointwise
                        ? nj_dot_x4(bias, input + (row * op->input.width + column) * window_size, rows, window_size)
                        : nj_conv_accumulate(op, bias, input, rows, row, column);
                const int32x4_t scaled = nj_requantize_x4(acc, scale, op->rounding);
                const int32x4_t steps = nj_clamp_x4(vaddq_n_s32(scaled, op->output_zero_point), op->activation_min,
                                                    op->activation_max);
                vstrbq_p_s32(place, steps, lanes);
            }
        }
    }
}

#else

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

#endif
