/* The table against the definition, bit by bit.
 * SPDX-License-Identifier: MIT
 */
#include "link/nj_crc32.h"

#include "nj_test.h"

static uint32_t naive(const uint8_t *bytes, uint32_t length) {
    uint32_t crc = 0xFFFFFFFFu;
    for (uint32_t i = 0; i < length; ++i) {
        for (int bit = 0; bit < 8; ++bit) {
            const uint32_t low = (crc ^ (uint32_t)(bytes[i] >> bit)) & 1u;
            crc = (crc >> 1) ^ (low != 0 ? 0xEDB88320u : 0);
        }
    }
    return ~crc;
}

int main(void) {
    CHECK_EQUAL(nj_crc32(0, "123456789", 9), 0xCBF43926u); /* the check value of the catalogue */
    CHECK_EQUAL(nj_crc32(0, "", 0), 0);
    uint8_t bytes[300];
    uint32_t state = 1;
    for (uint32_t length = 0; length <= sizeof bytes; ++length) {
        for (uint32_t i = 0; i < length; ++i) {
            bytes[i] = (uint8_t)nj_random(&state);
        }
        const uint32_t half = length / 2;
        CHECK_EQUAL(nj_crc32(0, bytes, length), naive(bytes, length));
        CHECK_EQUAL(nj_crc32(nj_crc32(0, bytes, half), bytes + half, length - half), naive(bytes, length));
    }
    return 0;
}
