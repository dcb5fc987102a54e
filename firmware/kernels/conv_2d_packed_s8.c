/* CONV_2D with packed weights. SPDX-License-Identifier: MIT */
#include <stdbool.h>

#include "nj_dense.h"
#include "nj_requantize.h"

enum { NJ_GROUP = 4, NJ_BLOCK = 16 };

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

static inline void nj_fill(int8_t *target, int8_t value, int32_t count)
{
    for (int32_t i = 0; i < count; i += NJ_BLOCK) {
        vstrbq_p_s8(target + i, vdupq_n_s8(value), vctp8q((uint32_t)(count - i)));
    }
}

/* The patch of a window whose rows are runs of at most 16 bytes: one predicated vector a row. */
static void nj_patch_narrow(const struct nj_packed_convolution *op, const int8_t *input, int8_t *patch, int32_t row,
                            int32_t column)
{
    const int32_t channels = op->input.channels;
    const int32_t run = op->window.width * channels;
    const int32_t begin = nj_clamp(-column, 0, op->window.width) * channels;
    const int32_t end = nj_clamp(op->input.width - column, 0, op->window.width) * channels;
    const mve_pred16_t lanes = vctp8q((uint32_t)run);
    const mve_pred16_t inside = (mve_pred16_t)(vctp8q((uint32_t)end) & ~vctp8q((uint32_t)begin));
    const int8x16_t zero = vdupq_n_s8((int8_t)op->input_zero_point);
    const int32_t pitch = op->window.dilation_height * op->input.width * channels;
    const int8_t *source = input + (row * op->input.width + column) * channels;
    int32_t left = op->window.height;
    for (; left > 0 && row < 0; left--, row += op->window.dilation_height) {
        vstrbq_p_s8(patch, zero, lanes);
        patch += run;
        source += pitch;
    }
    for (; left > 0 && row < op->input.height; left--, row += op->window.dilation_height) {
        vstrbq_p_s8(patch, vpselq_s8(vldrbq_z_s8(source, inside), zero, inside), lanes);
        patch += run;
        source += pitch;
    }
    for (; left > 0; left--) {
        vstrbq_p_s8(patch, zero, lanes);
        patch += run;
    }
}

/* The patch whose first place is (row, column), gathered into `patch`. */
static void nj_patch_copy(const struct nj_packed_convolution *op, const int8_t *input, int8_t *patch, int32_t row,
                          int32_t column)
{
    const struct nj_window *window = &op->window;
    const int32_t channels = op->input.channels;
    const int32_t pitch = op->input.width * channels;
    /* Without dilation a window row is one run of memory; with it every place is a run of its own. */
    const int32_t run = window->dilation_width == 1 ? window->width : 1;
    const int8_t zero = (int8_t)op->input_zero_point;
    for (int32_t ky = 0; ky < window->height; ky++) {
        const int32_t y = row + ky * window->dilation_height;
        if (y < 0 || y >= op->input.height) {
            nj_fill(patch, zero, window->width * channels);
            patch += window->width * channels;
            continue;
        }
        for (int32_t kx = 0; kx < window->width; kx += run) {
            const int32_t x = column + kx * window->dilation_width;
            const int8_t *source = input + y * pitch + x * channels;
            if (x >= 0 && x + run <= op->input.width) {
                nj_copy(patch, source, run * channels);
            } else {
                const int32_t begin = nj_clamp(-x, 0, run);
                const int32_t end = nj_clamp(op->input.width - x, begin, run);
                nj_fill(patch, zero, run * channels);
                nj_copy(patch + begin * channels, source + begin * channels, (end - begin) * channels);
            }
            patch += run * channels;
        }
    }
}

/* Walks over the output's places. */
struct nj_place_walk {
    int32_t x;
    int32_t row; /* of the window's first place */
    int32_t column;
};

static const int8_t *nj_patch_next(const struct nj_packed_convolution *op, const int8_t *input, int8_t *patch,
                                   bool direct, struct nj_place_walk *walk)
{
    const int8_t *found = patch;
    if (direct) {
        found = input + (walk->row * op->input.width + walk->column) * op->input.channels;
    } else if (op->window.dilation_width == 1 && op->window.width * op->input.channels <= NJ_BLOCK) {
        nj_patch_narrow(op, input, patch, walk->row, walk->column);
    } else {
        nj_patch_copy(op, input, patch, walk->row, walk->column);
    }
    walk->column += op->window.stride_width;
    if (++walk->x == op->output.width) {
        walk->x = 0;
        walk->column = -op->window.pad_left;
        walk->row += op->window.stride_height;
    }
    return found;
}

void nj_conv_2d_packed_s8(const struct nj_packed_convolution *op, const int8_t *input, int8_t *output, int8_t *scratch)
{
    const int32_t channels = op->output.channels;
    const int32_t count = op->output.height * op->output.width;
    const int32_t blocks = op->patch / NJ_BLOCK;
    const int32_t whole = channels / NJ_GROUP; /* groups without a repeated channel */
    const int32_t rest = channels % NJ_GROUP;
    const bool direct = op->window.height == 1 && op->window.width == 1 && op->window.pad_top == 0 &&
                        op->window.pad_left == 0;
    struct nj_place_walk walk = {0, -op->window.pad_top, -op->window.pad_left};
    struct nj_dense dense = {.zero_point = op->output_zero_point,
                             .min = op->activation_min,
                             .max = op->activation_max,
                             .turns = (blocks + NJ_DENSE_BLOCKS - 1) / NJ_DENSE_BLOCKS};
    dense.first = blocks - (dense.turns - 1) * NJ_DENSE_BLOCKS;
    void (*const run)(const struct nj_dense *) = op->half_up ? nj_dense_half_up : nj_dense_half_away;
    for (int32_t i = 0; i < count; i += 2) {
        const bool pair = i + 1 < count;
        dense.x0 = nj_patch_next(op, input, scratch, direct, &walk);
        /* The last place of an odd number goes twice. */
        dense.x1 = pair ? nj_patch_next(op, input, scratch + op->patch, direct, &walk) : dense.x0;
        const int32_t other = pair ? channels : 0;
        if (whole > 0) {
            for (int32_t c = 0; c < NJ_GROUP; c++) {
                dense.place[2 * c] = (uint16_t)c;
                dense.place[2 * c + 1] = (uint16_t)(c + other);
            }
            dense.weights = op->weights;
            dense.requant = op->requant;
            dense.end = op->requant + 3 * NJ_GROUP * whole;
            dense.y = output + i * channels;
            run(&dense);
        }
        if (rest > 0) {
            for (int32_t c = 0; c < NJ_GROUP; c++) {
                const int32_t last = c < rest ? c : rest - 1;
                dense.place[2 * c] = (uint16_t)last;
                dense.place[2 * c + 1] = (uint16_t)(last + other);
            }
            dense.weights = op->weights + NJ_GROUP * op->patch * whole;
            dense.requant = op->requant + 3 * NJ_GROUP * whole;
            dense.end = op->requant + 3 * NJ_GROUP * (whole + 1);
            dense.y = output + i * channels + NJ_GROUP * whole;
            run(&dense);
        }
    }
}

#else

/* Weight `i` of output channel `oc`. */
static int32_t nj_packed_weight(const struct nj_packed_convolution *op, int32_t oc, int32_t i)
{
    const int32_t block = oc / NJ_GROUP * (op->patch / NJ_BLOCK) + i / NJ_BLOCK;
    return op->weights[(block * NJ_GROUP + oc % NJ_GROUP) * NJ_BLOCK + i % NJ_BLOCK];
}

/* The accumulator of one output: bias + sum(weight * step) over the window whose first place is (row, column). */
static int32_t nj_packed_accumulate(const struct nj_packed_convolution *op, const int8_t *input, int32_t oc,
                                    int32_t bias, int32_t row, int32_t column)
{
    const struct nj_window *window = &op->window;
    const int32_t channels = op->input.channels;
    int32_t acc = bias;
    int32_t i = 0;
    for (int32_t ky = 0; ky < window->height; ky++) {
        const int32_t y = row + ky * window->dilation_height;
        for (int32_t kx = 0; kx < window->width; kx++) {
            const int32_t x = column + kx * window->dilation_width;
            const bool inside = y >= 0 && y < op->input.height && x >= 0 && x < op->input.width;
            for (int32_t c = 0; c < channels; c++, i++) {
                const int32_t step =
                    inside ? input[(y * op->input.width + x) * channels + c] : op->input_zero_point;
                acc = nj_add_wrapping(acc, nj_packed_weight(op, oc, i) * step);
            }
        }
    }
    return acc;
}

void nj_conv_2d_packed_s8(const struct nj_packed_convolution *op, const int8_t *input, int8_t *output, int8_t *scratch)
{
    (void)scratch;
    for (int32_t oy = 0; oy < op->output.height; oy++) {
        const int32_t row = oy * op->window.stride_height - op->window.pad_top;
        for (int32_t ox = 0; ox < op->output.width; ox++) {
            const int32_t column = ox * op->window.stride_width - op->window.pad_left;
            for (int32_t oc = 0; oc < op->output.channels; oc++) {
                const int32_t *requant = op->requant + oc / NJ_GROUP * (3 * NJ_GROUP) + oc % NJ_GROUP;
                const int32_t acc = nj_packed_accumulate(op, input, oc, requant[0], row, column);
                const struct nj_requant scale = {requant[NJ_GROUP], requant[2 * NJ_GROUP]};
                const int32_t scaled = nj_requantize_double(acc, scale);
                *output++ = (int8_t)nj_clamp(nj_add_wrapping(scaled, op->output_zero_point), op->activation_min,
                                             op->activation_max);
            }
        }
    }
}

#endif
