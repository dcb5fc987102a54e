/* The arithmetic of one frame of a convolution.
 *
 * Sums are exact: in 32 bits where the widest values of the frame cannot pass them, which is so for
 * 8-bit features, else in 64.
 * SPDX-License-Identifier: MIT
 */
#include "nj_npu_conv_sum.h"

#include <string.h>

#include "nj_npu_round.h"

/* Bytes from beats that hold `pack` of them, the first lowest. */
static void bytes_of(const int32_t *beats, uint32_t pack, uint32_t count, uint8_t *bytes)
{
    for (uint32_t i = 0; i < count; i++) {
        bytes[i] = (uint8_t)((uint32_t)beats[i / pack] >> 8 * (i % pack));
    }
}

/* The used part of the frame's line `y`, less the zero point. */
static void line_of(const struct nj_npu_conv_state *state, uint32_t y, int32_t *to)
{
    const struct nj_npu_conv *conv = state->conv;
    const int32_t *data = state->features->data + state->features->begin;
    uint32_t count = state->used_width * conv->depth;
    uint32_t first = (y * conv->width + state->left) * conv->depth;
    if (state->pack == 1) {
        for (uint32_t i = 0; i < count; i++) {
            to[i] = nj_npu_low(data[first + i], conv->feature.bytes, conv->feature_unsigned) -
                    conv->subtract;
        }
        return;
    }
    uint32_t beats = (conv->depth + state->pack - 1) / state->pack;
    uint8_t bytes[UINT8_MAX];
    for (uint32_t done = 0; done < count;) {
        uint32_t deep = done % conv->depth;
        uint32_t piece = conv->depth - deep;
        piece = piece < sizeof bytes - 3 ? piece : (uint32_t)sizeof bytes - 3;
        uint64_t at = state->pixel_packed
                          ? (uint64_t)((first + done) / conv->depth) * beats * state->pack + deep
                          : first + done;
        uint32_t skip = (uint32_t)(at % state->pack);
        bytes_of(data + at / state->pack, state->pack, skip + piece, bytes);
        for (uint32_t i = 0; i < piece; i++) {
            to[done + i] =
                nj_npu_low(bytes[skip + i], 1, conv->feature_unsigned) - conv->subtract;
        }
        done += piece;
    }
}

/* The padded frame; the largest size of a value in it. */
static int64_t features_of(struct nj_npu_conv_state *state)
{
    const struct nj_npu_conv *conv = state->conv;
    uint32_t all = state->row * state->lines;
    if (state->frame == 0) {
        for (uint32_t i = 0; i < all; i++) {
            state->wide[i] = conv->pad_value;
        }
    }
    for (uint32_t y = 0; y < state->used_height; y++) {
        uint32_t at = (conv->pad_top + y) * state->row + conv->pad_left * conv->depth;
        line_of(state, state->top + y, state->wide + at);
    }
    int32_t least = 0;
    int32_t most = 0;
    for (uint32_t i = 0; i < all; i++) {
        least = state->wide[i] < least ? state->wide[i] : least;
        most = state->wide[i] > most ? state->wide[i] : most;
    }
    return -(int64_t)least > most ? -(int64_t)least : most;
}

/* A weight of a deep block: groups of eight kernels, the channels of a group together. */
static uint32_t deep_place(uint32_t kernel, uint32_t tap, uint32_t kernels, uint32_t taps)
{
    uint32_t group = kernel / 8;
    uint32_t narrow = kernels - 8 * group < 8 ? kernels - 8 * group : 8;
    return group * 8 * taps + tap * narrow + kernel % 8;
}

/* This unit's kernels, each filled up with zeros. */
static void kernels_of(struct nj_npu_conv_state *state)
{
    const struct nj_npu_conv *conv = state->conv;
    const int32_t *data = state->kernels->data + state->kernels->begin;
    uint32_t first = conv->set_total > 0 ? conv->set_first : 0;
    uint32_t block = (conv->kernels * state->taps + 2) / 3;
    if (conv->deep) {
        data += first / conv->kernels * block;
    } else {
        data += first * state->taps;
    }
    memset(state->kernel, 0, (size_t)conv->kernels * state->taps_room * sizeof *state->kernel);
    for (uint32_t k = 0; k < conv->kernels; k++) {
        int16_t *to = state->kernel + (size_t)k * state->taps_room;
        for (uint32_t tap = 0; tap < state->taps; tap++) {
            int32_t bits;
            if (conv->deep) {
                uint32_t place = deep_place(k, tap, conv->kernels, state->taps);
                bits = data[place / 3] >> 8 * (place % 3);
            } else {
                bits = data[k * state->taps + tap];
            }
            to[tap] = (int16_t)nj_npu_low(bits, 1, conv->kernel_unsigned);
        }
    }
}

static int64_t partial(const struct nj_npu_conv_state *state, const int32_t *sums, uint32_t at)
{
    if (sums == NULL) {
        return 0;
    }
    return (int64_t)nj_npu_low(sums[at], 3, false) * ((int64_t)1
                                                       << state->conv->shift_accumulator);
}

/* Where the window of an output pixel starts in the padded frame. */
static size_t window(const struct nj_npu_conv_state *state, uint32_t pixel)
{
    const struct nj_npu_conv *conv = state->conv;
    uint32_t y = pixel / state->out_width * conv->stride_y;
    uint32_t x = pixel % state->out_width * conv->stride_x;
    return (size_t)y * state->row + (size_t)x * conv->depth;
}

static int32_t dot(const int16_t *restrict a, const int16_t *restrict b, uint32_t count)
{
    int32_t sum = 0;
    for (uint32_t i = 0; i < count; i++) {
        sum += a[i] * b[i];
    }
    return sum;
}

static void sum_narrow(struct nj_npu_conv_state *state, const int32_t *sums, enum nj_npu_tie tie,
                       struct nj_npu_seen *seen)
{
    const struct nj_npu_conv *conv = state->conv;
    uint32_t span = conv->kernel_width * conv->depth;
    uint32_t pixels = state->out_width * state->out_height;
    memset(state->patch, 0, state->taps_room * sizeof *state->patch);
    for (uint32_t pixel = 0; pixel < pixels; pixel++) {
        const int16_t *from = state->narrow + window(state, pixel);
        for (uint32_t y = 0; y < conv->kernel_height; y++) {
            memcpy(state->patch + y * span, from + (size_t)y * state->row, span * sizeof *from);
        }
        for (uint32_t k = 0; k < conv->kernels; k++) {
            uint32_t at = pixel * conv->kernels + k;
            int64_t sum = dot(state->patch, state->kernel + (size_t)k * state->taps_room,
                              state->taps_room);
            state->out[at] = nj_npu_make(sum + partial(state, sums, at), &conv->out, tie, seen);
        }
    }
}

static void sum_wide(struct nj_npu_conv_state *state, const int32_t *sums, enum nj_npu_tie tie,
                     struct nj_npu_seen *seen)
{
    const struct nj_npu_conv *conv = state->conv;
    uint32_t span = conv->kernel_width * conv->depth;
    for (uint32_t at = 0; at < state->results; at++) {
        const int32_t *from = state->wide + window(state, at / conv->kernels);
        const int16_t *kernel = state->kernel + (size_t)(at % conv->kernels) * state->taps_room;
        int64_t sum = partial(state, sums, at);
        for (uint32_t y = 0; y < conv->kernel_height; y++) {
            for (uint32_t i = 0; i < span; i++) {
                sum += (int64_t)from[(size_t)y * state->row + i] * kernel[y * span + i];
            }
        }
        state->out[at] = nj_npu_make(sum, &conv->out, tie, seen);
    }
}

void nj_npu_conv_sum(struct nj_npu_conv_state *state, const int32_t *sums, enum nj_npu_tie tie,
                     struct nj_npu_seen *seen)
{
    int64_t widest = features_of(state);
    kernels_of(state);
    if (widest <= INT16_MAX && widest * UINT8_MAX * state->taps <= INT32_MAX) {
        uint32_t all = state->row * state->lines;
        for (uint32_t i = 0; i < all; i++) {
            state->narrow[i] = (int16_t)state->wide[i];
        }
        sum_narrow(state, sums, tie, seen);
    } else {
        sum_wide(state, sums, tie, seen);
    }
    seen->results += state->results;
}
