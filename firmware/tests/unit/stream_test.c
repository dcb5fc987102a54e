/* A stream of samples: each pushed once whatever is repeated, lost or cut, and a chunk that gives the same as one that was
 * loaded whole, in every mode.
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include "link/nj_crc32.h"
#include "nj_dispatch.h"
#include "nj_fake.h"
#include "nj_model.h"
#include "nj_run.h"
#include "nj_send.h"
#include "nj_staging.h"
#include "nj_test.h"

#define CHUNK 32u
#define RECORDING 600u

enum { BAD_ARGUMENT = 2, NOT_LOADED = 3, DAMAGED = 4, NO_STREAM = 7 };

static uint16_t next_id;
static struct response_r response;
static int16_t recording[RECORDING];

static struct request_r load_of(uint32_t target, uint32_t index, const void *bytes, uint32_t length) {
    struct request_r request = {.request_choice = load_request_m_c};
    request.load_request_m = (struct load_request){0, target, index, length, nj_crc32(0, bytes, length)};
    return request;
}

static void load(uint32_t target, uint32_t index, const int16_t *samples, uint32_t count) {
    nj_fake_load(++next_id, target, index, (const uint8_t *)samples, 2u * count);
}

static uint32_t load_error(uint32_t target, uint32_t index, const int16_t *samples, uint32_t bytes) {
    const struct request_r request = load_of(target, index, samples, bytes);
    nj_fake_request(++next_id, &request);
    return nj_fake_error(next_id);
}

static const struct response_r *run(uint32_t stages, uint32_t times, uint32_t mode) {
    struct request_r request = {.request_choice = run_request_m_c};
    request.run_request_m = (struct run_request){0, stages, times, mode, NJ_NO_STOP};
    nj_fake_request(++next_id, &request);
    nj_fake_response(next_id, &response);
    return &response;
}

static uint32_t run_error(uint32_t stages) {
    CHECK_EQUAL(run(stages, 1, NJ_MODE_PLAIN)->response_choice, error_response_m_c);
    return response.error_response_m.error_response_code;
}

/* All that a tapped run says of a chunk. */
struct seen {
    uint32_t features, input, output, tap[3];
};

static struct seen tapped(uint32_t times) {
    const struct run_response *const result = &run(NJ_STAGE_BOTH, times, NJ_MODE_TAPPED)->run_response_m;
    CHECK_EQUAL(response.response_choice, run_response_m_c);
    CHECK_EQUAL(result->run_response_runs, times);
    CHECK_EQUAL(result->run_response_differing, 0);
    CHECK_EQUAL(result->run_response_output, nj_digests.output);
    struct seen seen = {nj_digests.features, nj_digests.input, nj_digests.output, {0}};
    memcpy(seen.tap, nj_digests.tap, sizeof seen.tap);
    return seen;
}

static void check_same(struct seen got, struct seen want) {
    CHECK_EQUAL(memcmp(&got, &want, sizeof got), 0);
}

static struct seen loaded_whole(uint32_t start) {
    load(NJ_TARGET_CHUNK, 0, recording + start, CHUNK);
    return tapped(1);
}

/* Chunks of a stream, in blocks of random sizes, against the same chunks loaded whole. */
static void overlapping(uint32_t stride, uint32_t seed) {
    static struct seen want[RECORDING];
    uint32_t state = seed;
    const uint32_t chunks = (RECORDING - CHUNK) / stride + 1u;
    for (uint32_t i = 0; i < chunks; ++i) {
        want[i] = loaded_whole(i * stride);
    }
    uint32_t place = 0;
    for (uint32_t i = 0; i < chunks; ++i) {
        const uint32_t full = i * stride + CHUNK;
        while (place < full) {
            const uint32_t left = full - place;
            const uint32_t count = 1u + nj_random(&state) % left;
            load(place == 0 ? NJ_TARGET_STREAM : NJ_TARGET_BLOCK, place == 0 ? stride : place, recording + place, count);
            place += count;
            if (place < full) {
                CHECK_EQUAL(run_error(NJ_STAGE_BOTH), NOT_LOADED);
            }
        }
        check_same(tapped(1 + seed % 3u), want[i]);
        check_same(tapped(1), want[i]);
    }
}

static void check_read(uint32_t what, uint32_t crc, uint32_t total) {
    struct request_r request = {.request_choice = read_request_m_c};
    struct nj_fake_frame frame;
    request.read_request_m = (struct read_request){0, what, 0, 0, total};
    nj_fake_request(++next_id, &request);
    CHECK(nj_fake_take(&frame));
    CHECK_EQUAL(frame.frame.type, NJ_FRAME_DATA);
    CHECK_EQUAL(nj_crc32(0, frame.payload + NJ_DATA_HEADER, total), crc);
}

/* Each mode, the model alone, and READ before and after a run. */
static void in_every_mode(void) {
    const struct seen want = loaded_whole(8);
    load(NJ_TARGET_STREAM, 8, recording, CHUNK);
    run(NJ_STAGE_BOTH, 1, NJ_MODE_PLAIN);
    load(NJ_TARGET_BLOCK, CHUNK, recording + CHUNK, 8);
    check_read(NJ_WHAT_OUTPUT, want.output, 4);
    check_read(NJ_WHAT_FEATURES, want.features, 32);
    CHECK_EQUAL(run(NJ_STAGE_MODEL, 1, NJ_MODE_PLAIN)->run_response_m.run_response_output, want.output);
    for (uint32_t mode = NJ_MODE_PLAIN; mode <= NJ_MODE_STEPS; ++mode) {
        for (uint32_t stages = NJ_STAGE_MODEL; stages <= NJ_STAGE_BOTH; ++stages) {
            CHECK_EQUAL(run(stages, 3, mode)->run_response_m.run_response_output, want.output);
            CHECK_EQUAL(response.run_response_m.run_response_differing, 0);
            check_read(NJ_WHAT_FEATURES, want.features, 32);
            check_read(NJ_WHAT_OUTPUT, want.output, 4);
        }
    }
    check_same(tapped(2), want);
}

/* 7 units for each push since the chunk before, for taking the features and for quantizing them; a second run of a
 * chunk costs the same. */
static void costs(void) {
    const struct seen want = loaded_whole(8);
    load(NJ_TARGET_STREAM, 8, recording, 20);
    load(NJ_TARGET_BLOCK, 20, recording + 20, 12);
    for (int i = 0; i < 2; ++i) {
        run(NJ_STAGE_BOTH, 2, NJ_MODE_PLAIN);
        CHECK_EQUAL(nj_costs.frontend, 2 * 7 + 7 + 7);
    }
    load(NJ_TARGET_BLOCK, 32, recording + 32, 8);
    check_read(NJ_WHAT_FEATURES, want.features, 32); /* takes them, and counts it */
    run(NJ_STAGE_BOTH, 1, NJ_MODE_PLAIN);
    CHECK_EQUAL(nj_costs.frontend, 7 + 7 + 7);
    load(NJ_TARGET_CHUNK, 0, recording, CHUNK);
    const uint32_t before = nj_fake_counts;
    run(NJ_STAGE_BOTH, 1, NJ_MODE_PLAIN);
    CHECK_EQUAL(nj_costs.frontend, 7);
    CHECK_EQUAL(nj_fake_counts - before, 2);
}

static void refusals(void) {
    nj_dispatch_start();
    nj_fake_hello(++next_id);
    CHECK_EQUAL(load_error(NJ_TARGET_BLOCK, 0, recording, 16), NO_STREAM);
    CHECK_EQUAL(load_error(NJ_TARGET_STREAM, 0, recording, 16), BAD_ARGUMENT);
    CHECK_EQUAL(load_error(NJ_TARGET_STREAM, 6, recording, 16), BAD_ARGUMENT); /* no multiple of the hop */
    CHECK_EQUAL(load_error(NJ_TARGET_STREAM, 8, recording, 15), BAD_ARGUMENT);
    CHECK_EQUAL(load_error(NJ_TARGET_STREAM, 8, recording, 0), BAD_ARGUMENT);
    CHECK_EQUAL(load_error(NJ_TARGET_STREAM, 8, recording, 2 * CHUNK + 2), BAD_ARGUMENT);
    const struct seen want = loaded_whole(8);
    load(NJ_TARGET_STREAM, 8, recording, CHUNK);
    CHECK_EQUAL(load_error(NJ_TARGET_BLOCK, CHUNK, recording, 2), BAD_ARGUMENT); /* full */
    run(NJ_STAGE_BOTH, 1, NJ_MODE_PLAIN);
    CHECK_EQUAL(load_error(NJ_TARGET_BLOCK, CHUNK, recording, 18), BAD_ARGUMENT); /* more than the stride */
    CHECK_EQUAL(load_error(NJ_TARGET_BLOCK, CHUNK - 1, recording, 2), NO_STREAM); /* samples that have come */
    CHECK_EQUAL(load_error(NJ_TARGET_BLOCK, CHUNK + 1, recording, 2), NO_STREAM); /* or are yet to come */
    load(NJ_TARGET_BLOCK, CHUNK, recording + CHUNK, 8); /* what was refused has changed nothing */
    check_same(tapped(1), want);
    loaded_whole(0); /* ends the stream */
    CHECK_EQUAL(load_error(NJ_TARGET_BLOCK, CHUNK + 8, recording, 2), NO_STREAM);
    load(NJ_TARGET_STREAM, 8, recording, 4); /* and a stream forgets what was loaded */
    CHECK_EQUAL(run_error(NJ_STAGE_BOTH), NOT_LOADED);
    CHECK_EQUAL(run_error(NJ_STAGE_MODEL), NOT_LOADED);
}

/* What has another CRC has been pushed all the same: the stream is lost, and says so until it begins anew. */
static void damaged(void) {
    load(NJ_TARGET_STREAM, 8, recording, CHUNK);
    run(NJ_STAGE_BOTH, 1, NJ_MODE_PLAIN);
    struct request_r request = load_of(NJ_TARGET_BLOCK, CHUNK, recording + CHUNK, 16);
    request.load_request_m.load_request_crc ^= 1u;
    nj_fake_request(++next_id, &request);
    CHECK_EQUAL(nj_fake_credit(next_id), 0);
    nj_fake_data(next_id, 0, 16, (const uint8_t *)(recording + CHUNK), 16);
    CHECK_EQUAL(nj_fake_error(next_id), DAMAGED);
    nj_fake_request(next_id, &request); /* the answer was lost */
    CHECK_EQUAL(nj_fake_error(next_id), DAMAGED);
    CHECK_EQUAL(run_error(NJ_STAGE_BOTH), NOT_LOADED);
    CHECK_EQUAL(load_error(NJ_TARGET_BLOCK, CHUNK + 8, recording, 2), NO_STREAM);
    CHECK_EQUAL(load_error(NJ_TARGET_BLOCK, CHUNK, recording, 2), NO_STREAM);
    const struct seen want = loaded_whole(0);
    load(NJ_TARGET_STREAM, 8, recording, CHUNK);
    check_same(tapped(1), want);
}

/* Pieces that end in the middle of a sample, repeats of everything, and a load that gives way to another. */
static void cut_and_repeated(void) {
    const uint8_t *const bytes = (const uint8_t *)recording;
    const struct seen want = loaded_whole(0);
    const struct request_r request = load_of(NJ_TARGET_STREAM, 8, bytes, 2 * CHUNK);
    nj_fake_request(++next_id, &request);
    CHECK_EQUAL(nj_fake_credit(next_id), 0);
    for (uint32_t at = 0; at < 2 * CHUNK; at += 3) {
        const uint32_t left = 2 * CHUNK - at;
        const uint32_t count = left < 3 ? left : 3;
        nj_fake_data(next_id, at, 2 * CHUNK, bytes + at, count);
        if (count < left) {
            CHECK_EQUAL(nj_fake_credit(next_id), at + 3);
            nj_fake_data(next_id, at, 2 * CHUNK, bytes + at, count); /* doubled */
            CHECK_EQUAL(nj_fake_credit(next_id), at + 3);
            nj_fake_request(next_id, &request);
            CHECK_EQUAL(nj_fake_credit(next_id), at + 3);
            const struct request_r late = load_of(NJ_TARGET_CHUNK, 0, bytes, 2 * CHUNK);
            nj_fake_request((uint16_t)(next_id - 1u), &late); /* of another load, ignored */
        }
    }
    nj_fake_response(next_id, &response);
    CHECK_EQUAL(response.load_response_m.load_response_received, 2 * CHUNK);
    check_same(tapped(1), want);
    /* A block that is given up half way: what came of it is not the block that the host would send again. */
    const struct request_r block = load_of(NJ_TARGET_BLOCK, CHUNK, bytes, 16);
    nj_fake_request(++next_id, &block);
    CHECK_EQUAL(nj_fake_credit(next_id), 0);
    nj_fake_data(next_id, 0, 16, bytes, 9);
    CHECK_EQUAL(nj_fake_credit(next_id), 9);
    CHECK_EQUAL(run_error(NJ_STAGE_BOTH), NOT_LOADED);
    CHECK_EQUAL(load_error(NJ_TARGET_BLOCK, CHUNK, recording, 16), NO_STREAM);
    load(NJ_TARGET_STREAM, 8, recording, CHUNK);
    check_same(tapped(1), want);
}

/* The host of the protocol in its simplest form, over a link that loses frames both ways. */
static void lossy(uint32_t seed) {
    uint32_t state = seed;
    struct seen want[4];
    for (uint32_t i = 0; i < 4; ++i) {
        want[i] = loaded_whole(8 * i);
    }
    for (uint32_t i = 0, place = 0; i < 4; ++i) {
        const uint8_t *const bytes = (const uint8_t *)(recording + place);
        const uint32_t count = i == 0 ? CHUNK : 8;
        const struct request_r request = load_of(i == 0 ? NJ_TARGET_STREAM : NJ_TARGET_BLOCK, i == 0 ? 8 : place, bytes, 2 * count);
        const uint16_t id = ++next_id;
        bool done = false;
        for (int tries = 0; tries < 2000 && !done; ++tries) {
            if (nj_random(&state) % 2 == 0) {
                nj_fake_request(id, &request);
            }
            struct nj_fake_frame frame;
            while (nj_fake_take(&frame)) {
                if (nj_random(&state) % 3 == 0) {
                    continue; /* lost on the way to the host */
                }
                if (frame.frame.type == NJ_FRAME_RESPONSE) {
                    done = true;
                    break;
                }
                for (uint32_t at = nj_get_u32(frame.payload); at < 2 * count; at += 17) {
                    if (nj_random(&state) % 3 != 0) { /* else lost on the way to the board */
                        nj_fake_data(id, at, 2 * count, bytes + at, 2 * count - at < 17 ? 2 * count - at : 17);
                    }
                }
            }
        }
        CHECK(done);
        struct nj_fake_frame rest;
        while (nj_fake_take(&rest)) {
        }
        check_same(tapped(1), want[i]);
        place += count;
    }
}

int main(void) {
    uint32_t state = 1;
    for (uint32_t i = 0; i < RECORDING; ++i) {
        recording[i] = (int16_t)(nj_random(&state) % 128u);
    }
    nj_send_to(&nj_fake_port);
    nj_dispatch_start();
    nj_fake_hello(++next_id);
    for (uint32_t stride = 4; stride <= 48; stride += 4) {
        overlapping(stride, stride);
    }
    in_every_mode();
    costs();
    refusals();
    damaged();
    cut_and_repeated();
    for (uint32_t seed = 1; seed <= 200; ++seed) {
        lossy(seed);
    }
    return 0;
}
