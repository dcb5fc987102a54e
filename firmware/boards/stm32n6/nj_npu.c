/* The NPU: clocks, power and whose it is, in the order in which each needs the one before; and sleep until it is done.
 *
 * The core is secure, privileged and of compartment 1 (CID1), as the boot ROM leaves it, and the NPU's masters are made
 * like it: what RISAF lets the core read and write it lets them. Its cache (CACHEAXI) has its clock and its RAM, and stays
 * off: streams go past it.
 * SPDX-License-Identifier: MIT
 */
#include "nj_npu_port.h"

#include "nj_board.h"
#include "nj_cache_lines.h"
#include "nj_wait.h"

void nj_npu_power(void) {
    RCC_MEMENSR = RCC_MEM_CACHEAXIRAM;
    RCC_AHB3ENSR = RCC_AHB3_RIFSC;
    RCC_AHB5ENSR = RCC_AHB5_NPU | RCC_AHB5_CACHEAXI;
    /* A core that sleeps takes away every clock that is not named: an epoch would never end. */
    RCC_MEMLPENSR = RCC_MEM_CACHEAXIRAM;
    RCC_AHB3LPENSR = RCC_AHB3_RIFSC;
    RCC_AHB5LPENSR = RCC_AHB5_NPU | RCC_AHB5_CACHEAXI | RCC_AHB5_XSPI2 | RCC_AHB5_XSPIM;
    (void)RCC_AHB5ENR; /* the enables have arrived when they can be read */
    RIFSC_RIMC_ATTR_NPU = RIFSC_RIMC_AS_THE_CORE;
    RIFSC_RISC_SECCFGR3 = RIFSC_RISC_SECCFGR3 | RIFSC_RISC3_NPU;
    RIFSC_RISC_PRIVCFGR3 = RIFSC_RISC_PRIVCFGR3 | RIFSC_RISC3_NPU;
    RCC_AHB5RSTSR = RCC_AHB5_NPU;
    (void)RCC_AHB5RSTR;
    RCC_AHB5RSTCR = RCC_AHB5_NPU;
    (void)RCC_AHB5RSTR;
    nj_npu_seen();
}

/* SysTick wakes the core each millisecond. An interrupt that is enabled and masked wakes it too, and stays pending; it is
 * enabled here alone, where it is masked: nobody takes it. The link's wakes it as well, and is served here. */
bool nj_npu_sleep(uint32_t ms) {
    struct nj_wait wait;
    uint32_t mask;
    __asm__ volatile("mrs %0, primask\n cpsid i" : "=r"(mask) : : "memory");
    nj_wait_start(&wait, ms);
    SYST_CSR = SYST_CSR | SYST_CSR_TICKINT;
    NVIC_ENABLE(NJ_IRQ_NPU0) = NVIC_BIT(NJ_IRQ_NPU0);
    bool pends;
    while (!(pends = (NVIC_PENDING(NJ_IRQ_NPU0) & NVIC_BIT(NJ_IRQ_NPU0)) != 0) && !nj_wait_over(&wait)) {
        SCB_ICSR = SCB_ICSR_PENDSTCLR;
        __asm__ volatile("dsb\n wfi\n isb" : : : "memory");
        nj_usart_drain();
    }
    NVIC_DISABLE(NJ_IRQ_NPU0) = NVIC_BIT(NJ_IRQ_NPU0);
    SYST_CSR = 0;
    SCB_ICSR = SCB_ICSR_PENDSTCLR;
    __asm__ volatile("dsb\n isb" : : : "memory");
    __asm__ volatile("msr primask, %0" : : "r"(mask) : "memory");
    return pends;
}

void nj_npu_seen(void) {
    __asm__ volatile("dsb" : : : "memory");
    NVIC_UNPEND(NJ_IRQ_NPU0) = NVIC_BIT(NJ_IRQ_NPU0);
    __asm__ volatile("dsb" : : : "memory");
}

void nj_npu_clean(const void *first, uint32_t bytes) {
    nj_cache_lines_write_back(first, bytes);
}

void nj_npu_drop(const void *first, uint32_t bytes) {
    nj_cache_lines_hand_over(first, bytes);
}

void nj_npu_clean_all(void) {
    nj_cache_clean();
}

void nj_npu_drop_all(void) {
    nj_cache_drop();
}
