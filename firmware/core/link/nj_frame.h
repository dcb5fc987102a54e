/* Link frames: COBS( version u8 | type u8 | sequence u16 | request u16 | payload | crc32 u32 ) 0x00, little endian.
 * SPDX-License-Identifier: MIT
 */
#ifndef NJ_FRAME_H
#define NJ_FRAME_H

#include <stdbool.h>
#include <stdint.h>

#include "nj_cobs.h"

#define NJ_LINK_VERSION 4u

enum nj_frame_type {
    NJ_FRAME_REQUEST = 1,
    NJ_FRAME_RESPONSE = 2,
    NJ_FRAME_DATA = 3,
    NJ_FRAME_CREDIT = 4,
    NJ_FRAME_LOG = 5,
    NJ_FRAME_EVENT = 6,
};

#define NJ_PIECE_BYTES 1024u /* tensor bytes in one DATA frame, at most */
#define NJ_DATA_HEADER 8u /* offset u32 | total u32 */
#define NJ_PAYLOAD_BYTES (NJ_DATA_HEADER + NJ_PIECE_BYTES)
#define NJ_FRAME_HEADER 6u
#define NJ_FRAME_CRC 4u
#define NJ_FRAME_BYTES (NJ_FRAME_HEADER + NJ_PAYLOAD_BYTES + NJ_FRAME_CRC)
/* On the wire: a delimiter before, which ends whatever stray bytes came first, and one after. */
#define NJ_WIRE_BYTES (NJ_COBS_ENCODED(NJ_FRAME_BYTES) + 2u)

struct nj_frame {
    uint8_t version;
    uint8_t type; /* enum nj_frame_type, or one that is not known here */
    uint16_t sequence;
    uint16_t request;
    const uint8_t *payload;
    uint32_t length;
};

/* Bytes to frames. Zero it to start. A damaged frame is dropped and counted; the next one begins after the next 0x00. */
struct nj_framer {
    uint8_t bytes[NJ_COBS_ENCODED(NJ_FRAME_BYTES)];
    uint32_t length;
    bool too_long; /* drop until the delimiter */
    uint32_t dropped; /* frames that were damaged */
};

/* Take one byte. True when it ended a whole frame: `frame` then points into the framer, until the next byte. */
bool nj_framer_take(struct nj_framer *framer, uint8_t byte, struct nj_frame *frame);

/* Write a frame with its delimiters into `wire`, NJ_WIRE_BYTES long; returns how many bytes it has.
 * frame->length is at most NJ_PAYLOAD_BYTES. Not reentrant. */
uint32_t nj_frame_write(const struct nj_frame *frame, uint8_t *wire);

static inline uint32_t nj_get_u32(const uint8_t *bytes) {
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

static inline void nj_put_u32(uint8_t *bytes, uint32_t value) {
    bytes[0] = (uint8_t)value;
    bytes[1] = (uint8_t)(value >> 8);
    bytes[2] = (uint8_t)(value >> 16);
    bytes[3] = (uint8_t)(value >> 24);
}

#endif
