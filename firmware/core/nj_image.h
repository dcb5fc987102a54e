/* The CRC of the loaded image, which HELLO says: the firmware reads itself, the host reads the ELF.
 * SPDX-License-Identifier: MIT
 */
#ifndef NJ_IMAGE_H
#define NJ_IMAGE_H

#include <stdint.h>

/* Add one segment to the CRC of those before it, 0 at the start: its address and length, four bytes
 * each, little endian, then its bytes. By rising address; one without bytes adds nothing. */
uint32_t nj_image_add(uint32_t crc, uint32_t address, const void *bytes, uint32_t length);

#endif
