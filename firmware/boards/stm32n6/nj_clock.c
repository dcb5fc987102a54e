/* The clock tree: HSI 64 MHz / 4 x 75 = PLL1 1200 MHz; IC1 / 2 = 600 MHz for the CPU; IC2 / 3 = 400 for the buses, IC6 / 4 = 300
 * and IC11 / 3 = 400, without which the system clock's switch waits for ever; HCLK / 4 = 100, APB the same, since ST
 * warns of other APB dividers. With NJ_CPU_MHZ 800: x 100 = 1600; IC1 / 2 = 800, the others / 4 = 400.
 * SPDX-License-Identifier: MIT
 */
#include "nj_board.h"

#define HSI_HZ 64000000u

#if NJ_CPU_MHZ == 600
#define PLL1_N 75
#define IC2_DIVIDER 3
#define IC11_DIVIDER 3
#elif NJ_CPU_MHZ == 800
#define PLL1_N 100
#define IC2_DIVIDER 4
#define IC11_DIVIDER 4
#else
#error "NJ_CPU_MHZ is 600, or 800 where the supply allows: no other clock tree is known to be within the chip's limits"
#endif

static void switch_to(uint32_t source) {
    const uint32_t both = RCC_CFGR1_CPUSW(RCC_SOURCE_MASK) | RCC_CFGR1_SYSSW(RCC_SOURCE_MASK);
    const uint32_t now = RCC_CFGR1_CPUSWS(RCC_SOURCE_MASK) | RCC_CFGR1_SYSSWS(RCC_SOURCE_MASK);
    const uint32_t wanted = RCC_CFGR1_CPUSWS(source) | RCC_CFGR1_SYSSWS(source);
    RCC_CFGR1 = (RCC_CFGR1 & ~both) | RCC_CFGR1_CPUSW(source) | RCC_CFGR1_SYSSW(source);
    while ((RCC_CFGR1 & now) != wanted) {
    }
}

void nj_clock_start(void) {
    /* The boot ROM may have left the core on PLL1, whose factors change below. */
    RCC_CSR = RCC_HSI;
    while ((RCC_SR & RCC_HSI) == 0) {
    }
    RCC_HSICFGR = RCC_HSICFGR & ~(3u << 7); /* HSIDIV 1 */
    switch_to(RCC_SOURCE_HSI);
    RCC_CCR = RCC_PLL1;
    while ((RCC_SR & RCC_PLL1) != 0) {
    }
    RCC_PLL1CFGR3 = RCC_PLL1CFGR3_MODSSDIS; /* no spread spectrum */
    RCC_PLL1CFGR1 = RCC_PLL1CFGR1_FACTORS(4, PLL1_N);
    RCC_PLL1CFGR2 = 0; /* no fraction */
    RCC_PLL1CFGR3 = RCC_PLL1CFGR3_MODSSDIS | RCC_PLL1CFGR3_PDIV(1, 1);
    RCC_PLL1CFGR3 = RCC_PLL1CFGR3_MODSSDIS | RCC_PLL1CFGR3_PDIV(1, 1) | RCC_PLL1CFGR3_PDIVEN | RCC_PLL1CFGR3_MODSSRST;
    RCC_CSR = RCC_PLL1;
    while ((RCC_SR & RCC_PLL1) == 0) {
    }
    RCC_CFGR2 = RCC_CFGR2_HPRE(2); /* before the bus gets faster; PPRE 0 */
    RCC_IC1CFGR = RCC_ICCFGR(2);
    RCC_IC2CFGR = RCC_ICCFGR(IC2_DIVIDER);
    RCC_IC6CFGR = RCC_ICCFGR(4);
    RCC_IC11CFGR = RCC_ICCFGR(IC11_DIVIDER);
    RCC_DIVENSR = RCC_DIVEN(1u) | RCC_DIVEN(2u) | RCC_DIVEN(6u) | RCC_DIVEN(11u);
    switch_to(RCC_SOURCE_IC);
}

/* The HSI behind its divider. */
static uint32_t hsi_hz(void) {
    return HSI_HZ >> ((RCC_HSICFGR >> 7) & 3u);
}

/* What PLL1 gives behind the divider of `config`. 0 where another PLL feeds it. */
static uint32_t behind(uint32_t config) {
    const uint32_t factors = RCC_PLL1CFGR1;
    const uint32_t m = (factors >> 20) & 0x3Fu;
    const uint32_t n = (factors >> 8) & 0xFFFu;
    const uint32_t output = RCC_PLL1CFGR3;
    const uint32_t after = ((output >> 27) & 7u) * ((output >> 24) & 7u) * (((config >> 16) & 0xFFu) + 1u);
    return m == 0 || after == 0 || ((config >> 28) & 3u) != 0 ? 0 : hsi_hz() / m * n / after;
}

static uint32_t source_hz(uint32_t source, uint32_t config) {
    return source == RCC_SOURCE_IC ? behind(config) : source == RCC_SOURCE_HSI ? hsi_hz() : 0;
}

void nj_clock_read(uint32_t clocks[NJ_CLOCKS]) {
    const uint32_t sources = RCC_CFGR1;
    const uint32_t dividers = RCC_CFGR2;
    clocks[0] = source_hz((sources >> 20) & RCC_SOURCE_MASK, RCC_IC1CFGR);
    clocks[1] = source_hz((sources >> 28) & RCC_SOURCE_MASK, RCC_IC2CFGR);
    clocks[2] = clocks[1] >> ((dividers >> 20) & 7u);
    clocks[3] = clocks[2] >> ((dividers >> 4) & 7u);
}

uint32_t nj_clock_apb_hz(void) {
    uint32_t clocks[NJ_CLOCKS];
    nj_clock_read(clocks);
    return clocks[3];
}
