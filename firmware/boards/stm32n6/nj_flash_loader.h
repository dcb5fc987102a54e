/* What a debugger and the flash loader tell each other, at `nj_loader`: host/boards/flashers/nor.py.
 * SPDX-License-Identifier: MIT
 */
#ifndef NJ_FLASH_LOADER_H
#define NJ_FLASH_LOADER_H

#include <stdint.h>

/* Little endian words, at the end of the loader's memory. `state` and `id` are set before nj_loader_done is reached for the
 * first time; after that, a debugger sets `command`, `address` and `bytes` there, and lets the core run until it is there again. */
struct nj_loader {
    uint32_t state; /* enum nj_nor_state, or NJ_LOADER_DIFFERS, NJ_LOADER_OUTSIDE */
    uint32_t id; /* of the NOR */
    uint32_t command; /* enum nj_loader_command */
    uint32_t address; /* in the NOR's window, of a sector */
    uint32_t bytes; /* whole sectors; of NJ_LOADER_WRITE at most NJ_LOADER_BUFFER_BYTES */
    uint32_t crc; /* out: CRC-32 of what lies there now */
    uint32_t erased; /* out: bytes that were erased since the start */
};

enum nj_loader_command {
    NJ_LOADER_CHECK = 1, /* the CRC alone */
    NJ_LOADER_WRITE = 2, /* the NOR's sectors become what the buffer holds; what is so already is left alone */
};

#define NJ_LOADER_DIFFERS 16u /* what was read back is not what was written; `address` says where */
#define NJ_LOADER_OUTSIDE 17u /* no whole sectors in the NOR */

#endif
