/* CRC-32 as zlib computes it: polynomial 0xEDB88320 reflected, start and end inverted.
 * SPDX-License-Identifier: MIT
 */
#ifndef NJ_CRC32_H
#define NJ_CRC32_H

#include <stdint.h>

/* The CRC of `length` more bytes after those that gave `crc`; 0 at the start. nj_crc32(0, "123456789", 9) is 0xCBF43926. */
uint32_t nj_crc32(uint32_t crc, const void *data, uint32_t length);

#endif
