/* The patches of a convolution, copied together where they do not lie in the image. Internal to the kernels.
 * SPDX-License-Identifier: MIT
 */
#ifndef NJ_PATCH_H
#define NJ_PATCH_H

#include "nj_helium.h"
#include "nj_layers.h"

enum { NJ_BLOCK = 16 }; /* steps of a vector */

#if NJ_HELIUM

static inline void nj_copy(int8_t *target, const int8_t *source, int32_t count)
{
    while (count >= NJ_BLOCK) {
        vst1q_s8(target, vld1q_s8(source));
        target += NJ_BLOCK;
        source += NJ_BLOCK;
        count -= NJ_BLOCK;
    }
    if (count > 0) {
        const mve_pred16_t lanes = vctp8q((uint32_t)count);
        vstrbq_p_s8(target, vldrbq_z_s8(source, lanes), lanes);
    }
}

/* The patches of `count` places of a row, without dilation along it and without padding. Runs are copied in whole vectors,
 * whose surplus the next run overwrites. */
static inline void nj_patch_run(const struct nj_packed_convolution *op, const int8_t *source, int8_t *patch, int32_t count)
{
    const int32_t channels = op->input.channels;
    const int32_t height = op->window.height;
    const int32_t run = op->window.width * channels;
    const int32_t pitch = op->window.dilation_height * op->input.width * channels;
    const int32_t next = op->window.stride_width * channels;
    const int32_t size = op->patch;
    const int32_t vectors = (run + NJ_BLOCK - 1) / NJ_BLOCK;
    const int32_t back = pitch - vectors * NJ_BLOCK;
    if (vectors == 1 && height == 3) { /* the usual window: its inner loop would cost more than the copies */
        for (; count > 0; count--, source += next, patch += size) {
            const int8_t *second = source + pitch;
            vst1q_s8(patch, vld1q_s8(source));
            vst1q_s8(patch + run, vld1q_s8(second));
            vst1q_s8(patch + 2 * run, vld1q_s8(second + pitch));
        }
        return;
    }
    if (vectors == 1) {
        for (; count > 0; count--, source += next, patch += size) {
            const int8_t *from = source;
            int8_t *to = patch;
            for (int32_t ky = height; ky > 0; ky--) {
                vst1q_s8(to, vld1q_s8(from));
                from += pitch;
                to += run;
            }
        }
        return;
    }
    for (; count > 0; count--, source += next, patch += size) {
        const int8_t *from = source;
        int8_t *to = patch;
        for (int32_t ky = height; ky > 0; ky--, from += back, to += run) {
            int8_t *target = to;
            for (int32_t left = vectors; left > 0; left--) {
                vst1q_s8(target, vld1q_s8(from));
                target += NJ_BLOCK;
                from += NJ_BLOCK;
            }
        }
    }
}

/* The patch of a window whose rows are runs of at most 16 bytes and see padding: a vector a row. */
static inline void nj_patch_narrow(const struct nj_packed_convolution *op, const int8_t *input, int8_t *patch, int32_t row,
                            int32_t column)
{
    const int32_t channels = op->input.channels;
    const int32_t width = op->window.width;
    const int32_t run = width * channels;
    const int32_t pitch = op->window.dilation_height * op->input.width * channels;
    const int8_t *source = input + (row * op->input.width + column) * channels;
    const int8x16_t zero = vdupq_n_s8((int8_t)op->input_zero_point);
    const int32_t begin = nj_clamp(-column, 0, width) * channels;
    const int32_t end = nj_clamp(op->input.width - column, 0, width) * channels;
    const mve_pred16_t inside = (mve_pred16_t)(vctp8q((uint32_t)end) & ~vctp8q((uint32_t)begin));
    const int8x16_t beside = vpselq_s8(vdupq_n_s8(0), zero, inside);
    const int32_t down = op->window.dilation_height;
    int32_t left = op->window.height;
    for (; left > 0 && row < 0; left--, row += down, source += pitch, patch += run) {
        vst1q_s8(patch, zero);
    }
    for (; left > 0 && row < op->input.height; left--, row += down, source += pitch, patch += run) {
        vst1q_s8(patch, vorrq_s8(vldrbq_z_s8(source, inside), beside));
    }
    for (; left > 0; left--, patch += run) {
        vst1q_s8(patch, zero);
    }
}

/* The patch whose first place is (row, column), gathered into `patch`: zero points, and over them what is inside. */
static inline void nj_patch_copy(const struct nj_packed_convolution *op, const int8_t *input, int8_t *patch, int32_t row,
                          int32_t column)
{
    const struct nj_window *window = &op->window;
    const int32_t channels = op->input.channels;
    const int32_t line = window->width * channels;
    const int32_t pitch = op->input.width * channels;
    const int8x16_t zero = vdupq_n_s8((int8_t)op->input_zero_point);
    for (int32_t i = 0; i < op->patch; i += NJ_BLOCK) {
        vst1q_s8(patch + i, zero);
    }
    if (window->dilation_width > 1) {
        for (int32_t ky = 0, y = row; ky < window->height; ky++, y += window->dilation_height) {
            for (int32_t kx = 0, x = column; kx < window->width; kx++, x += window->dilation_width, patch += channels) {
                if (y >= 0 && y < op->input.height && x >= 0 && x < op->input.width) {
                    nj_copy(patch, input + y * pitch + x * channels, channels);
                }
            }
        }
        return;
    }
    const int32_t begin = nj_clamp(-column, 0, window->width) * channels;
    const int32_t end = nj_clamp(op->input.width - column, 0, window->width) * channels;
    const int8_t *source = input + row * pitch + column * channels + begin;
    patch += begin;
    for (int32_t ky = 0, y = row; ky < window->height; ky++, y += window->dilation_height) {
        if (y >= 0 && y < op->input.height) {
            nj_copy(patch, source, end - begin);
        }
        patch += line;
        source += window->dilation_height * pitch;
    }
}

#endif
#endif
