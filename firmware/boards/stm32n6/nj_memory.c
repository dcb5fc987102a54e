/* AXISRAM3 to 6 are shut down after a reset: what is read there is zero, and what is written is lost, in silence.
 * SPDX-License-Identifier: MIT
 */
#include "nj_board.h"

void nj_memory_start(void) {
    RCC_MEMENSR = RCC_MEM_AXISRAM3_TO_6 | RCC_MEM_AXISRAM1_AND_2;
    RCC_AHB2ENSR = RCC_AHB2_RAMCFG; /* RAMCFG has a clock of its own */
    (void)RCC_MEMENR;
    (void)RCC_AHB2ENR;
    for (uint32_t axisram = 2; axisram <= 6; ++axisram) {
        RAMCFG_CR(axisram) = RAMCFG_CR(axisram) & ~RAMCFG_CR_SRAMSD;
    }
    /* A core that sleeps takes away every clock that is not named here. */
    RCC_BUSLPENSR = RCC_BUS_ACLKN_AND_NC;
    RCC_MEMLPENSR = RCC_MEM_AXISRAM3_TO_6 | RCC_MEM_AXISRAM1_AND_2 | RCC_MEM_FLEXRAM;
    RCC_AHB4LPENSR = RCC_AHB4_GPIOE | RCC_AHB4_PWR;
    RCC_APB2LPENSR = RCC_APB2_USART1;
    __asm__ volatile("dsb" : : : "memory");
}
