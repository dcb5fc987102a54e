/* Vector table and reset: from RAM, where a debugger or the first stage has put the application and jumped to it.
 * SPDX-License-Identifier: MIT
 */
#include <stddef.h>
#include <stdint.h>

#include "nj_board.h"
#include "nj_fault_entry.h"
#ifdef NJ_LISTENING
#include "nj_sources.h"
#endif

#define FPSCR_FZ (1u << 24)
#define FPSCR_DN (1u << 25)
#define FPSCR_FZ16 (1u << 19)
/* A load or store of vectors needs no predication at the start: LTPSIZE 4 in the bits 18:16. */
#define FPSCR_LTPSIZE (4u << 16)

#define ICSR_UNPEND ((1u << 27) | (1u << 25)) /* PendSV and SysTick */

extern uint32_t nj_data_begin[], nj_data_end[], nj_bss_begin[], nj_bss_end[];

void nj_reset_handler(void);

/* 15 of the core, and those that are taken. */
__attribute__((section(".vectors"), used)) static const struct {
    uint32_t *stack;
    void (*handler[15])(void);
    void (*interrupt[NJ_INTERRUPTS])(void);
} vectors = {
    .stack = nj_handler_stack_end,
    .handler =
        {
            nj_reset_handler,
            nj_fault_entry, /* NMI */
            nj_fault_entry, /* HardFault */
            nj_fault_entry, /* MemManage */
            nj_fault_entry, /* BusFault */
            nj_fault_entry, /* UsageFault */
            nj_fault_entry, /* SecureFault */
            nj_fault_entry,
            nj_fault_entry,
            nj_fault_entry,
            nj_fault_entry, /* SVCall */
            nj_fault_entry, /* DebugMonitor */
            nj_fault_entry,
            nj_fault_entry, /* PendSV */
            nj_fault_entry, /* SysTick */
        },
    .interrupt =
        {
#ifdef NJ_LISTENING
            [0 ... NJ_IRQ_GPDMA1_6 - 1u] = nj_fault_entry,
            [NJ_IRQ_GPDMA1_6] = nj_sources_interrupt,
            [NJ_IRQ_GPDMA1_6 + 1u ... NJ_IRQ_USART1 - 1u] = nj_fault_entry,
#else
            [0 ... NJ_IRQ_USART1 - 1u] = nj_fault_entry,
#endif
            [NJ_IRQ_USART1] = nj_usart_interrupt,
            [NJ_IRQ_USART1 + 1u ... NJ_INTERRUPTS - 1u] = nj_fault_entry,
        },
};

__attribute__((used, noreturn)) static void start(void) {
    SCB_VTOR = (uint32_t)(uintptr_t)&vectors;
    /* The boot ROM leaves interrupts enabled and pending. */
    SYST_CSR = 0;
    SCB_ICSR = ICSR_UNPEND;
    for (uint32_t irq = 0; irq < NJ_INTERRUPTS; irq += 32u) {
        NVIC_NONSECURE(irq) = 0;
        NVIC_DISABLE(irq) = 0xFFFFFFFFu;
        NVIC_UNPEND(irq) = 0xFFFFFFFFu;
    }
    __asm__ volatile("dsb\n isb\n cpsie i" : : : "memory");
    SCB_SHCSR = SCB_SHCSR | (15u << 16); /* MemManage, BusFault, UsageFault and SecureFault have handlers of their own */
    SCB_CCR = (SCB_CCR | (1u << 4)) & ~(1u << 3); /* division by zero faults; unaligned loads are part of the architecture */
    /* No floating-point frames: the fault handler returns to nothing, and the interrupt touches no such register. */
    FPU_FPCCR = FPU_FPCCR & ~(3u << 30);
    FPU_FPDSCR = FPSCR_FZ | FPSCR_DN | FPSCR_FZ16 | FPSCR_LTPSIZE;
    __asm__ volatile("dsb\n isb" : : : "memory");
    const uint32_t fpscr = FPSCR_FZ | FPSCR_DN | FPSCR_FZ16 | FPSCR_LTPSIZE;
    __asm__ volatile("vmsr fpscr, %0" : : "r"(fpscr));
    nj_supply_start();
    nj_clock_start();
    nj_memory_start();
    nj_cache_stop(); /* once there is power wherever it may write back to */
    const uint32_t *from = (const uint32_t *)(const void *)nj_data_image_begin;
    for (uint32_t *to = nj_data_begin; to != nj_data_end;) {
        *to++ = *from++;
    }
    for (uint32_t *to = nj_bss_begin; to != nj_bss_end;) {
        *to++ = 0;
    }
    nj_main();
}

/* The thread has a stack of its own (PSP, with its limit), so that a handler can work when it has overflowed. Before any
 * C runs: interrupts off; the MPU of an earlier start off, and what it may have given to the other security state taken back;
 * no older code in the instruction cache; the unit for floating point and vectors on, since the compiler may use it anywhere,
 * and no registers of it owed to a frame of somebody else's; the stacks painted. In whole double words, before anything there is
 * read: DTCM has an error code, which is wrong since the power-on until then, and a read or a write of less would find that. */
__attribute__((naked)) void nj_reset_handler(void) {
    __asm__ volatile(
        "cpsid i\n"
        "movs r0, #0\n"
        "msr msplim, r0\n" /* whoever started us had limits of their own */
        "msr psplim, r0\n"
        "msr basepri, r0\n"
        "msr faultmask, r0\n"
        "ldr r1, =0xE000ED94\n" /* MPU_CTRL */
        "str r0, [r1]\n"
        "ldr r1, =0xE000EDD0\n" /* SAU_CTRL: all that the chip has for secure is */
        "str r0, [r1]\n"
        "ldr r1, =0xE000EF50\n" /* ICIALLU */
        "str r0, [r1]\n"
        "ldr r1, =0xE000EF34\n" /* FPCCR: LSPACT */
        "ldr r2, [r1]\n"
        "bic r2, r2, #1\n"
        "str r2, [r1]\n"
        "dsb\n"
        "isb\n"
        "ldr r0, =nj_handler_stack_end\n"
        "msr msp, r0\n"
        "ldr r0, =nj_handler_stack_begin\n"
        "msr msplim, r0\n"
        "ldr r0, =0xE000ED88\n" /* CPACR: full access to CP10 and CP11 */
        "ldr r1, [r0]\n"
        "orr r1, r1, #0xF00000\n"
        "str r1, [r0]\n"
        "dsb\n"
        "isb\n"
        "ldr r3, =nj_handler_stack_begin\n"
        "ldr r0, =nj_stack_begin\n" /* where that ends */
        "ldr r1, =nj_stack_end\n"
        "ldr r2, =0xA5A5A5A5\n"
        "1: strd r2, r2, [r3], #8\n"
        "cmp r3, r1\n"
        "bne 1b\n"
        "msr psp, r1\n"
        "msr psplim, r0\n"
        "movs r0, #2\n" /* CONTROL.SPSEL */
        "msr control, r0\n"
        "isb\n"
        "b start\n" /* which takes interrupts when none is pending any more */
        ".ltorg\n");
}
