/* CONV_2D with packed weights. SPDX-License-Identifier: MIT */
#include <stdbool.h>
#include <string.h>

#include "nj_dense.h"
#include "nj_requantize.h"

enum { NJ_GROUP = 4, NJ_BLOCK = 16, NJ_CONSTANTS = 9 * NJ_GROUP }; /* the latter: bytes of a group's requant */

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
static void nj_patch_run(const struct nj_packed_convolution *op, const int8_t *source, int8_t *patch, int32_t count)
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
static void nj_patch_narrow(const struct nj_packed_convolution *op, const int8_t *input, int8_t *patch, int32_t row,
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
static void nj_patch_copy(const struct nj_packed_convolution *op, const int8_t *input, int8_t *patch, int32_t row,
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

/* The inner loop of an op, with its list of turns at the beginning of the scratch memory. */
struct nj_loop {
    void (*run)(const struct nj_dense *);
    const uint8_t *code;
    struct nj_dense dense;
    int32_t *step; /* writable */
};

static void nj_loop_start(struct nj_loop *loop, const struct nj_packed_convolution *op, int8_t *scratch)
{
    loop->run = op->relu ? nj_dense_relu : nj_dense_clamped;
    loop->code = op->relu ? nj_dense_relu_blocks : nj_dense_clamped_blocks;
    loop->dense = (struct nj_dense){.turn = (struct nj_turn *)(void *)scratch,
                                    .zero_point = op->output_zero_point,
                                    .min = op->activation_min,
                                    .max = op->activation_max};
    loop->step = (int32_t *)(void *)(loop->dense.turn + op->turns + 1);
    loop->dense.step = loop->step;
}

/* Add a stretch of `blocks` blocks of two patches, which moves by `step` bytes to the next two. */
static void nj_loop_add(struct nj_loop *loop, const int8_t *x0, const int8_t *x1, int32_t blocks, int32_t step)
{
    for (int32_t part = blocks % NJ_DENSE_BLOCKS; blocks > 0; blocks -= part, part = NJ_DENSE_BLOCKS) {
        if (part > 0) {
            loop->dense.turn[loop->dense.turns] = (struct nj_turn){x0, x1, nj_dense_enter(loop->code, part)};
            loop->step[loop->dense.turns++] = step;
            x0 += part * NJ_BLOCK;
            x1 += part * NJ_BLOCK;
        }
    }
}

/* All output channels of `pairs` pairs of places, `other` bytes apart in the output, from `output` on. */
static void nj_loop_run(struct nj_loop *loop, const struct nj_packed_convolution *op, int32_t pairs, int32_t other,
                        int8_t *output, void (*run)(const struct nj_dense *))
{
    struct nj_dense *const dense = &loop->dense;
    const int32_t channels = op->output.channels;
    const int32_t whole = channels / NJ_GROUP; /* groups without a repeated channel */
    dense->pairs = pairs;
    dense->next = 2 * channels;
    for (int32_t group = 0;;) {
        const int32_t here = whole > 0 && group == 0 ? NJ_GROUP : channels - group;
        const int32_t groups = here == NJ_GROUP ? whole : 1;
        for (int32_t c = 0; c < NJ_GROUP; c++) {
            const int32_t channel = c < here ? c : here - 1;
            dense->place[2 * c] = (uint16_t)channel;
            dense->place[2 * c + 1] = (uint16_t)(channel + other);
        }
        dense->weights = op->weights + op->patch * group;
        dense->requant = op->requant + NJ_CONSTANTS / NJ_GROUP * group;
        dense->end = dense->requant + NJ_CONSTANTS * groups;
        dense->turn[dense->turns] = (struct nj_turn){dense->end, 0, nj_dense_enter(loop->code, 0)};
        dense->back = 2 * channels - NJ_GROUP * groups;
        dense->y = output + group;
        run(dense);
        group += NJ_GROUP * groups;
        if (group >= channels) {
            return;
        }
        for (int32_t i = 0; i < dense->turns; i++) { /* back to the first pair */
            dense->turn[i].x0 -= pairs * dense->step[i];
            dense->turn[i].x1 -= pairs * dense->step[i];
        }
    }
}

/* The loop of patches of one block, `step` bytes from one to the next; 0 if there is none. */
static void (*nj_of_one_block(const struct nj_packed_convolution *op, int32_t step))(const struct nj_dense *)
{
    if (op->patch == NJ_BLOCK && step == NJ_BLOCK) {
        return op->relu ? nj_dense_block16_relu : nj_dense_block16_clamped;
    }
    if (op->patch == NJ_BLOCK && 2 * step == NJ_BLOCK) {
        return op->relu ? nj_dense_block8_relu : nj_dense_block8_clamped;
    }
    return 0;
}

/* `count` patches, `step` bytes from one to the next, to as many places of the output: pairs, and an odd last one twice. */
static void nj_patches(struct nj_loop *loop, const struct nj_packed_convolution *op, const int8_t *x, int32_t step,
                       int32_t count, int8_t *output)
{
    const int32_t blocks = op->patch / NJ_BLOCK;
    const int32_t channels = op->output.channels;
    if (count > 1) {
        loop->dense.turns = 0;
        void (*run)(const struct nj_dense *) = nj_of_one_block(op, step);
        if (run == 0) {
            run = loop->run;
            nj_loop_add(loop, x, x + step, blocks, 2 * step);
        }
        loop->dense.x = x;
        nj_loop_run(loop, op, count / 2, channels, output, run);
    }
    if (count % 2 != 0) {
        x += (count - 1) * step;
        loop->dense.turns = 0;
        nj_loop_add(loop, x, x, blocks, 0);
        nj_loop_run(loop, op, 1, 0, output + (count - 1) * channels, loop->run);
    }
}

/* Windows whose rows are whole blocks are read where they lie: pairs of places of a row that see no padding left or
 * right; rows of padding are one row of zero points. What is left of a row is gathered, two places at a time. */
static void nj_conv_rows(const struct nj_packed_convolution *op, const int8_t *input, int8_t *output, int8_t *scratch)
{
    const struct nj_window *window = &op->window;
    const int32_t channels = op->input.channels;
    const int32_t run = window->width * channels;
    const int32_t width = op->output.width;
    const int32_t next = window->stride_width * channels;
    const int32_t first = nj_clamp((window->pad_left + window->stride_width - 1) / window->stride_width, 0, width);
    const int32_t room = op->input.width - window->width + window->pad_left;
    const int32_t behind = room < 0 ? first : nj_clamp(room / window->stride_width + 1, first, width);
    const int32_t pairs = (behind - first) / 2;
    struct nj_loop loop;
    nj_loop_start(&loop, op, scratch);
    int8_t *const padding = (int8_t *)(loop.step + op->turns);
    int8_t *const patch = padding + run;
    for (int32_t i = 0; i < run; i += NJ_BLOCK) {
        vst1q_s8(padding + i, vdupq_n_s8((int8_t)op->input_zero_point));
    }
    int32_t row = -window->pad_top;
    for (int32_t oy = 0; oy < op->output.height; oy++, row += window->stride_height, output += width * op->output.channels) {
        loop.dense.turns = 0;
        for (int32_t ky = 0, y = row; ky < window->height && pairs > 0; ky++, y += window->dilation_height) {
            const bool inside = y >= 0 && y < op->input.height;
            const int8_t *x0 = input + (y * op->input.width - window->pad_left) * channels + first * next;
            nj_loop_add(&loop, inside ? x0 : padding, inside ? x0 + next : padding, run / NJ_BLOCK,
                        inside ? 2 * next : 0);
        }
        if (pairs > 0) {
            nj_loop_run(&loop, op, pairs, op->output.channels, output + first * op->output.channels, loop.run);
        }
        int32_t waiting = -1; /* a column whose patch is gathered */
        for (int32_t ox = 0; ox < width; ox++) {
            if (ox == first) {
                ox += 2 * pairs;
                if (ox == width) {
                    break;
                }
            }
            nj_patch_copy(op, input, waiting < 0 ? patch : patch + op->patch, row, ox * window->stride_width - window->pad_left);
            if (waiting < 0) {
                waiting = ox;
                continue;
            }
            loop.dense.turns = 0;
            nj_loop_add(&loop, patch, patch + op->patch, op->patch / NJ_BLOCK, 0);
            nj_loop_run(&loop, op, 1, (ox - waiting) * op->output.channels, output + waiting * op->output.channels, loop.run);
            waiting = -1;
        }
        if (waiting >= 0) {
            nj_patches(&loop, op, patch, 0, 1, output + waiting * op->output.channels);
        }
    }
}

void nj_conv_2d_packed_s8(const struct nj_packed_convolution *op, const int8_t *input, int8_t *output, int8_t *scratch)
{
    const struct nj_window *window = &op->window;
    const int32_t channels = op->input.channels;
    const int32_t width = op->output.width;
    const int32_t places = op->output.height * width;
    struct nj_loop loop;
    nj_loop_start(&loop, op, scratch);
    if (window->height == 1 && window->width == 1 && window->pad_top == 0 && window->pad_left == 0) {
        /* The image is the patches: in one go where no place is left out, else row by row. */
        const bool all = window->stride_height == 1 && window->stride_width == 1 && op->input.width == width;
        const int32_t run = all ? places : width;
        for (int32_t i = 0, oy = 0; i < places; i += run, oy++) {
            nj_patches(&loop, op, input + oy * window->stride_height * op->input.width * channels,
                       window->stride_width * channels, run, output + i * op->output.channels);
        }
        return;
    }
    if (op->batch == 0) {
        nj_conv_rows(op, input, output, scratch);
        return;
    }
    int8_t *const patches = (int8_t *)(loop.step + op->turns);
    const int32_t reach = (window->height - 1) * window->dilation_height;
    int32_t x = 0;
    int32_t row = -window->pad_top;
    int32_t column = -window->pad_left;
    for (int32_t i = 0; i < places; i += op->batch) {
        const int32_t count = places - i < op->batch ? places - i : op->batch;
        int8_t *patch = patches;
        for (int32_t n = 0; n < count;) {
            int32_t run = 1;
            if (window->dilation_width == 1 && row >= 0 && row + reach < op->input.height && column >= 0 &&
                column + window->width <= op->input.width) {
                const int32_t room = (op->input.width - window->width - column) / window->stride_width + 1;
                run = nj_clamp(room, 1, nj_clamp(width - x, 1, count - n));
                nj_patch_run(op, input + (row * op->input.width + column) * channels, patch, run);
            } else if (window->dilation_width == 1 && window->width * channels <= NJ_BLOCK) {
                nj_patch_narrow(op, input, patch, row, column);
            } else {
                nj_patch_copy(op, input, patch, row, column);
            }
            n += run;
            x += run;
            patch += run * op->patch;
            column += run * window->stride_width;
            if (x == width) {
                x = 0;
                column = -window->pad_left;
                row += window->stride_height;
            }
        }
        nj_patches(&loop, op, patches, op->patch, count, output + i * op->output.channels);
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
                const int8_t *requant = op->requant + oc / NJ_GROUP * NJ_CONSTANTS;
                int32_t words[2 * NJ_GROUP]; /* biases and multipliers, little-endian on every target */
                memcpy(words, requant, sizeof words);
                const int32_t c = oc % NJ_GROUP;
                const int32_t acc = nj_packed_accumulate(op, input, oc, words[c], row, column);
                const struct nj_requant scale = {words[NJ_GROUP + c], requant[sizeof words + (size_t)c]};
                const int32_t scaled = nj_requantize_double(acc, scale);
                *output++ = (int8_t)nj_clamp(nj_add_wrapping(scaled, op->output_zero_point), op->activation_min,
                                             op->activation_max);
            }
        }
    }
}

#endif
