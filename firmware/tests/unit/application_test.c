/* The loop: bytes in odd portions, with noise between, and the fault state.
 * SPDX-License-Identifier: MIT
 */
#include <setjmp.h>
#include <string.h>

#include "nj_fake.h"
#include "nj_log.h"
#include "nj_messages_decode.h"
#include "nj_test.h"

static uint8_t input[512];
static uint32_t input_bytes, input_at, portion;
static jmp_buf all_read;

static uint32_t port_read(void *context, uint8_t *data, uint32_t capacity) {
    uint32_t count = input_bytes - input_at;
    (void)context;
    CHECK(capacity >= portion);
    count = count < portion ? count : portion;
    memcpy(data, input + input_at, count);
    input_at += count;
    return count;
}

static void port_idle(void *context) {
    (void)context;
    longjmp(all_read, 1);
}

static void put_frame(uint16_t id, const uint8_t *payload, uint32_t length) {
    const struct nj_frame frame = {NJ_LINK_VERSION, NJ_FRAME_REQUEST, 0, id, payload, length};
    uint8_t wire[NJ_WIRE_BYTES];
    const uint32_t bytes = nj_frame_write(&frame, wire);
    memcpy(input + input_bytes, wire, bytes);
    input_bytes += bytes;
}

static void take_event(uint32_t choice, struct event_r *event) {
    struct nj_fake_frame frame;
    size_t used = 0;
    CHECK(nj_fake_take(&frame));
    CHECK_EQUAL(frame.frame.type, NJ_FRAME_EVENT);
    CHECK_EQUAL(cbor_decode_event(frame.payload, frame.frame.length, event, &used), ZCBOR_SUCCESS);
    CHECK_EQUAL(event->event_choice, choice);
}

static const uint8_t hello[] = {0x82, 0, 5};
static const uint8_t reset[] = {0x82, 6, 9}; /* whatever session it names */

static void working(struct nj_port *port) {
    struct event_r event;
    struct response_r response;
    struct nj_fake_frame frame;
    input_bytes = input_at = 0;
    put_frame(1, hello, sizeof hello);
    memset(input + input_bytes, 'n', 37);
    input_bytes += 37;
    put_frame(2, hello, sizeof hello);
    if (setjmp(all_read) == 0) {
        nj_application(port);
    }
    take_event(boot_event_m_c, &event);
    CHECK_EQUAL(event.boot_event_m.boot_event_boot, 99);
    CHECK_EQUAL(event.boot_event_m.boot_event_reset_cause, NJ_RESET_REQUESTED);
    nj_fake_response(1, &response);
    nj_fake_response(2, &response);
    CHECK_EQUAL(response.response_choice, hello_response_m_c);
    CHECK(!nj_fake_take(&frame));
}

static void faulted(struct nj_port *port) {
    static const struct nj_fault fault = {1, 2, 3, 4, 5, 6, 7};
    struct event_r event;
    struct response_r response;
    struct nj_fake_frame frame;
    input_bytes = input_at = 0;
    put_frame(8, hello, sizeof hello);
    put_frame(9, reset, sizeof reset);
    if (setjmp(all_read) == 0) {
        nj_application_fault(port, &fault);
    }
    for (int i = 0; i < 2; ++i) { /* at once, and in answer to HELLO */
        take_event(fault_event_m_c, &event);
        CHECK_EQUAL(event.fault_event_m.fault_event_cfsr, 1);
        CHECK_EQUAL(event.fault_event_m.fault_event_hfsr, 2);
        CHECK_EQUAL(event.fault_event_m.fault_event_bfar, 3);
        CHECK_EQUAL(event.fault_event_m.fault_event_mmfar, 4);
        CHECK_EQUAL(event.fault_event_m.fault_event_pc, 5);
        CHECK_EQUAL(event.fault_event_m.fault_event_lr, 6);
        CHECK_EQUAL(event.fault_event_m.fault_event_sp, 7);
    }
    nj_fake_response(9, &response);
    CHECK_EQUAL(response.response_choice, reset_response_m_c);
    CHECK(!nj_fake_take(&frame));
}

static void text(void) {
    static char words[NJ_PIECE_BYTES + 11];
    struct nj_fake_frame frame;
    memset(words, 'w', sizeof words - 1);
    nj_log(words);
    CHECK(nj_fake_take(&frame));
    CHECK_EQUAL(frame.frame.type, NJ_FRAME_LOG);
    CHECK_EQUAL(frame.frame.length, NJ_PIECE_BYTES);
    CHECK(nj_fake_take(&frame));
    CHECK_EQUAL(frame.frame.length, 10);
    CHECK(!nj_fake_take(&frame));
}

int main(void) {
    struct nj_port port = nj_fake_port;
    port.read = port_read;
    port.idle = port_idle;
    for (portion = 1; portion < 50; portion += 7) {
        const uint32_t resets = nj_fake_resets;
        working(&port);
        CHECK_EQUAL(nj_fake_resets, resets);
        faulted(&port);
        CHECK_EQUAL(nj_fake_resets, resets + 1);
    }
    text();
    return 0;
}
