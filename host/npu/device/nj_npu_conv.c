/* The convolution accelerator: what it must be told, and when it can go on.
 * SPDX-License-Identifier: MIT
 */
#include "nj_npu_conv_sum.h"
#include "nj_npu_state.h"

static bool undefined(struct nj_npu_run *run, uint32_t unit, const char *field, int64_t value)
{
    return nj_npu_fail(run, NJ_NPU_UNDEFINED, NJ_NPU_CONV, unit, field, value);
}

static bool range(struct nj_npu_run *run, uint32_t unit, const char *field, int64_t value)
{
    return nj_npu_fail(run, NJ_NPU_RANGE, NJ_NPU_CONV, unit, field, value);
}

static bool check_modes(struct nj_npu_run *run, uint32_t unit, const struct nj_npu_conv *conv)
{
    uint32_t bytes = conv->feature.bytes;
    const struct {
        const char *field;
        int64_t value;
        bool bad;
    } modes[] = {
        {"stationary", conv->stationary, conv->stationary},
        {"kernel_buffer", conv->kernel_buffer, conv->kernel_buffer},
        {"variable_shift", conv->variable_shift, conv->variable_shift != 0},
        {"simd", conv->simd, conv->simd != 1 && conv->simd != 2},
        {"kernel_set", conv->kernel_set, conv->kernel_set != (conv->deep ? 3 : 0)},
        {"filter", conv->filter, conv->filter != NJ_NPU_FILTER_NONE &&
                                     conv->filter != NJ_NPU_FRAMEZERO},
        {"dss2", conv->dss2, conv->dss2 && conv->deep},
        {"feature.bytes", bytes, bytes == 2 && conv->simd != 2},
        {"feature.bytes", bytes, bytes == 3 && !conv->deep},
        {"feature.bytes", bytes, bytes == 2 && (conv->deep || conv->dss2)},
        {"pad_value", conv->pad_value, conv->pad_value != 0 && conv->subtract != 0},
    };
    for (uint32_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        if (modes[i].bad) {
            return undefined(run, unit, modes[i].field, modes[i].value);
        }
    }
    return nj_npu_check_input(run, NJ_NPU_CONV, unit, &conv->feature, 3) &&
           nj_npu_check_output(run, NJ_NPU_CONV, unit, &conv->out, 3);
}

/* What is left of a pad for the frame around the features: the sampler itself takes two lines or
 * columns, fewer than a kernel has, and only of zeros. `step` elements are one of them. */
static int64_t frame_of(const struct nj_npu_conv *conv, uint32_t pad, uint32_t kernel,
                        uint32_t step)
{
    uint32_t most = conv->deep || conv->dss2 || conv->pad_value != 0 || kernel == 0 ? 0
                    : kernel > 2                                                    ? 2
                                                                                    : kernel - 1;
    return (int64_t)(pad > most ? pad - most : 0) * step;
}

/* No size may pass what its register holds. */
static bool check_sizes(struct nj_npu_run *run, uint32_t unit, const struct nj_npu_conv *conv)
{
    uint32_t depth = conv->depth;
    const struct {
        const char *field;
        int64_t value;
        int64_t least;
        int64_t most;
    } sizes[] = {
        {"width", conv->width, 1, UINT16_MAX},
        {"height", conv->height, 1, UINT16_MAX},
        {"depth", conv->depth, 1, UINT8_MAX},
        {"depth", (int64_t)conv->width * conv->depth, 1, UINT16_MAX}, /* a line, in elements */
        {"kernel_width", conv->kernel_width, 1, UINT8_MAX},
        {"kernel_height", conv->kernel_height, 1, UINT8_MAX},
        {"kernels", conv->kernels, 1, UINT8_MAX},
        {"stride_x", conv->stride_x, 1, 7},
        {"stride_y", conv->stride_y, 1, 7},
        {"pad_left", frame_of(conv, conv->pad_left, conv->kernel_width, depth), 0, UINT8_MAX},
        {"pad_right", frame_of(conv, conv->pad_right, conv->kernel_width, depth), 0, UINT8_MAX},
        {"pad_top", frame_of(conv, conv->pad_top, conv->kernel_height, 1), 0, UINT8_MAX},
        {"pad_bottom", frame_of(conv, conv->pad_bottom, conv->kernel_height, 1), 0, UINT8_MAX},
        {"subtract", conv->subtract, INT16_MIN, UINT16_MAX},
        {"pad_value", conv->pad_value, INT16_MIN, UINT16_MAX},
        {"shift_accumulator", conv->shift_accumulator, 0, NJ_NPU_MOST_LIFT},
        {"kernel_width", conv->kernel_width, 1, conv->deep ? 1 : UINT8_MAX},
        {"kernel_height", conv->kernel_height, 1, conv->deep ? 1 : UINT8_MAX},
        {"set_total", conv->set_total, 0, UINT16_MAX},
        {"filter_total", conv->filter_total, conv->filter == NJ_NPU_FRAMEZERO, UINT16_MAX},
    };
    for (uint32_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        if (sizes[i].value < sizes[i].least || sizes[i].value > sizes[i].most) {
            return range(run, unit, sizes[i].field, sizes[i].value);
        }
    }
    return true;
}

/* Which kernels of the stream are this unit's. */
static bool check_set(struct nj_npu_run *run, uint32_t unit, const struct nj_npu_conv *conv)
{
    if (conv->set_total == 0) {
        return true;
    }
    if (conv->set_last >= conv->set_total) {
        return range(run, unit, "set_last", conv->set_last);
    }
    if (conv->set_first > conv->set_last ||
        conv->set_last - conv->set_first + 1 != conv->kernels) {
        return range(run, unit, "set_first", conv->set_first);
    }
    if (conv->deep && (conv->set_first % conv->kernels != 0 ||
                       conv->set_total % conv->kernels != 0)) {
        return undefined(run, unit, "set_total", conv->set_total);
    }
    return true;
}

static bool measure(struct nj_npu_run *run, uint32_t unit, struct nj_npu_conv_state *state)
{
    const struct nj_npu_conv *conv = state->conv;
    if (!nj_npu_crop(conv->width, conv->crop_left, conv->crop_right, &state->left,
                     &state->used_width)) {
        return range(run, unit, "crop_left", conv->crop_left);
    }
    if (!nj_npu_crop(conv->height, conv->crop_top, conv->crop_bottom, &state->top,
                     &state->used_height)) {
        return range(run, unit, "crop_top", conv->crop_top);
    }
    uint32_t wide = state->used_width + conv->pad_left + conv->pad_right;
    state->lines = state->used_height + conv->pad_top + conv->pad_bottom;
    if (wide < conv->kernel_width) {
        return range(run, unit, "kernel_width", conv->kernel_width);
    }
    if (state->lines < conv->kernel_height) {
        return range(run, unit, "kernel_height", conv->kernel_height);
    }
    state->out_width = (wide - conv->kernel_width) / conv->stride_x + 1;
    state->out_height = (state->lines - conv->kernel_height) / conv->stride_y + 1;
    uint64_t results = (uint64_t)state->out_width * state->out_height * conv->kernels;
    uint64_t row = (uint64_t)wide * conv->depth;
    uint64_t taps = (uint64_t)conv->kernel_width * conv->kernel_height * conv->depth;
    uint64_t feature = (uint64_t)conv->width * conv->height; /* below 2^32, as the factors are */
    const struct {
        const char *field;
        uint64_t value;
    } products[] = {
        {"kernels", results},
        {"depth", row},
        {"height", feature},
        {"depth", feature * conv->depth},
        {"pad_top", row * state->lines},
        {"kernels", taps * (conv->set_total > 0 ? conv->set_total : conv->kernels)},
    };
    for (uint32_t i = 0; i < sizeof products / sizeof products[0]; i++) {
        if (products[i].value > NJ_NPU_MOST) {
            return range(run, unit, products[i].field, (int64_t)products[i].value);
        }
    }
    state->row = (uint32_t)row;
    state->results = (uint32_t)results;
    state->taps = (uint32_t)taps;
    state->taps_room = (state->taps + 15) & ~15U;
    return true;
}

/* How features and kernels are packed into the beats of their links. */
static bool unpack(struct nj_npu_run *run, uint32_t unit, struct nj_npu_conv_state *state)
{
    const struct nj_npu_conv *conv = state->conv;
    uint32_t bits = nj_npu_bits_at(run, NJ_NPU_CONV, unit, 0);
    state->pack = conv->deep ? 3 : conv->dss2 && bits > 8 ? 2 : 1;
    if (state->pack > 1 && bits != 8 * state->pack) {
        return undefined(run, unit, "port 0", bits);
    }
    if (conv->deep && nj_npu_bits_at(run, NJ_NPU_CONV, unit, 1) != 24) {
        return undefined(run, unit, "port 1", nj_npu_bits_at(run, NJ_NPU_CONV, unit, 1));
    }
    uint32_t pixels = conv->width * conv->height;
    state->pixel_packed = conv->feature.bytes != 3;
    state->need_features = state->pixel_packed
                               ? pixels * ((conv->depth + state->pack - 1) / state->pack)
                               : (pixels * conv->depth + state->pack - 1) / state->pack;
    uint32_t total = conv->set_total > 0 ? conv->set_total : conv->kernels;
    state->need_kernels =
        conv->deep ? total / conv->kernels * ((conv->kernels * state->taps + 2) / 3)
                   : total * state->taps;
    if (!nj_npu_frame_fits(run, NJ_NPU_CONV, unit, 0, state->need_features) ||
        (conv->accumulates && !nj_npu_frame_fits(run, NJ_NPU_CONV, unit, 2, state->results))) {
        return false;
    }
    uint32_t bytes = state->pack > 1 ? state->pack : conv->feature.bytes;
    return nj_npu_queue_at(run, NJ_NPU_CONV, unit, 0, state->need_features, bytes,
                           &state->features) &&
           nj_npu_queue_at(run, NJ_NPU_CONV, unit, 1, state->need_kernels, 1, &state->kernels) &&
           (!conv->accumulates || nj_npu_queue_at(run, NJ_NPU_CONV, unit, 2, state->results, 3,
                                                  &state->sums));
}

bool nj_npu_conv_start(struct nj_npu_run *run, uint32_t unit)
{
    struct nj_npu_conv_state *state = &run->conv[unit];
    const struct nj_npu_conv *conv = &run->epoch->conv[unit];
    state->conv = conv;
    if (!check_modes(run, unit, conv) || !check_sizes(run, unit, conv) ||
        !check_set(run, unit, conv) || !measure(run, unit, state) || !unpack(run, unit, state)) {
        return false;
    }
    uint64_t padded = (uint64_t)state->row * state->lines;
    state->wide = nj_npu_lend(run, padded, sizeof(int32_t));
    state->narrow = nj_npu_lend(run, padded, sizeof(int16_t));
    state->kernel = nj_npu_lend(run, (uint64_t)conv->kernels * state->taps_room, sizeof(int16_t));
    state->patch = nj_npu_lend(run, state->taps_room, sizeof(int16_t));
    state->out = nj_npu_lend(run, state->results, sizeof(int32_t));
    state->pushed = state->results;
    return true;
}

/* Whether the frame that comes takes partial sums from port 2. */
static bool reads_sums(const struct nj_npu_conv_state *state)
{
    const struct nj_npu_conv *conv = state->conv;
    bool first = state->frame == 0;
    return conv->accumulates && !(first && (conv->generates_first || !conv->accumulates_first));
}

/* Whether what it takes counts. */
static bool counts_sums(const struct nj_npu_conv_state *state)
{
    const struct nj_npu_conv *conv = state->conv;
    if (conv->filter != NJ_NPU_FRAMEZERO) {
        return true;
    }
    uint64_t index = state->frame % conv->filter_total;
    return index >= conv->filter_first && index <= conv->filter_last;
}

bool nj_npu_conv_fire(struct nj_npu_run *run, uint32_t unit)
{
    struct nj_npu_conv_state *state = &run->conv[unit];
    bool moved = nj_npu_hand_over(run, &state->feed, state->out, state->results, &state->pushed);
    bool sums = reads_sums(state);
    if (state->pushed < state->results || nj_npu_waiting(state->features) < state->need_features ||
        nj_npu_waiting(state->kernels) < state->need_kernels ||
        (sums && nj_npu_waiting(state->sums) < state->results)) {
        return moved;
    }
    const int32_t *partial = NULL;
    if (sums && counts_sums(state)) {
        partial = state->sums->data + state->sums->begin;
    }
    nj_npu_conv_sum(state, partial, run->machine->tie, &run->outcome->conv[unit]);
    nj_npu_take(state->features, state->need_features);
    nj_npu_take(state->kernels, state->need_kernels);
    if (sums) {
        nj_npu_take(state->sums, state->results);
    }
    state->frame++;
    state->pushed = 0;
    nj_npu_hand_over(run, &state->feed, state->out, state->results, &state->pushed);
    return true;
}
