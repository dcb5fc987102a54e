/* CONV_2D with packed weights. SPDX-License-Identifier: MIT */
#include <stdbool.h>
#include <string.h>

#include "nj_dense.h"
#include "nj_inside.h"
#include "nj_patch.h"
#include "nj_requantize.h"

enum { NJ_GROUP = 4, NJ_CONSTANTS = 9 * NJ_GROUP }; /* the latter: bytes of a group's requant */

#if NJ_HELIUM

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

/* All output channels of `pairs` pairs of places from `output` on, whose two are `other` bytes apart, and `next` the pairs. */
static void nj_loop_run(struct nj_loop *loop, const struct nj_packed_convolution *op, int32_t pairs, int32_t other,
                        int32_t next, int8_t *output, void (*run)(const struct nj_dense *))
{
    struct nj_dense *const dense = &loop->dense;
    const int32_t channels = op->output.channels;
    const int32_t whole = channels / NJ_GROUP; /* groups without a repeated channel */
    dense->pairs = pairs;
    dense->next = next;
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
        dense->back = next - NJ_GROUP * groups;
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
        nj_loop_run(loop, op, count / 2, channels, 2 * channels, output, run);
    }
    if (count % 2 != 0) {
        x += (count - 1) * step;
        loop->dense.turns = 0;
        nj_loop_add(loop, x, x, blocks, 0);
        nj_loop_run(loop, op, 1, 0, 0, output + (count - 1) * channels, loop->run);
    }
}

/* Where the channels of the input's place (y, x) lie. */
static const int8_t *nj_step(const struct nj_image *image, const int8_t *input, const int8_t *padding, int32_t y, int32_t x)
{
    const bool inside = y >= 0 && y < image->height && x >= 0 && x < image->width;
    return inside ? input + (y * image->width + x) * image->channels : padding;
}

/* A place of the output. */
struct nj_spot {
    int32_t y;
    int32_t x;
};

/* `pairs` pairs of places, the first of which are `first` and `second`, and the next ones twice as far away as these are
 * apart; of all pairs the same places of the windows are in the padding. The windows are read where they lie: in rows, or
 * place by place where a row sees padding, of which there is a row. */
static void nj_window_pairs(struct nj_loop *loop, const struct nj_packed_convolution *op, const int8_t *input,
                            const int8_t *padding, int8_t *output, struct nj_spot first, struct nj_spot second,
                            int32_t pairs)
{
    const struct nj_window *window = &op->window;
    const struct nj_image *image = &op->input;
    const int32_t down = (second.y - first.y) * window->stride_height;
    const int32_t right = (second.x - first.x) * window->stride_width;
    const int32_t row = first.y * window->stride_height - window->pad_top;
    const int32_t column = first.x * window->stride_width - window->pad_left;
    const int32_t last = column + window->width - 1;
    const bool whole = column >= 0 && last < image->width && column + right >= 0 && last + right < image->width;
    const int32_t wide = whole ? window->width : 1;
    const int32_t blocks = wide * image->channels / NJ_BLOCK;
    loop->dense.turns = 0;
    for (int32_t ky = 0; ky < window->height; ky++) {
        const int32_t y = row + ky * window->dilation_height;
        for (int32_t x = column; x <= last; x += wide) {
            const int8_t *x0 = nj_step(image, input, padding, y, x);
            const int8_t *x1 = nj_step(image, input, padding, y + down, x + right);
            nj_loop_add(loop, x0, x1, blocks,
                        x0 == padding ? 0 : 2 * (down * image->width + right) * image->channels);
        }
    }
    const int32_t other = ((second.y - first.y) * op->output.width + second.x - first.x) * op->output.channels;
    nj_loop_run(loop, op, pairs, other, 2 * other,
                output + (first.y * op->output.width + first.x) * op->output.channels, loop->run);
}

/* Windows whose rows are whole blocks, and whose places are where a row can see padding. Where none does, pairs go along
 * the rows; at the edges down the columns. Places that are left alone make pairs with each other. */
static void nj_conv_rows(const struct nj_packed_convolution *op, const int8_t *input, int8_t *output, int8_t *scratch)
{
    const int32_t run = op->window.width * op->input.channels;
    const struct nj_inside rows = nj_inside_rows(&op->window, op->input.height, op->output.height);
    const struct nj_inside columns = nj_inside_columns(&op->window, op->input.width, op->output.width);
    struct nj_loop loop;
    nj_loop_start(&loop, op, scratch);
    int8_t *const padding = (int8_t *)(loop.step + op->turns);
    for (int32_t i = 0; i < run; i += NJ_BLOCK) {
        vst1q_s8(padding + i, vdupq_n_s8((int8_t)op->input_zero_point));
    }
    struct nj_spot alone = {-1, 0};
    for (int32_t oy = 0, height; oy < op->output.height; oy += height) {
        height = nj_stretch(rows, oy, 1);
        for (int32_t ox = 0, width; ox < op->output.width; ox += width) {
            width = nj_stretch(columns, ox, 2);
            const struct nj_spot first = {oy, ox};
            for (int32_t y = oy; y < oy + height && width > 1; y++) {
                nj_window_pairs(&loop, op, input, padding, output, (struct nj_spot){y, ox},
                                (struct nj_spot){y, ox + 1}, width / 2);
            }
            if (width == 1 && height > 1) {
                nj_window_pairs(&loop, op, input, padding, output, first, (struct nj_spot){oy + 1, ox}, height / 2);
            }
            if (width == 1 && height % 2 != 0) {
                const struct nj_spot here = {oy + height - 1, ox};
                if (alone.y < 0) {
                    alone = here;
                } else {
                    nj_window_pairs(&loop, op, input, padding, output, alone, here, 1);
                    alone.y = -1;
                }
            }
        }
    }
    if (alone.y >= 0) {
        nj_window_pairs(&loop, op, input, padding, output, alone, alone, 1);
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
