/* SPDX-License-Identifier: MIT */
#include "nj_detector.h"

#include <stddef.h>

void nj_detector_start(const struct nj_detector *detector) {
    for (uint32_t i = 0; i < detector->labels; ++i) {
        detector->state[i] = (struct nj_label_state){.on = false};
    }
}

static void find_levels(const struct nj_detector *detector, const int8_t *steps, uint16_t *level) {
    const uint32_t labels = detector->labels;
    if (!detector->softmax) {
        for (uint32_t i = 0; i < labels; ++i) {
            level[i] = (uint16_t)detector->table[steps[i] + 128];
        }
        return;
    }
    int32_t best = -128;
    for (uint32_t i = 0; i < labels; ++i) {
        best = steps[i] > best ? steps[i] : best;
    }
    uint32_t sum = 0;
    for (uint32_t i = 0; i < labels; ++i) {
        sum += detector->table[best - steps[i]];
    }
    for (uint32_t i = 0; i < labels; ++i) {
        level[i] = (uint16_t)(detector->table[best - steps[i]] * 65535u / sum);
    }
}

static uint32_t pooled(const struct nj_detector *detector, uint32_t label, uint32_t there) {
    uint32_t sum = 0; /* of 16 times 2^24 at most */
    uint32_t largest = 0;
    for (uint32_t i = 0; i < there; ++i) {
        const uint32_t level = detector->level[i * detector->labels + label];
        largest = level > largest ? level : largest;
        sum += detector->pool == NJ_POOL_LME ? detector->power[level / 256u] : level;
    }
    return detector->pool == NJ_POOL_MAX ? largest : sum / there;
}

/* A chunk of the pool, `back` chunks before the newest, which is number `number`: does it belong to a detection? */
static bool belongs(const struct nj_detector *detector, uint32_t label, uint32_t number, uint32_t back) {
    const uint32_t slot = (number - back) % detector->chunks;
    return detector->level[slot * detector->labels + label] >= detector->label[label].own;
}

/* The chunk that begins at `start` belongs to what goes on. */
static void extend(const struct nj_detector *detector, struct nj_label_state *state, uint64_t start) {
    if (state->detection.chunks == 0) {
        state->detection.start = start;
    }
    state->detection.end = start + detector->chunk_samples;
    state->detection.chunks++;
    state->last = start;
}

static void finish(const struct nj_detector *detector, struct nj_label_state *state, nj_detected detected) {
    state->on = false;
    if (state->detection.chunks != 0) {
        state->free = state->last + 1u;
        if (state->detection.chunks >= detector->least) {
            detected(&state->detection);
        }
    }
}

void nj_detector_take(const struct nj_detector *detector, const int8_t *steps, uint32_t number, uint64_t start,
                      nj_detected detected) {
    const uint32_t slot = number % detector->chunks;
    const uint32_t there = number < detector->chunks ? number + 1u : detector->chunks;
    find_levels(detector, steps, detector->level + slot * detector->labels);
    for (uint32_t i = 0; i < detector->labels; ++i) {
        struct nj_label_state *const state = &detector->state[i];
        const uint32_t score = pooled(detector, i, there);
        uint32_t newest = 1; /* how many chunks of the pool may belong: all of it when a detection begins */
        if (!state->on && score >= detector->label[i].threshold) {
            state->on = true;
            state->detection = (struct nj_detection){.label = i};
            newest = there;
        } else if (state->on && score < detector->label[i].release) {
            finish(detector, state, detected);
        }
        if (!state->on) {
            continue;
        }
        state->detection.score = score > state->detection.score ? score : state->detection.score;
        for (uint32_t back = newest; back-- > 0;) {
            const uint64_t begins = start - (uint64_t)back * detector->stride;
            if (begins >= state->free && belongs(detector, i, number, back)) {
                extend(detector, state, begins);
            }
        }
        if (state->detection.chunks >= detector->most) {
            finish(detector, state, detected);
        }
    }
}

void nj_detector_end(const struct nj_detector *detector, uint32_t label, nj_detected detected) {
    if (detector->state[label].on) {
        finish(detector, &detector->state[label], detected);
    }
}
