/* SPDX-License-Identifier: MIT */
#include "nj_streaming.h"

#include <stddef.h>
#include <string.h>

#include "link/nj_frame.h"
#include "nj_model.h"
#include "nj_staging.h"

static bool runs;
static bool taken; /* the chunk's features are computed */
static uint32_t stride;
static uint32_t place; /* of the next sample */
static uint32_t missing; /* samples, until the chunk is full */
static uint64_t pushed; /* cost, since the last chunk was taken */
static uint64_t cost; /* of the chunk that is taken */
static uint32_t odd; /* 1: a piece ended in the middle of a sample, whose first byte is: */
static uint8_t half;

static enum nj_status check(uint32_t target, uint32_t index, uint32_t bytes) {
    const struct nj_stream_stage *const stage = nj_frontend_stage.stream;
    const bool anew = target == NJ_TARGET_STREAM;
    if (stage == NULL || bytes == 0 || bytes % 2u != 0 || (anew && (index == 0 || index % stage->hop != 0))) {
        return NJ_BAD_ARGUMENT;
    }
    if (!anew && (!runs || index != place)) {
        return NJ_NO_STREAM;
    }
    return bytes / 2u <= (anew ? nj_frontend_stage.chunk_samples : missing) ? NJ_OK : NJ_BAD_ARGUMENT;
}

enum nj_status nj_streaming_begin(uint32_t target, uint32_t index, uint32_t bytes) {
    const enum nj_status status = check(target, index, bytes);
    if (status != NJ_OK) {
        return status;
    }
    if (target == NJ_TARGET_STREAM) {
        nj_frontend_stage.stream->start(index);
        runs = true;
        stride = index;
        place = 0;
        missing = nj_frontend_stage.chunk_samples;
        pushed = 0;
    }
    taken = false;
    odd = 0;
    return NJ_OK;
}

void nj_streaming_push(const struct nj_port *port, const uint8_t *bytes, uint32_t count) {
    int16_t samples[NJ_PIECE_BYTES / 2u + 1u]; /* aligned, as a piece need not be */
    uint8_t *const to = (uint8_t *)samples;
    const uint32_t whole = (odd + count) / 2u;
    to[0] = half;
    memcpy(to + odd, bytes, count);
    odd = (odd + count) % 2u;
    half = bytes[count - 1u];
    port->cost_begin(port->context);
    const uint32_t accepted = nj_frontend_stage.stream->push(samples, whole);
    pushed += port->cost_end(port->context);
    runs = runs && accepted == whole;
    place += whole;
    missing -= whole;
}

void nj_streaming_forget(void) {
    runs = false;
}

bool nj_streaming_has_chunk(void) {
    return runs && (taken || missing == 0);
}

uint64_t nj_streaming_take(const struct nj_port *port) {
    if (!taken) {
        port->cost_begin(port->context);
        nj_frontend_stage.stream->take();
        cost = pushed + port->cost_end(port->context);
        pushed = 0;
        missing = stride;
        taken = true;
    }
    return cost;
}
