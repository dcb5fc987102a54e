/* SysTick (Armv8-M ARM, B11) at the core's clock, as the registers give it: a millisecond a round.
 * SPDX-License-Identifier: MIT
 */
#include "nj_wait.h"

#include "nj_board.h"

void nj_wait_start(struct nj_wait *wait, uint32_t ms) {
    uint32_t clocks[NJ_CLOCKS];
    nj_clock_read(clocks);
    wait->left = ms;
    SYST_RVR = clocks[0] / 1000u - 1u; /* 24 bits last to 16 GHz */
    SYST_CVR = 0;
    SYST_CSR = SYST_CSR_CLKSOURCE | SYST_CSR_ENABLE;
}

bool nj_wait_over(struct nj_wait *wait) {
    if (wait->left > 0 && (SYST_CSR & SYST_CSR_COUNTFLAG) != 0) {
        --wait->left;
    }
    return wait->left == 0;
}
