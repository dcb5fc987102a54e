/* Vectors of the COBS paper's kind, and every length around the block size there and back.
 * SPDX-License-Identifier: MIT
 */
#include "link/nj_cobs.h"

#include <string.h>

#include "nj_test.h"

struct vector {
    uint32_t plain_bytes, coded_bytes;
    uint8_t plain[4], coded[5];
};

static const struct vector vectors[] = {
    {0, 1, {0}, {1}},
    {1, 2, {0}, {1, 1}},
    {1, 2, {0x11}, {2, 0x11}},
    {2, 3, {0, 0}, {1, 1, 1}},
    {4, 5, {0x11, 0x22, 0, 0x33}, {3, 0x11, 0x22, 2, 0x33}},
    {4, 5, {0x11, 0, 0, 0}, {2, 0x11, 1, 1, 1}},
};

static void there_and_back(const uint8_t *plain, uint32_t length) {
    uint8_t coded[NJ_COBS_ENCODED(1100)];
    const uint32_t bytes = nj_cobs_encode(plain, length, coded);
    CHECK(bytes <= NJ_COBS_ENCODED(length));
    CHECK(memchr(coded, 0, bytes) == NULL);
    CHECK_EQUAL(nj_cobs_decode(coded, bytes), length);
    CHECK_EQUAL(memcmp(coded, plain, length), 0);
}

int main(void) {
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; ++i) {
        uint8_t coded[8];
        CHECK_EQUAL(nj_cobs_encode(vectors[i].plain, vectors[i].plain_bytes, coded), vectors[i].coded_bytes);
        CHECK_EQUAL(memcmp(coded, vectors[i].coded, vectors[i].coded_bytes), 0);
    }
    uint8_t plain[1100];
    uint32_t state = 2;
    memset(plain, 7, sizeof plain);
    for (uint32_t length = 0; length <= sizeof plain; ++length) {
        there_and_back(plain, length); /* no zero at all: blocks of 254 */
    }
    for (int round = 0; round < 2000; ++round) {
        const uint32_t length = nj_random(&state) % (uint32_t)sizeof plain;
        const uint32_t rarity = 1 + nj_random(&state) % 600;
        for (uint32_t i = 0; i < length; ++i) {
            plain[i] = (uint8_t)(nj_random(&state) % rarity == 0 ? 0 : 1 + nj_random(&state) % 255);
        }
        there_and_back(plain, length);
    }
    /* Not COBS: a block longer than what is there, a zero inside. */
    uint8_t short_block[] = {5, 1, 2};
    CHECK_EQUAL(nj_cobs_decode(short_block, sizeof short_block), -1);
    uint8_t with_zero[] = {3, 1, 0};
    CHECK_EQUAL(nj_cobs_decode(with_zero, sizeof with_zero), -1);
    /* Any bytes at all: never out of bounds (the sanitizer watches), never longer. */
    for (int round = 0; round < 20000; ++round) {
        const uint32_t length = nj_random(&state) % 64;
        uint8_t *const bytes = malloc(length + 1);
        for (uint32_t i = 0; i < length; ++i) {
            bytes[i] = (uint8_t)(nj_random(&state) % 70);
        }
        CHECK(nj_cobs_decode(bytes, length) <= (int32_t)length);
        free(bytes);
    }
    return 0;
}
