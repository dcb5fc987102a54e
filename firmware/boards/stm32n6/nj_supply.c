/* The supplies. A pin works only when its supply is declared valid; the core's voltage comes from the board's own converter
 * (DK) or from the chip's (Nucleo), which the port's nj_kind.h says.
 * SPDX-License-Identifier: MIT
 */
#include "nj_board.h"
#include "nj_kind.h"

void nj_supply_start(void) {
    RCC_BUSENSR = RCC_BUS_ALL;
    RCC_AHB4ENSR = RCC_AHB4_PWR;
    (void)RCC_AHB4ENR; /* the enable has arrived when it can be read */
    PWR_SVMCR1 = PWR_SVMCR1 | PWR_SVMCR1_VDDIO4SV;
    PWR_SVMCR2 = PWR_SVMCR2 | PWR_SVMCR2_VDDIO5SV;
    PWR_SVMCR3 = PWR_SVMCR3 | PWR_SVMCR3_VDDIO2SV | PWR_SVMCR3_VDDIO3SV | PWR_SVMCR3_ASV;
#if NJ_SUPPLY_EXTERNAL
    PWR_CR1 = PWR_CR1 & ~PWR_CR1_SDEN;
#else
    PWR_CR1 = PWR_CR1 | PWR_CR1_SDEN;
#endif
    while ((PWR_VOSCR & PWR_VOSCR_ACTVOSRDY) == 0) {
    }
}
