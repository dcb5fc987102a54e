/* Frames there and back, and damage: the damaged frame is lost, never wrong, and the one after the next delimiter is good.
 * SPDX-License-Identifier: MIT
 */
#include "link/nj_frame.h"

#include <string.h>

#include "nj_test.h"

static struct nj_framer framer;
static uint32_t state = 3;

static uint32_t make(uint16_t number, uint8_t *payload, uint32_t length, uint8_t *wire) {
    for (uint32_t i = 0; i < length; ++i) {
        payload[i] = (uint8_t)(nj_random(&state) % 4 == 0 ? 0 : nj_random(&state));
    }
    const struct nj_frame frame = {NJ_LINK_VERSION, NJ_FRAME_DATA, number, (uint16_t)~number, payload, length};
    return nj_frame_write(&frame, wire);
}

static uint32_t feed(const uint8_t *bytes, uint32_t length, struct nj_frame *last) {
    uint32_t frames = 0;
    for (uint32_t i = 0; i < length; ++i) {
        frames += nj_framer_take(&framer, bytes[i], last);
    }
    return frames;
}

static void whole_frames(void) {
    uint8_t payload[NJ_PAYLOAD_BYTES], wire[NJ_WIRE_BYTES];
    for (uint32_t length = 0; length <= NJ_PAYLOAD_BYTES; ++length) {
        struct nj_frame frame;
        const uint32_t bytes = make((uint16_t)length, payload, length, wire);
        CHECK(bytes <= NJ_WIRE_BYTES);
        CHECK_EQUAL(feed(wire, bytes, &frame), 1);
        CHECK_EQUAL(frame.version, NJ_LINK_VERSION);
        CHECK_EQUAL(frame.type, NJ_FRAME_DATA);
        CHECK_EQUAL(frame.sequence, length);
        CHECK_EQUAL(frame.request, (uint16_t)~length);
        CHECK_EQUAL(frame.length, length);
        CHECK_EQUAL(memcmp(frame.payload, payload, length), 0);
    }
    CHECK_EQUAL(framer.dropped, 0);
}

/* Damage one frame in one of the ways of the fault list, then send a good one behind it. */
static void damaged(int how) {
    uint8_t payload[NJ_PAYLOAD_BYTES], wire[2 * NJ_WIRE_BYTES], good[NJ_PAYLOAD_BYTES];
    const uint32_t length = nj_random(&state) % NJ_PAYLOAD_BYTES;
    uint32_t bytes = make(1, payload, length, wire);
    const uint32_t at = 1 + nj_random(&state) % (bytes - 2);
    bool harmless = false;
    if (how == 0) {
        wire[at] ^= (uint8_t)(1u << (nj_random(&state) % 8)); /* a flipped bit */
    } else if (how == 1) {
        memmove(wire + at, wire + at + 1, bytes - at - 1); /* a lost byte */
        bytes--;
    } else if (how == 2) {
        memmove(wire + at + 1, wire + at, bytes - at); /* a doubled byte */
        bytes++;
    } else if (how == 3) {
        bytes = at; /* the end is missing, its delimiter too */
    } else {
        memset(wire + bytes, 'x', 40); /* text behind the frame */
        bytes += 40;
        harmless = true;
    }
    const uint32_t good_length = nj_random(&state) % 100;
    bytes += make(2, good, good_length, wire + bytes);
    uint32_t seen = 0;
    for (uint32_t i = 0; i < bytes; ++i) {
        struct nj_frame frame;
        if (nj_framer_take(&framer, wire[i], &frame)) {
            const bool first = frame.sequence == 1;
            CHECK_EQUAL(frame.length, first ? length : good_length);
            CHECK_EQUAL(memcmp(frame.payload, first ? payload : good, frame.length), 0);
            CHECK(!first || harmless);
            seen |= first ? 1 : 2;
        }
    }
    CHECK_EQUAL(seen, harmless ? 3 : 2);
}

int main(void) {
    whole_frames();
    for (int round = 0; round < 5000; ++round) {
        damaged(round % 5);
    }
    CHECK(framer.dropped > 3000);
    /* A stream without delimiters does not run over the buffer, and the next frame is good. */
    struct nj_frame frame;
    for (int i = 0; i < 10000; ++i) {
        CHECK(!nj_framer_take(&framer, 0x55, &frame));
    }
    uint8_t payload[8], wire[NJ_WIRE_BYTES];
    const uint32_t bytes = make(9, payload, sizeof payload, wire);
    CHECK_EQUAL(feed(wire, bytes, &frame), 1);
    CHECK_EQUAL(frame.sequence, 9);
    return 0;
}
