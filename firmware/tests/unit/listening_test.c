/* Listening to a microphone: what its driver loses is counted, and no chunk joins what lies on both sides of a gap.
 * SPDX-License-Identifier: MIT
 */
#include "nj_listening.h"

#include <string.h>

#include "nj_fake.h"
#include "nj_intake.h"
#include "nj_model.h"
#include "nj_send.h"
#include "nj_test.h"

static uint32_t state = 7; /* of the generator */
static uint32_t there; /* samples that wait in the driver */
static uint32_t lost;
static uint32_t given;
static uint32_t rate;
static bool runs;

static bool start(void *context, uint32_t rate_hz) {
    (void)context;
    rate = rate_hz;
    runs = true;
    lost = 0;
    return true;
}

static bool start_fails(void *context, uint32_t rate_hz) {
    (void)context;
    (void)rate_hz;
    return false;
}

static uint32_t read_samples(void *context, int16_t *samples, uint32_t capacity) {
    (void)context;
    CHECK(runs);
    const uint32_t count = there < capacity ? there : capacity;
    for (uint32_t i = 0; i < count; ++i) {
        samples[i] = (int16_t)(4 * (int32_t)(nj_random(&state) % 1000u));
    }
    there -= count;
    given += count;
    return count;
}

static uint32_t dropped(void *context) {
    (void)context;
    return lost;
}

static void stop(void *context) {
    (void)context;
    CHECK(runs);
    runs = false;
}

static const struct nj_microphone microphone = {.start = start, .read = read_samples, .dropped = dropped, .stop = stop};
static const struct nj_microphone broken = {.start = start_fails, .read = read_samples, .dropped = dropped, .stop = stop};

static void forget_frames(void) {
    struct nj_fake_frame frame;
    while (nj_fake_take(&frame)) {
    }
}

int main(void) {
    struct nj_port port = nj_fake_port;
    port.microphone = &broken;
    nj_send_to(&port);
    CHECK_EQUAL(nj_listening.start(&port, NJ_SOURCE_MICROPHONE, 0, 1), NJ_NO_SOURCE);
    CHECK_EQUAL(nj_listening.counts()->source, NJ_SOURCE_NONE);
    CHECK(!nj_listening.work(&port, true));
    port.microphone = &microphone;
    CHECK_EQUAL(nj_listening.start(&port, NJ_SOURCE_MICROPHONE, 0, 1), NJ_OK);
    CHECK_EQUAL(rate, nj_frontend_stage.listening->rate_hz);
    uint32_t gaps = 0;
    for (uint32_t turn = 0; turn < 20000; ++turn) {
        there += nj_random(&state) % 40u;
        if (nj_random(&state) % 512u == 0) {
            lost += 1u + nj_random(&state) % 100u;
            gaps++;
        }
        CHECK(nj_listening.work(&port, true)); /* there is always something to wait for */
        forget_frames();
    }
    nj_listening.stop(&port);
    forget_frames();
    const struct nj_listening_counts *const counts = nj_listening.counts();
    CHECK(!runs && counts->source == NJ_SOURCE_NONE && gaps > 10u);
    CHECK_EQUAL(counts->taken, given);
    CHECK_EQUAL(counts->refused, 0); /* what has no room stays in the driver */
    CHECK(counts->missing <= lost && counts->missing + 100u >= lost); /* the last gap has no samples behind it yet */
    CHECK(counts->fullest <= nj_frontend_stage.listening->queue_samples && counts->queued == 0);
    CHECK(counts->chunks < given / 16u && counts->chunks > 1000u && counts->detections > 10u);
    CHECK(counts->worst_unit != 0 && counts->worst_chunk >= counts->worst_unit && counts->all > counts->worst_chunk);
    return 0;
}
