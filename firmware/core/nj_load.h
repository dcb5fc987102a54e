/* LOAD: pieces in order, each confirmed by the offset wanted next.
 *
 * Healing: a piece that is not the one wanted is dropped and the wanted offset said again, so the host goes back to it.
 * A repeated request continues the load and says the wanted offset again; after the end it gets the final answer again.
 * Blocks of a stream are not stored but pushed as their pieces come, each once.
 * SPDX-License-Identifier: MIT
 */
#ifndef NJ_LOAD_H
#define NJ_LOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "nj_port.h"
#include "nj_status.h"

struct nj_load_request {
    uint32_t target; /* enum nj_target */
    uint32_t index; /* of the input; of a stream: its stride, or the block's first sample */
    uint32_t total; /* bytes; must be those of the target; of a stream: at most what is missing of the chunk */
    uint32_t crc;
};

/* Forget a load under way. */
void nj_load_forget(void);

/* Begin, or continue when `id` and request are those of the load under way. When it fails, nothing changes. */
enum nj_status nj_load_begin(const struct nj_port *port, uint16_t id, const struct nj_load_request *request);

/* Take the payload of a DATA frame. False when no load of that id is under way. */
bool nj_load_data(const struct nj_port *port, uint16_t id, const uint8_t *payload, uint32_t length);

/* The next offset wanted, which is also how many bytes have arrived. */
uint32_t nj_load_wanted(void);

/* Whether all bytes have arrived; then end the load, with the CRC of what arrived. NJ_DAMAGED when it is not the one
 * that was announced: then nothing is loaded, and a stream is lost. */
bool nj_load_complete(void);
enum nj_status nj_load_end(uint32_t *crc);

#endif
