/* SPDX-License-Identifier: MIT */
#include "nj_image.h"

#include "link/nj_crc32.h"
#include "link/nj_frame.h"

uint32_t nj_image_add(uint32_t crc, uint32_t address, const void *bytes, uint32_t length) {
    uint8_t head[8];
    if (length == 0) {
        return crc;
    }
    nj_put_u32(head, address);
    nj_put_u32(head + 4, length);
    return nj_crc32(nj_crc32(crc, head, sizeof head), bytes, length);
}
