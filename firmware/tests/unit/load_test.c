/* LOAD heals whatever is lost, doubled or out of order, by repeating.
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include "link/nj_crc32.h"
#include "nj_dispatch.h"
#include "nj_fake.h"
#include "nj_send.h"
#include "nj_staging.h"
#include "nj_test.h"

#define BYTES 64u

static uint8_t chunk[BYTES];

static struct request_r load_of(uint32_t total, uint32_t crc) {
    struct request_r request = {.request_choice = load_request_m_c};
    request.load_request_m = (struct load_request){0, NJ_TARGET_CHUNK, 0, total, crc};
    return request;
}

static void check_loaded(uint16_t id) {
    struct response_r response;
    nj_fake_response(id, &response);
    CHECK_EQUAL(response.response_choice, load_response_m_c);
    CHECK_EQUAL(response.load_response_m.load_response_received, BYTES);
    CHECK_EQUAL(response.load_response_m.load_response_crc, nj_crc32(0, chunk, BYTES));
    CHECK(nj_staging_has_chunk());
    CHECK_EQUAL(memcmp(nj_staging.data, chunk, BYTES), 0);
}

static void in_pieces(void) {
    const struct request_r request = load_of(BYTES, nj_crc32(0, chunk, BYTES));
    nj_fake_request(1, &request);
    CHECK_EQUAL(nj_fake_credit(1), 0);
    CHECK(!nj_staging_has_chunk());
    nj_fake_data(1, 0, BYTES, chunk, 20);
    CHECK_EQUAL(nj_fake_credit(1), 20);
    nj_fake_data(1, 40, BYTES, chunk + 40, 24); /* the one before was lost: go back */
    CHECK_EQUAL(nj_fake_credit(1), 20);
    nj_fake_data(1, 0, BYTES, chunk, 20); /* doubled */
    CHECK_EQUAL(nj_fake_credit(1), 20);
    nj_fake_request(1, &request); /* a repeat continues */
    CHECK_EQUAL(nj_fake_credit(1), 20);
    nj_fake_data(1, 20, BYTES - 1, chunk + 20, 20); /* another total: not of this load */
    CHECK_EQUAL(nj_fake_credit(1), 20);
    nj_fake_data(1, 20, BYTES, chunk + 20, 20);
    CHECK_EQUAL(nj_fake_credit(1), 40);
    nj_fake_data(1, 40, BYTES, chunk, 25); /* more than is left */
    CHECK_EQUAL(nj_fake_credit(1), 40);
    nj_fake_data(1, 40, BYTES, chunk + 40, 24);
    check_loaded(1);
    nj_fake_data(1, 40, BYTES, chunk + 40, 24); /* the answer was lost, and the last piece repeated */
    check_loaded(1);
    nj_fake_request(1, &request); /* or the request */
    check_loaded(1);
}

static void damaged_and_wrong(void) {
    struct nj_fake_frame none;
    const struct request_r wrong_crc = load_of(BYTES, nj_crc32(0, chunk, BYTES) ^ 1u);
    nj_fake_request(2, &wrong_crc);
    CHECK_EQUAL(nj_fake_credit(2), 0);
    nj_fake_data(2, 0, BYTES, chunk, BYTES);
    CHECK_EQUAL(nj_fake_error(2), 4);
    CHECK(!nj_staging_has_chunk());
    const struct request_r wrong_total = load_of(BYTES - 2, 0);
    nj_fake_request(3, &wrong_total);
    CHECK_EQUAL(nj_fake_error(3), 2);
    nj_fake_data(3, 0, BYTES, chunk, BYTES); /* no load under way, but an answer to repeat */
    CHECK_EQUAL(nj_fake_error(3), 2);
    nj_fake_data(77, 0, BYTES, chunk, BYTES); /* of nobody */
    CHECK(!nj_fake_take(&none));
}

/* The host of the protocol in its simplest form, over a link that loses frames both ways. */
static void lossy(uint32_t seed) {
    uint32_t state = seed;
    const struct request_r request = load_of(BYTES, nj_crc32(0, chunk, BYTES));
    const uint16_t id = (uint16_t)(100 + seed);
    for (int tries = 0; tries < 1000; ++tries) {
        if (nj_random(&state) % 2 == 0) {
            nj_fake_request(id, &request);
        }
        struct nj_fake_frame frame;
        while (nj_fake_take(&frame)) {
            if (nj_random(&state) % 3 == 0) {
                continue; /* lost on the way to the host */
            }
            if (frame.frame.type == NJ_FRAME_RESPONSE) {
                CHECK(nj_staging_has_chunk());
                CHECK_EQUAL(memcmp(nj_staging.data, chunk, BYTES), 0);
                return;
            }
            const uint32_t from = nj_get_u32(frame.payload);
            for (uint32_t at = from; at < BYTES; at += 16) {
                if (nj_random(&state) % 3 != 0) { /* else lost on the way to the board */
                    nj_fake_data(id, at, BYTES, chunk + at, BYTES - at < 16 ? BYTES - at : 16);
                }
            }
        }
    }
    CHECK(!"the load never ended");
}

int main(void) {
    for (uint32_t i = 0; i < BYTES; ++i) {
        chunk[i] = (uint8_t)(3 * i);
    }
    nj_send_to(&nj_fake_port);
    nj_dispatch_start();
    nj_fake_hello(0);
    in_pieces();
    damaged_and_wrong();
    for (uint32_t seed = 1; seed <= 300; ++seed) {
        nj_dispatch_start();
        nj_fake_hello(0);
        memset(nj_staging.data, 0, nj_staging.bytes);
        lossy(seed);
        struct nj_fake_frame rest;
        while (nj_fake_take(&rest)) {
        }
    }
    return 0;
}
