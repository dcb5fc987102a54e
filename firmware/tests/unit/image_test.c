/* The CRC of the image, against the definition spelled out.
 * SPDX-License-Identifier: MIT
 */
#include "nj_image.h"

#include "link/nj_crc32.h"
#include "nj_test.h"

int main(void) {
    static const uint8_t code[] = {0xC0, 0xDE, 0x00};
    static const uint8_t data[] = {0xDA, 0x7A};
    static const uint8_t whole[] = {
        0x00, 0x00, 0x00, 0x10, 3, 0, 0, 0, 0xC0, 0xDE, 0x00, /* address, length, bytes */
        0x34, 0x12, 0x00, 0x70, 2, 0, 0, 0, 0xDA, 0x7A,
    };
    uint32_t crc = nj_image_add(0, 0x10000000, code, sizeof code);
    crc = nj_image_add(crc, 0x20000000, data, 0); /* adds nothing */
    crc = nj_image_add(crc, 0x70001234, data, sizeof data);
    CHECK_EQUAL(crc, nj_crc32(0, whole, sizeof whole));
    CHECK_EQUAL(nj_image_add(7, 0x70000000, data, 0), 7);
    return 0;
}
