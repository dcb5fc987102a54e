/* SPDX-License-Identifier: MIT */
#include "nj_fake.h"

#include <stddef.h>
#include <string.h>

#include "link/nj_crc32.h"
#include "nj_dispatch.h"
#include "nj_messages_decode.h"
#include "nj_messages_encode.h"
#include "nj_test.h"

#define MOST 64u

static struct nj_fake_frame out[MOST];
static uint32_t first, count;
uint32_t nj_fake_resets;
uint32_t nj_fake_counts;
uint32_t nj_fake_session;

static void port_write(void *context, const uint8_t *data, uint32_t length) {
    static struct nj_framer framer;
    (void)context;
    for (uint32_t i = 0; i < length; ++i) {
        struct nj_frame frame;
        if (nj_framer_take(&framer, data[i], &frame)) {
            CHECK(count < MOST);
            struct nj_fake_frame *const place = &out[(first + count++) % MOST];
            place->frame = frame;
            memcpy(place->payload, frame.payload, frame.length);
            place->frame.payload = place->payload;
        }
    }
    CHECK_EQUAL(framer.dropped, 0);
}

static uint32_t port_read(void *context, uint8_t *data, uint32_t capacity) {
    (void)context;
    (void)data;
    (void)capacity;
    return 0;
}

static void port_cost_begin(void *context) {
    (void)context;
}

static uint64_t port_cost_end(void *context) {
    (void)context;
    return ++nj_fake_counts, 7;
}

static void port_reset(void *context) {
    (void)context;
    nj_fake_resets++;
}

static enum nj_reset_cause port_reset_cause(void *context) {
    (void)context;
    return NJ_RESET_REQUESTED;
}

static uint32_t port_stack_used(void *context) {
    (void)context;
    return 1234;
}

static uint32_t port_overruns(void *context) {
    (void)context;
    return 41;
}

static const uint8_t build_id[20] = {0xB1};
static const uint8_t unique_id[12] = "NIGHTJAR-VMA"; /* without its zero */
static const uint32_t clocks[] = {600000000, 400000000, 0xFFFFFFFF};

const struct nj_port nj_fake_port = {
    .board = "fake",
    .cost_unit = "sevens",
    .read = port_read,
    .write = port_write,
    .cost_begin = port_cost_begin,
    .cost_end = port_cost_end,
    .reset = port_reset,
    .reset_cause = port_reset_cause,
    .stack_used = port_stack_used,
    .boot = 99,
    .build_id = build_id,
    .build_id_bytes = sizeof build_id,
    .image = 0x1AAA6E,
    .unique_id = unique_id,
    .unique_id_bytes = sizeof unique_id,
    .clocks = clocks,
    .clock_count = sizeof clocks / sizeof clocks[0],
    .caches = 3,
    .overruns = port_overruns,
};

bool nj_fake_take(struct nj_fake_frame *taken) {
    if (count == 0) {
        return false;
    }
    *taken = out[first];
    taken->frame.payload = taken->payload;
    first = (first + 1) % MOST;
    count--;
    return true;
}

void nj_fake_request(uint16_t id, const struct request_r *given) {
    uint8_t payload[64];
    size_t length = 0;
    struct request_r request = *given;
    switch (request.request_choice) {
    case hello_request_m_c: request.hello_request_m.hello_request_nonce = nj_fake_session; break;
    case load_request_m_c: request.load_request_m.load_request_session = nj_fake_session; break;
    case run_request_m_c: request.run_request_m.run_request_session = nj_fake_session; break;
    case digests_request_m_c: request.digests_request_m.digests_request_session = nj_fake_session; break;
    case read_request_m_c: request.read_request_m.read_request_session = nj_fake_session; break;
    case cost_request_m_c: request.cost_request_m.cost_request_session = nj_fake_session; break;
    case reset_request_m_c: request.reset_request_m.reset_request_session = nj_fake_session; break;
    case spin_request_m_c: request.spin_request_m.spin_request_session = nj_fake_session; break;
    case clear_request_m_c: request.clear_request_m.clear_request_session = nj_fake_session; break;
    case listen_request_m_c: request.listen_request_m.listen_request_session = nj_fake_session; break;
    }
    CHECK_EQUAL(cbor_encode_request(payload, sizeof payload, &request, &length), ZCBOR_SUCCESS);
    const struct nj_frame frame = {NJ_LINK_VERSION, NJ_FRAME_REQUEST, 0, id, payload, (uint32_t)length};
    nj_dispatch(&nj_fake_port, &frame);
}

void nj_fake_data(uint16_t id, uint32_t offset, uint32_t total, const uint8_t *bytes, uint32_t length) {
    uint8_t payload[NJ_PAYLOAD_BYTES];
    nj_put_u32(payload, offset);
    nj_put_u32(payload + 4, total);
    memcpy(payload + NJ_DATA_HEADER, bytes, length);
    const struct nj_frame frame = {NJ_LINK_VERSION, NJ_FRAME_DATA, 0, id, payload, NJ_DATA_HEADER + length};
    nj_dispatch(&nj_fake_port, &frame);
}

void nj_fake_hello(uint16_t id) {
    const struct request_r request = {.request_choice = hello_request_m_c};
    struct response_r response;
    nj_fake_request(id, &request);
    nj_fake_response(id, &response);
    CHECK_EQUAL(response.response_choice, hello_response_m_c);
}

void nj_fake_response(uint16_t id, struct response_r *response) {
    static struct nj_fake_frame taken; /* static: the strings of a response point into it */
    size_t used = 0;
    CHECK(nj_fake_take(&taken));
    CHECK_EQUAL(taken.frame.type, NJ_FRAME_RESPONSE);
    CHECK_EQUAL(taken.frame.request, id);
    CHECK_EQUAL(cbor_decode_response(taken.payload, taken.frame.length, response, &used), ZCBOR_SUCCESS);
    CHECK_EQUAL(used, taken.frame.length);
}

uint32_t nj_fake_credit(uint16_t id) {
    struct nj_fake_frame taken;
    CHECK(nj_fake_take(&taken));
    CHECK_EQUAL(taken.frame.type, NJ_FRAME_CREDIT);
    CHECK_EQUAL(taken.frame.request, id);
    CHECK_EQUAL(taken.frame.length, 4);
    return nj_get_u32(taken.payload);
}

uint32_t nj_fake_error(uint16_t id) {
    struct response_r response;
    nj_fake_response(id, &response);
    CHECK_EQUAL(response.response_choice, error_response_m_c);
    CHECK(response.error_response_m.error_response_detail.len > 0);
    return response.error_response_m.error_response_code;
}

void nj_fake_load(uint16_t id, uint32_t target, uint32_t index, const uint8_t *bytes, uint32_t length) {
    struct request_r request = {.request_choice = load_request_m_c};
    struct response_r response;
    request.load_request_m = (struct load_request){0, target, index, length, nj_crc32(0, bytes, length)};
    nj_fake_request(id, &request);
    CHECK_EQUAL(nj_fake_credit(id), 0);
    nj_fake_data(id, 0, length, bytes, length);
    nj_fake_response(id, &response);
    CHECK_EQUAL(response.response_choice, load_response_m_c);
    CHECK_EQUAL(response.load_response_m.load_response_received, length);
    CHECK_EQUAL(response.load_response_m.load_response_crc, nj_crc32(0, bytes, length));
}
