/* What a firmware that listens is given on the STM32N6570-DK, and its interrupt.
 * SPDX-License-Identifier: MIT
 */
#ifndef NJ_SOURCES_H
#define NJ_SOURCES_H

#include "nj_port.h"

extern const struct nj_microphone nj_sources_microphone;
extern const struct nj_card nj_sources_card;

void nj_sources_interrupt(void); /* NJ_IRQ_GPDMA1_6 */

/* Before a start of ours that is no reset of the chip: no DMA writes any more. */
void nj_sources_stop(void);

#endif
