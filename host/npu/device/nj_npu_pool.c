/* The pooling unit.
 * SPDX-License-Identifier: MIT
 */
#include "nj_npu_round.h"
#include "nj_npu_state.h"

enum { LINE_MOST = 4095 }; /* elements of a line, and lines */

static bool undefined(struct nj_npu_run *run, uint32_t unit, const char *field, int64_t value)
{
    return nj_npu_fail(run, NJ_NPU_UNDEFINED, NJ_NPU_POOL, unit, field, value);
}

static bool range(struct nj_npu_run *run, uint32_t unit, const char *field, int64_t value)
{
    return nj_npu_fail(run, NJ_NPU_RANGE, NJ_NPU_POOL, unit, field, value);
}

static bool is_global(const struct nj_npu_pool *pool)
{
    return pool->pooling >= NJ_NPU_POOL_GLOBAL_MAX;
}

static bool averages(const struct nj_npu_pool *pool)
{
    return pool->pooling == NJ_NPU_POOL_AVERAGE || pool->pooling == NJ_NPU_POOL_GLOBAL_AVERAGE;
}

static bool check_modes(struct nj_npu_run *run, uint32_t unit, const struct nj_npu_pool *pool)
{
    const struct {
        const char *field;
        uint32_t value;
    } pads[] = {
        {"pad_left", pool->pad_left},
        {"pad_right", pool->pad_right},
        {"pad_top", pool->pad_top},
        {"pad_bottom", pool->pad_bottom},
    };
    for (uint32_t i = 0; i < sizeof pads / sizeof pads[0]; i++) {
        if (pads[i].value != 0) { /* of what value, no network and no document says */
            return undefined(run, unit, pads[i].field, pads[i].value);
        }
    }
    if (pool->pooling < NJ_NPU_POOL_MAX || pool->pooling > NJ_NPU_POOL_GLOBAL_AVERAGE) {
        return undefined(run, unit, "pooling", pool->pooling);
    }
    if (!averages(pool) && pool->out.shift != 0) {
        return undefined(run, unit, "out.shift", pool->out.shift);
    }
    return nj_npu_check_input(run, NJ_NPU_POOL, unit, &pool->feature, 2) &&
           nj_npu_check_output(run, NJ_NPU_POOL, unit, &pool->out, 2);
}

/* No size may pass what its register holds. */
static bool check_sizes(struct nj_npu_run *run, uint32_t unit, const struct nj_npu_pool *pool)
{
    bool whole = is_global(pool); /* without windows */
    const struct {
        const char *field;
        uint64_t value;
        uint64_t most;
    } sizes[] = {
        {"width", pool->width, LINE_MOST},
        {"height", pool->height, LINE_MOST},
        {"depth", pool->depth, 15},
        {"depth", (uint64_t)pool->width * pool->depth, LINE_MOST},
        {"out_width", whole ? 0 : pool->out_width, LINE_MOST},
        {"out_height", whole ? 0 : pool->out_height, LINE_MOST},
        {"window_width", whole ? 0 : pool->window_width, 7},
        {"window_height", whole ? 0 : pool->window_height, 7},
        {"stride_x", whole ? 0 : pool->stride_x, 15},
        {"stride_y", whole ? 0 : pool->stride_y, 15},
    };
    for (uint32_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        if (sizes[i].value > sizes[i].most) {
            return range(run, unit, sizes[i].field, (int64_t)sizes[i].value);
        }
    }
    return true;
}

static bool check_windows(struct nj_npu_run *run, uint32_t unit, struct nj_npu_pool_state *state)
{
    const struct nj_npu_pool *pool = state->pool;
    const struct {
        const char *field;
        uint32_t window;
        uint32_t stride;
        uint32_t used;
        uint32_t out;
    } ways[] = {
        {"out_width", pool->window_width, pool->stride_x, state->used_width, pool->out_width},
        {"out_height", pool->window_height, pool->stride_y, state->used_height, pool->out_height},
    };
    for (uint32_t i = 0; i < 2; i++) {
        if (ways[i].window == 0 || ways[i].window > ways[i].used || ways[i].stride == 0 ||
            (ways[i].used - ways[i].window) / ways[i].stride + 1 != ways[i].out) {
            return range(run, unit, ways[i].field, ways[i].out);
        }
    }
    return true;
}

bool nj_npu_pool_start(struct nj_npu_run *run, uint32_t unit)
{
    struct nj_npu_pool_state *state = &run->pool[unit];
    const struct nj_npu_pool *pool = &run->epoch->pool[unit];
    state->pool = pool;
    if (!check_modes(run, unit, pool) || !check_sizes(run, unit, pool)) {
        return false;
    }
    uint64_t area = (uint64_t)pool->width * pool->height;
    if (area == 0) {
        return range(run, unit, "width", 0);
    }
    if (pool->depth == 0 || area * pool->depth > NJ_NPU_MOST) {
        return range(run, unit, "depth", pool->depth);
    }
    if (!nj_npu_crop(pool->width, pool->crop_left, pool->crop_right, &state->left,
                     &state->used_width)) {
        return range(run, unit, "crop_left", pool->crop_left);
    }
    if (!nj_npu_crop(pool->height, pool->crop_top, pool->crop_bottom, &state->top,
                     &state->used_height)) {
        return range(run, unit, "crop_top", pool->crop_top);
    }
    uint64_t pixels = 1;
    if (!is_global(pool)) {
        if (!check_windows(run, unit, state)) {
            return false;
        }
        pixels = (uint64_t)pool->out_width * pool->out_height;
    }
    if (pixels * pool->depth > NJ_NPU_MOST) {
        return range(run, unit, "out_width", pool->out_width);
    }
    state->need = (uint32_t)area * pool->depth;
    state->results = (uint32_t)pixels * pool->depth;
    state->pushed = state->results;
    state->out = nj_npu_lend(run, state->results, sizeof(int32_t));
    return nj_npu_frame_fits(run, NJ_NPU_POOL, unit, 0, state->need) &&
           nj_npu_queue_at(run, NJ_NPU_POOL, unit, 0, state->need, pool->feature.bytes,
                           &state->features);
}

/* A window in the used rectangle. */
struct window {
    uint32_t left, right, top, bottom; /* first, and behind the last, in the frame */
};

static struct window window_of(const struct nj_npu_pool_state *state, uint32_t pixel)
{
    const struct nj_npu_pool *pool = state->pool;
    struct window w = {.right = state->used_width, .bottom = state->used_height};
    if (!is_global(pool)) {
        w.left = pixel % pool->out_width * pool->stride_x;
        w.top = pixel / pool->out_width * pool->stride_y;
        w.right = w.left + pool->window_width;
        w.bottom = w.top + pool->window_height;
    }
    return w;
}

static int64_t pool_window(const struct nj_npu_pool_state *state, struct window w, uint32_t deep)
{
    const struct nj_npu_pool *pool = state->pool;
    const int32_t *data = state->features->data + state->features->begin;
    bool largest =
        pool->pooling == NJ_NPU_POOL_MAX || pool->pooling == NJ_NPU_POOL_GLOBAL_MAX;
    int64_t sum = 0;
    int64_t least = INT32_MAX;
    int64_t most = INT32_MIN;
    for (uint32_t y = w.top; y < w.bottom; y++) {
        for (uint32_t x = w.left; x < w.right; x++) {
            uint32_t at = (state->top + y) * pool->width + state->left + x;
            int32_t value =
                nj_npu_low(data[at * pool->depth + deep], pool->feature.bytes, false);
            sum += value;
            least = value < least ? value : least;
            most = value > most ? value : most;
        }
    }
    return averages(pool) ? sum * pool->multiplier : largest ? most : least;
}

bool nj_npu_pool_fire(struct nj_npu_run *run, uint32_t unit)
{
    struct nj_npu_pool_state *state = &run->pool[unit];
    const struct nj_npu_pool *pool = state->pool;
    struct nj_npu_seen *seen = &run->outcome->pool[unit];
    bool moved = nj_npu_hand_over(run, &state->feed, state->out, state->results, &state->pushed);
    if (state->pushed < state->results || nj_npu_waiting(state->features) < state->need) {
        return moved;
    }
    for (uint32_t at = 0; at < state->results; at++) {
        struct window w = window_of(state, at / pool->depth);
        int64_t value = pool_window(state, w, at % pool->depth);
        state->out[at] = nj_npu_make(value, &pool->out, run->machine->tie, seen);
    }
    seen->results += state->results;
    nj_npu_take(state->features, state->need);
    state->pushed = 0;
    nj_npu_hand_over(run, &state->feed, state->out, state->results, &state->pushed);
    return true;
}
