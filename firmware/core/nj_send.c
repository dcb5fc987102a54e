/* SPDX-License-Identifier: MIT */
#include "nj_send.h"

#include <stddef.h>
#include <string.h>

#include "nj_log.h"
#include "nj_messages_encode.h"

#define EVENT_BYTES 64u
/* An array head, and unsigned integers of at most five or nine bytes each. */
_Static_assert(1 + 8 * 5 <= EVENT_BYTES && 1 + 5 * 5 + 2 * 9 <= EVENT_BYTES, "fault and detection, the largest events");

static const struct nj_port *to;
static uint16_t sequence;

void nj_send_to(const struct nj_port *port) {
    to = port;
}

void nj_send(enum nj_frame_type type, uint16_t request, const uint8_t *payload, uint32_t length) {
    static uint8_t wire[NJ_WIRE_BYTES];
    const struct nj_frame frame = {
        .version = NJ_LINK_VERSION,
        .type = (uint8_t)type,
        .sequence = sequence++,
        .request = request,
        .payload = payload,
        .length = length,
    };
    if (to != NULL) {
        to->write(to->context, wire, nj_frame_write(&frame, wire));
    }
}

static void send_event(const struct event_r *event) {
    uint8_t payload[EVENT_BYTES];
    size_t length = 0;
    if (cbor_encode_event(payload, sizeof payload, event, &length) == ZCBOR_SUCCESS) {
        nj_send(NJ_FRAME_EVENT, 0, payload, (uint32_t)length);
    }
}

void nj_send_boot(const struct nj_port *port) {
    struct event_r event = {.event_choice = boot_event_m_c};
    event.boot_event_m.boot_event_boot = port->boot;
    event.boot_event_m.boot_event_reset_cause = (uint32_t)port->reset_cause(port->context);
    send_event(&event);
}

void nj_send_fault(const struct nj_fault *fault) {
    struct event_r event = {.event_choice = fault_event_m_c};
    event.fault_event_m = (struct fault_event){
        .fault_event_cfsr = fault->cfsr,
        .fault_event_hfsr = fault->hfsr,
        .fault_event_bfar = fault->bfar,
        .fault_event_mmfar = fault->mmfar,
        .fault_event_pc = fault->pc,
        .fault_event_lr = fault->lr,
        .fault_event_sp = fault->sp,
    };
    send_event(&event);
}

void nj_send_detection(uint32_t number, const struct nj_detection *detection) {
    struct event_r event = {.event_choice = detection_event_m_c};
    event.detection_event_m = (struct detection_event){
        .detection_event_nth = number,
        .detection_event_label = detection->label,
        .detection_event_start = detection->start,
        .detection_event_end = detection->end,
        .detection_event_score = detection->score,
        .detection_event_chunks = detection->chunks,
    };
    send_event(&event);
}

void nj_log_bytes(const char *text, uint32_t length) {
    while (length != 0) {
        const uint32_t piece = length < NJ_PIECE_BYTES ? length : NJ_PIECE_BYTES;
        nj_send(NJ_FRAME_LOG, 0, (const uint8_t *)text, piece);
        text += piece;
        length -= piece;
    }
}

void nj_log(const char *text) {
    nj_log_bytes(text, (uint32_t)strlen(text));
}
