/* DEPTHWISE_CONV_2D with packed weights. SPDX-License-Identifier: MIT */
#include <stdbool.h>
#include <string.h>

#include "nj_depthwise.h"
#include "nj_inside.h"
#include "nj_requantize.h"

enum { NJ_LANES = 16, NJ_NINE = 9 };

#if NJ_HELIUM

/* Where each tap of the window whose first place is (row, column) begins; a padded one in the row of zero points. Returns
 * whether none is padded. */
static bool nj_taps(const struct nj_packed_depthwise *op, const int8_t *input, const int8_t **tap, int32_t row,
                    int32_t column)
{
    const struct nj_window *window = &op->window;
    const int8_t **const first = tap;
    const int32_t width = window->width;
    const int32_t reach = op->input.width - column; /* columns from here on are beyond the image */
    const int32_t pitch = window->dilation_height * op->input.width * op->input.channels;
    const int32_t next = window->dilation_width * op->input.channels;
    const int8_t *line = input + (row * op->input.width + column) * op->input.channels;
    bool whole = true;
    for (int32_t ky = 0; ky < window->height; ky++, line += pitch) {
        const bool inside = (uint32_t)(row + ky * window->dilation_height) < (uint32_t)op->input.height;
        const int8_t *place = line;
        if (inside && column >= 0 && (width - 1) * window->dilation_width < reach) {
            for (int32_t kx = 0; kx < width; kx++, place += next) {
                *tap++ = place;
            }
        } else {
            whole = false;
            for (int32_t kx = 0, x = column; kx < width; kx++, x += window->dilation_width, place += next) {
                *tap++ = inside && (uint32_t)x < (uint32_t)op->input.width ? place : op->padding;
            }
        }
    }
    *tap = *first; /* of the zeros that make their number even */
    return whole;
}

/* Neighbouring places that one group of lanes takes at a time: with few channels, places next to each other in a row lie
 * next to each other in memory, and the group's lanes repeat the channels. */
static int32_t nj_side_by_side(const struct nj_packed_depthwise *op)
{
    const int32_t channels = op->output.channels;
    return op->window.stride_width == 1 && NJ_LANES % channels == 0 ? NJ_LANES / channels : 1;
}

/* The loop of 9 taps, whose last vector of a place needs channels in fours. */
static bool nj_is_nine(const struct nj_packed_depthwise *op)
{
    return op->window.height * op->window.width == NJ_NINE && op->output.channels % 4 == 0;
}

/* `height` x `width` places from (oy, ox) on, of which a tap is padded at all or at none, in runs along the longer side. */
static void nj_depthwise_block(const struct nj_packed_depthwise *op, const int8_t *input, int8_t *output,
                               struct nj_depthwise *depthwise, int32_t oy, int32_t ox, int32_t height, int32_t width)
{
    const struct nj_window *window = &op->window;
    const bool whole = nj_taps(op, input, depthwise->tap, oy * window->stride_height - window->pad_top,
                               ox * window->stride_width - window->pad_left);
    const bool nine = nj_is_nine(op);
    if (!nine && !whole && height * width > 1) { /* its taps all move alike */
        for (int32_t i = 0; i < height * width; i++) {
            nj_depthwise_block(op, input, output, depthwise, oy + i / width, ox + i % width, 1, 1);
        }
        return;
    }
    const int32_t together = nj_side_by_side(op);
    const bool wide = together > 1 && width >= together;
    const bool down = !wide && height > width;
    const int32_t channels = wide ? NJ_LANES : op->output.channels;
    const int32_t walked = (channels + NJ_LANES - 1) / NJ_LANES * NJ_LANES;
    const int32_t right = window->stride_width * (wide ? NJ_LANES : op->input.channels);
    const int32_t below = window->stride_height * op->input.width * op->input.channels;
    const int32_t pitch = op->output.width * op->output.channels;
    const int32_t places = wide ? width / together : down ? height : width;
    const int32_t step = down ? below : right;
    const int32_t stride = down ? pitch : channels;
    depthwise->channels = channels;
    depthwise->back = stride - walked;
    depthwise->moves = step;
    int32_t line = down ? right : below;
    if (nine) {
        depthwise->moves = 0;
        for (int32_t t = 0; t < NJ_NINE && places > 1; t++) {
            depthwise->step[t] = depthwise->tap[t] == op->padding ? 0 : step;
            depthwise->moves |= depthwise->step[t] - walked;
        }
        line -= depthwise->moves != 0 ? places * step : 0;
    }
    void (*const run)(const struct nj_depthwise *) =
        nine ? (op->relu ? nj_depthwise_9_relu : nj_depthwise_9_clamped)
             : (op->relu ? nj_depthwise_any_relu : nj_depthwise_any_clamped);
    int8_t *y = output + oy * pitch + ox * op->output.channels;
    for (int32_t left = down ? width : height; left > 0; left--) {
        depthwise->y = y;
        depthwise->end = y + places * stride;
        run(depthwise);
        y += down ? channels : pitch;
        uint32_t *const tap = (uint32_t *)(void *)depthwise->tap;
        for (int32_t t = 0; t < op->taps; t += 4) {
            vst1q_u32(tap + t, vaddq_n_u32(vld1q_u32(tap + t), (uint32_t)line));
        }
    }
}

void nj_depthwise_conv_2d_packed_s8(const struct nj_packed_depthwise *op, const int8_t *input, int8_t *output,
                                    int8_t *scratch)
{
    const struct nj_window *window = &op->window;
    struct nj_depthwise depthwise = {.groups = op->groups,
                                     .zero_point = op->output_zero_point,
                                     .pairs = op->taps / 2,
                                     .tap = (const int8_t **)(void *)scratch};
    vst1q_s8(depthwise.min, vdupq_n_s8((int8_t)op->activation_min));
    vst1q_s8(depthwise.max, vdupq_n_s8((int8_t)op->activation_max));
    const struct nj_inside rows = nj_inside_rows(window, op->input.height, op->output.height);
    const struct nj_inside columns = nj_inside_columns(window, op->input.width, op->output.width);
    const int32_t together = nj_side_by_side(op);
    for (int32_t oy = 0, height; oy < op->output.height; oy += height) {
        height = nj_stretch(rows, oy, 1);
        for (int32_t ox = 0, width; ox < op->output.width; ox += width) {
            width = nj_stretch(columns, ox, together);
            nj_depthwise_block(op, input, output, &depthwise, oy, ox, height, width);
        }
    }
}

#else

/* Where a group keeps the constants of its channel `lane`: even channels first, of these every other one first. */
static int32_t nj_packed_slot(int32_t lane)
{
    return (lane % 2 * 2 + lane / 2 % 2) * (3 * 4) + lane / 4;
}

/* The int32 at `place`, little-endian on every target. */
static int32_t nj_packed_word(const int8_t *place)
{
    int32_t word;
    memcpy(&word, place, sizeof word);
    return word;
}

void nj_depthwise_conv_2d_packed_s8(const struct nj_packed_depthwise *op, const int8_t *input, int8_t *output,
                                    int8_t *scratch)
{
    (void)scratch;
    const struct nj_window *window = &op->window;
    const int32_t channels = op->output.channels;
    for (int32_t oy = 0; oy < op->output.height; oy++) {
        for (int32_t ox = 0; ox < op->output.width; ox++) {
            for (int32_t c = 0; c < channels; c++) {
                const int8_t *group = op->groups + c / NJ_LANES * (NJ_LANES * op->taps + 192);
                const int8_t *constants = group + NJ_LANES * op->taps + 4 * nj_packed_slot(c % NJ_LANES);
                int32_t acc = nj_packed_word(constants);
                for (int32_t ky = 0; ky < window->height; ky++) {
                    const int32_t y = oy * window->stride_height - window->pad_top + ky * window->dilation_height;
                    for (int32_t kx = 0; kx < window->width; kx++) {
                        const int32_t x = ox * window->stride_width - window->pad_left + kx * window->dilation_width;
                        const bool inside = y >= 0 && y < op->input.height && x >= 0 && x < op->input.width;
                        const int32_t step =
                            inside ? input[(y * op->input.width + x) * channels + c] : op->padding[c];
                        acc = nj_add_wrapping(acc, group[NJ_LANES * (ky * window->width + kx) + c % NJ_LANES] * step);
                    }
                }
                const struct nj_requant scale = {nj_packed_word(constants + 16), nj_packed_word(constants + 32)};
                *output++ = (int8_t)nj_clamp(nj_add_wrapping(nj_requantize_double(acc, scale), op->output_zero_point),
                                             op->activation_min, op->activation_max);
            }
        }
    }
}

#endif
