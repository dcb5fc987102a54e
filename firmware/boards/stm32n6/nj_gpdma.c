/* A block whose item names itself: the channel loads it again at each end.
 * SPDX-License-Identifier: MIT
 */
#include "nj_gpdma.h"

#include "nj_board.h"
#include "nj_cache_lines.h"

#define STOP_LOOKS 10000u

void nj_gpdma_start(struct nj_gpdma_item *item, uint32_t request, uint32_t source, void *ring, uint32_t bytes) {
    const uint32_t at = (uint32_t)(uintptr_t)item;
    nj_gpdma_stop();
    RCC_AHB1LPENSR = RCC_AHB1_GPDMA1; /* a core that sleeps takes away every clock that is not named */
    GPDMA1_SECCFGR = GPDMA1_SECCFGR | GPDMA_CHANNEL6;
    GPDMA1_PRIVCFGR = GPDMA1_PRIVCFGR | GPDMA_CHANNEL6;
    item->tr1 = GPDMA_TR1_HALF_WORDS | GPDMA_TR1_DINC | GPDMA_TR1_SECURE;
    item->tr2 = request;
    item->br1 = bytes;
    item->sar = source;
    item->dar = (uint32_t)(uintptr_t)ring;
    item->llr = GPDMA_LLR_ALL | (at & 0xFFFCu);
    nj_cache_lines_write_back(item, sizeof *item);
    nj_cache_lines_hand_over(ring, bytes);
    GPDMA1_C6LBAR = at & 0xFFFF0000u;
    GPDMA1_C6BR1 = 0; /* nothing yet: the item is loaded first */
    GPDMA1_C6LLR = item->llr;
    GPDMA1_C6CR = GPDMA_HT | GPDMA_TC | GPDMA_ERRORS;
    GPDMA1_C6CR = GPDMA_HT | GPDMA_TC | GPDMA_ERRORS | GPDMA_CR_EN;
}

uint32_t nj_gpdma_events(void) {
    const uint32_t now = GPDMA1_C6SR & (GPDMA_HT | GPDMA_TC | GPDMA_ERRORS);
    GPDMA1_C6FCR = now;
    return now;
}

uint32_t nj_gpdma_left(void) {
    return GPDMA1_C6BR1 & 0xFFFFu;
}

/* A channel is reset only once it is suspended or idle. */
void nj_gpdma_stop(void) {
    RCC_AHB1ENSR = RCC_AHB1_GPDMA1;
    (void)RCC_AHB1ENR; /* the enable has arrived when it can be read */
    if ((GPDMA1_C6CR & GPDMA_CR_EN) != 0) {
        GPDMA1_C6CR = GPDMA1_C6CR | GPDMA_CR_SUSP;
        for (uint32_t look = 0; look < STOP_LOOKS && (GPDMA1_C6SR & (GPDMA_SUSPF | GPDMA_IDLEF)) == 0; ++look) {
        }
    }
    GPDMA1_C6CR = GPDMA_CR_RESET;
    GPDMA1_C6FCR = 0x7F00u;
}
