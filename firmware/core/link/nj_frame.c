/* SPDX-License-Identifier: MIT */
#include "nj_frame.h"

#include <string.h>

#include "nj_crc32.h"

_Static_assert(NJ_FRAME_BYTES == 1042, "a piece of 1 KiB with its headers");
_Static_assert(NJ_WIRE_BYTES <= 1500, "a link frame must fit one Ethernet packet");

static uint16_t get_u16(const uint8_t *bytes) {
    return (uint16_t)(bytes[0] | bytes[1] << 8);
}

bool nj_framer_take(struct nj_framer *framer, uint8_t byte, struct nj_frame *frame) {
    if (byte != 0) {
        if (framer->length < sizeof framer->bytes) {
            framer->bytes[framer->length++] = byte;
        } else {
            framer->too_long = true;
        }
        return false;
    }
    const uint32_t encoded = framer->length;
    const bool too_long = framer->too_long;
    framer->length = 0;
    framer->too_long = false;
    if (encoded == 0) {
        return false; /* two delimiters in a row, or padding */
    }
    const int32_t decoded = too_long ? -1 : nj_cobs_decode(framer->bytes, encoded);
    if (decoded < (int32_t)(NJ_FRAME_HEADER + NJ_FRAME_CRC)) {
        framer->dropped++;
        return false;
    }
    const uint32_t body = (uint32_t)decoded - NJ_FRAME_CRC;
    if (nj_crc32(0, framer->bytes, body) != nj_get_u32(framer->bytes + body)) {
        framer->dropped++;
        return false;
    }
    *frame = (struct nj_frame){
        .version = framer->bytes[0],
        .type = framer->bytes[1],
        .sequence = get_u16(framer->bytes + 2),
        .request = get_u16(framer->bytes + 4),
        .payload = framer->bytes + NJ_FRAME_HEADER,
        .length = body - NJ_FRAME_HEADER,
    };
    return true;
}

uint32_t nj_frame_write(const struct nj_frame *frame, uint8_t *wire) {
    static uint8_t plain[NJ_FRAME_BYTES];
    plain[0] = frame->version;
    plain[1] = frame->type;
    plain[2] = (uint8_t)frame->sequence;
    plain[3] = (uint8_t)(frame->sequence >> 8);
    plain[4] = (uint8_t)frame->request;
    plain[5] = (uint8_t)(frame->request >> 8);
    if (frame->length != 0) {
        memcpy(plain + NJ_FRAME_HEADER, frame->payload, frame->length);
    }
    const uint32_t body = NJ_FRAME_HEADER + frame->length;
    nj_put_u32(plain + body, nj_crc32(0, plain, body));
    wire[0] = 0;
    const uint32_t encoded = nj_cobs_encode(plain, body + NJ_FRAME_CRC, wire + 1);
    wire[1 + encoded] = 0;
    return encoded + 2;
}
