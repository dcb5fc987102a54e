/* Consistent overhead byte stuffing: bytes without 0x00, so that 0x00 can end a link frame.
 * SPDX-License-Identifier: MIT
 */
#ifndef NJ_COBS_H
#define NJ_COBS_H

#include <stdint.h>

/* Most bytes that `length` bytes become: one code byte, and one more for each 254. */
#define NJ_COBS_ENCODED(length) ((length) + (length) / 254u + 1u)

/* Encode into `out`, which holds NJ_COBS_ENCODED(length) bytes and does not overlap; returns how many. No delimiter. */
uint32_t nj_cobs_encode(const uint8_t *data, uint32_t length, uint8_t *out);

/* Decode in place the `length` bytes between two delimiters. Returns how many there are now, or -1 when they are not COBS. */
int32_t nj_cobs_decode(uint8_t *data, uint32_t length);

#endif
