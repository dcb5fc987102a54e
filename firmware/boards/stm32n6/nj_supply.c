/* The supplies. A pin works only when its supply is declared valid; the core's voltage comes from the board's own converter
 * (DK) or from the chip's (Nucleo), which the port's nj_kind.h says. 800 MHz need the higher of its two voltages.
 * SPDX-License-Identifier: MIT
 */
#include "nj_board.h"
#include "nj_kind.h"

#if NJ_CPU_MHZ > 600
#if NJ_SUPPLY_EXTERNAL && !defined(NJ_SUPPLY_RAISED_BY_PF4)
#error "NJ_CPU_MHZ=800 needs the core's higher voltage, and nothing of ours asks this board's converter for it: build for 600"
#endif
/* Turns of a loop, of a cycle each at least: a millisecond at 800 MHz, ten times what the converter takes for its step. */
#define CONVERTER_TURNS 800000u

/* First the voltage, then the scale by which the chip knows of it; the frequency comes behind both. */
static void raise_voltage(void) {
#if NJ_SUPPLY_EXTERNAL
    RCC_AHB4ENSR = RCC_AHB4_GPIOF;
    (void)RCC_AHB4ENR;
    GPIOF_BSRR = 1u << 4;
    GPIOF_OTYPER = GPIOF_OTYPER & ~(1u << 4);
    GPIOF_MODER = (GPIOF_MODER & ~(3u << 8)) | 1u << 8;
    for (uint32_t turn = 0; turn < CONVERTER_TURNS; ++turn) {
        __asm__ volatile("nop");
    }
#endif
    PWR_VOSCR = PWR_VOSCR | PWR_VOSCR_VOS;
    while ((PWR_VOSCR & PWR_VOSCR_VOSRDY) == 0) {
    }
}
#endif

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
#if NJ_CPU_MHZ > 600
    raise_voltage();
#endif
}
