/* TRANSPOSE_CONV. SPDX-License-Identifier: MIT */
#include <string.h>

#include "nj_helium.h"
#include "nj_requantize.h"

/* Taps that meet an output along one dimension: of every `stride`-th row of the window, all of which count. */
static int32_t nj_taps(int32_t window, int32_t stride)
{
    return (window + stride - 1) / stride;
}

/* The steps that the taps of one output meet, [tap row][tap column][input channel], zero points outside the image. */
static void nj_transpose_conv_patch(const struct nj_transpose_conv *op, const int8_t *input, int32_t row, int32_t column,
                                    int8_t *patch)
{
    const struct nj_image *image = &op->input;
    const int32_t rows = nj_taps(op->window.height, op->window.stride_height);
    const int32_t columns = nj_taps(op->window.width, op->window.stride_width);
    const size_t channels = (size_t)image->channels;
    for (int32_t y = row; y > row - rows; y--) {
        for (int32_t x = column; x > column - columns; x--, patch += channels) {
            if (y < 0 || y >= image->height || x < 0 || x >= image->width) {
                memset(patch, op->input_zero_point, channels);
            } else {
                memcpy(patch, input + (y * image->width + x) * image->channels, channels);
            }
        }
    }
}

#if NJ_HELIUM

static void nj_transpose_conv_outputs(const struct nj_transpose_conv *op, const int8_t *patch, int32_t length,
                                      const int8_t *weights, const int32_t *bias, int8_t *output)
{
    for (int32_t o = 0; o < op->output.channels; o += 4) {
        const int32_t left = nj_clamp(op->output.channels - o, 0, 4);
        const mve_pred16_t lanes = vctp32q((uint32_t)left);
        const struct nj_rows rows = nj_rows_of(weights + o * length, length, left);
        const int32x4_t acc = nj_dot_x4(vldrwq_z_s32(bias + o, lanes), patch, rows, length);
        const int32x4_t scaled = nj_requantize_x4(acc, nj_requant_load(op->requant + o, lanes), op->rounding);
        const int32x4_t step = vaddq_n_s32(scaled, op->output_zero_point);
        vstrbq_p_s32(output + o, nj_clamp_x4(step, op->activation_min, op->activation_max), lanes);
    }
}

#else

static void nj_transpose_conv_outputs(const struct nj_transpose_conv *op, const int8_t *patch, int32_t length,
                                      const int8_t *weights, const int32_t *bias, int8_t *output)
{
    for (int32_t o = 0; o < op->output.channels; o++, weights += length) {
        int32_t acc = bias[o];
        for (int32_t i = 0; i < length; i++) {
            acc = nj_add_wrapping(acc, patch[i] * weights[i]);
        }
        const int32_t scaled = nj_requantize(acc, op->requant[o], op->rounding);
        output[o] = (int8_t)nj_clamp(nj_add_wrapping(scaled, op->output_zero_point), op->activation_min,
                                     op->activation_max);
    }
}

#endif

void nj_transpose_conv_s8(const struct nj_transpose_conv *op, const int8_t *input, int8_t *output, int8_t *scratch)
{
    const struct nj_window *window = &op->window;
    const int32_t length = nj_taps(window->height, window->stride_height) *
                           nj_taps(window->width, window->stride_width) * op->input.channels;
    const int32_t outputs = op->output.channels;
    for (int32_t y = window->pad_top; y < window->pad_top + op->output.height; y++) {
        for (int32_t x = window->pad_left; x < window->pad_left + op->output.width; x++, output += outputs) {
            const int32_t phase = y % window->stride_height * window->stride_width + x % window->stride_width;
            nj_transpose_conv_patch(op, input, y / window->stride_height, x / window->stride_width, scratch);
            nj_transpose_conv_outputs(op, scratch, length, op->weights + phase * outputs * length,
                                      op->bias + phase * outputs, output);
        }
    }
}
