/* The STM32N6570-DK's microphone (MP23DB01HP) by MDF1's filter 0, into a ring that GPDMA1 fills.
 * SPDX-License-Identifier: MIT
 */
#ifndef NJ_MDF_H
#define NJ_MDF_H

#include <stdbool.h>
#include <stdint.h>

#include "nj_gpdma.h"

#define NJ_MDF_RING 32000u /* samples: 667 ms at 48 kHz, two seconds at 16 */

/* In AXISRAM. */
struct nj_mdf {
    int16_t ring[NJ_MDF_RING] __attribute__((aligned(32)));
    struct nj_gpdma_item item;
    uint32_t rounds; /* that the DMA has ended since the start */
    uint32_t taken_rounds; /* that the reader has ended */
    uint32_t taken; /* the reader's place in the ring */
    uint32_t dropped;
    bool gap; /* somewhere in what waits: an interrupt that came later than half a ring, or a sample that the filter lost */
    bool stopped; /* by an error of the DMA */
};

/* Begin at one of the rates of nj_mdf_rates.h. False: another one, or PLL3 gives nothing. */
bool nj_mdf_start(struct nj_mdf *mdf, uint32_t rate_hz);

/* Copy what has come, oldest first, and return how many samples. */
uint32_t nj_mdf_read(struct nj_mdf *mdf, int16_t *samples, uint32_t capacity);

/* Samples lost since the start, at least: what is known of them. An error of the DMA, after which none come, counts as a round. */
uint32_t nj_mdf_dropped(const struct nj_mdf *mdf);

/* To be called at each interrupt NJ_IRQ_GPDMA1_6. Where that was later than half a ring, the next read drops what has come, and counts
 * it. */
void nj_mdf_interrupt(struct nj_mdf *mdf);

void nj_mdf_stop(struct nj_mdf *mdf);

#endif
