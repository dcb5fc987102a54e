/* GPDMA1's channel 6: half words of a peripheral into a ring, for ever.
 * SPDX-License-Identifier: MIT
 */
#ifndef NJ_GPDMA_H
#define NJ_GPDMA_H

#include <stdbool.h>
#include <stdint.h>

/* A linked-list item as the channel reads it, in a cache line of its own. */
struct nj_gpdma_item {
    uint32_t tr1;
    uint32_t tr2;
    uint32_t br1;
    uint32_t sar;
    uint32_t dar;
    uint32_t llr;
    uint32_t unused[2];
} __attribute__((aligned(32)));

/* Move a half word from `source` to the next place of the ring at every request, and begin anew at its end. `ring` and `item` are in
 * AXISRAM, at a multiple of 32; `bytes` is a multiple of 32, at most 65,504. An interrupt comes at its middle and at its end. */
void nj_gpdma_start(struct nj_gpdma_item *item, uint32_t request, uint32_t source, void *ring, uint32_t bytes);

/* Take the events since the last time: GPDMA_HT, GPDMA_TC, GPDMA_ERRORS, after which it has stopped. */
uint32_t nj_gpdma_events(void);

/* Bytes of the present round that are still to come, 1 to all. */
uint32_t nj_gpdma_left(void);

void nj_gpdma_stop(void);

#endif
