/* A memory card: numbered blocks of 512 bytes. Every call is given the port's context; each blocks, but for no longer
 * than the port bounds it (a card may take 250 ms to write, the specification says). What lies where: nj_card_layout.h.
 * SPDX-License-Identifier: MIT
 */
#ifndef NJ_CARD_H
#define NJ_CARD_H

#include <stdbool.h>
#include <stdint.h>

#define NJ_CARD_BLOCK 512u /* bytes */

struct nj_card {
    /* Find a card and make it ready: how many blocks it has, 0 for none. May be called again. */
    uint32_t (*start)(void *context);
    /* `blocks` of them from number `block` on; data is at a multiple of 32. False: an error, or no answer in time. */
    bool (*read)(void *context, uint32_t block, void *data, uint32_t blocks);
    bool (*write)(void *context, uint32_t block, const void *data, uint32_t blocks);
};

#endif
