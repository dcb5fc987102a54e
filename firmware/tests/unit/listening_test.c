/* Listening to a microphone and to a card: what the driver loses and the card fails to read is counted, and no chunk joins what
 * lies on both sides of a gap.
 * SPDX-License-Identifier: MIT
 */
#include "nj_listening.h"

#include <string.h>

#include "link/nj_crc32.h"
#include "nj_card_layout.h"
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

/* A card with a recording of 4 blocks, of which so many can be read. */
#define RECORDING 8u
static uint32_t readable;

static uint32_t card_start(void *context) {
    (void)context;
    return RECORDING + 5u;
}

static bool card_read(void *context, uint32_t block, void *data, uint32_t blocks) {
    (void)context;
    CHECK_EQUAL(blocks, 1);
    memset(data, 0, NJ_CARD_BLOCK);
    if (block == NJ_CARD_INDEX_BLOCK) {
        struct nj_card_index index = {.files = 1, .file[0] = {NJ_FILE_RECORDING, RECORDING, 5, 0}};
        memcpy(index.magic, NJ_CARD_MAGIC, NJ_MAGIC_BYTES);
        index.volume_crc = nj_crc32(0, data, NJ_CARD_BLOCK);
        index.crc = nj_crc32(0, &index, offsetof(struct nj_card_index, crc));
        memcpy(data, &index, sizeof index);
    } else if (block == RECORDING) {
        struct nj_recording_head head = {.rate_hz = nj_frontend_stage.listening->rate_hz, .samples = 1000};
        memcpy(head.magic, NJ_RECORDING_MAGIC, NJ_MAGIC_BYTES);
        head.crc = nj_crc32(0, &head, offsetof(struct nj_recording_head, crc));
        memcpy(data, &head, sizeof head);
    }
    return block <= RECORDING + readable;
}

static const struct nj_card card = {.start = card_start, .read = card_read};

static void forget_frames(void) {
    struct nj_fake_frame frame;
    while (nj_fake_take(&frame)) {
    }
}

static void hear_card(struct nj_port *port) {
    port->card = &card;
    CHECK_EQUAL(nj_listening.start(port, NJ_SOURCE_CARD, 0, 1), NJ_OK);
    while (nj_listening.work(port, true)) {
        forget_frames();
    }
    const struct nj_listening_counts *const counts = nj_listening.counts();
    CHECK_EQUAL(counts->source, NJ_SOURCE_NONE);
    CHECK_EQUAL(counts->missing, readable == 4 ? 0 : 1000u - 256u * readable);
    CHECK(counts->taken >= 1000u - counts->missing && counts->taken < 1100u);
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
    CHECK_EQUAL(counts->missing, lost);
    CHECK(counts->fullest <= nj_frontend_stage.listening->queue_samples && counts->queued == 0);
    CHECK(counts->chunks < given / 16u && counts->chunks > 1000u && counts->detections > 10u);
    CHECK(counts->worst_unit != 0 && counts->worst_chunk >= counts->worst_unit && counts->all > counts->worst_chunk);
    for (readable = 0; readable <= 4; ++readable) {
        hear_card(&port);
    }
    return 0;
}
