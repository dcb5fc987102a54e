/* Vector table and reset.
 * SPDX-License-Identifier: MIT
 */
#include <stddef.h>
#include <stdint.h>

#include "nj_board.h"
#include "nj_fault_entry.h"

#define CCR NJ_REGISTER(0xE000ED14)
#define SHCSR NJ_REGISTER(0xE000ED24)
#define VTOR NJ_REGISTER(0xE000ED08)
#define FPCCR NJ_REGISTER(0xE000EF34)
#define FPDSCR NJ_REGISTER(0xE000EF3C)

#define FPSCR_FZ (1u << 24)
#define FPSCR_DN (1u << 25)
#define FPSCR_FZ16 (1u << 19)
/* A load or store of vectors needs no predication at the start: LTPSIZE 4 in the bits 18:16. */
#define FPSCR_LTPSIZE (4u << 16)

extern uint32_t nj_data_begin[], nj_data_end[], nj_bss_begin[], nj_bss_end[], nj_bss_ddr_begin[], nj_bss_ddr_end[];

void nj_reset_handler(void);

/* 16 of the core and the wake-up interrupts, which are never taken. */
__attribute__((section(".vectors"), used)) static const struct {
    uint32_t *stack;
    void (*handler[15])(void);
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
};

__attribute__((used, noreturn)) static void start(void) {
    VTOR = (uint32_t)(uintptr_t)&vectors;
    SHCSR = SHCSR | (15u << 16); /* MemManage, BusFault, UsageFault and SecureFault have handlers of their own */
    CCR = (CCR | (1u << 4)) & ~(1u << 3); /* division by zero faults; unaligned loads are part of the architecture */
    FPCCR = FPCCR & ~(3u << 30); /* no floating-point frames: no handler returns to what it interrupted */
    FPDSCR = FPSCR_FZ | FPSCR_DN | FPSCR_FZ16 | FPSCR_LTPSIZE;
    __asm__ volatile("dsb\n isb" : : : "memory");
    const uint32_t fpscr = FPSCR_FZ | FPSCR_DN | FPSCR_FZ16 | FPSCR_LTPSIZE;
    __asm__ volatile("vmsr fpscr, %0" : : "r"(fpscr));
    const uint32_t *from = (const uint32_t *)(const void *)nj_data_image_begin;
    for (uint32_t *to = nj_data_begin; to != nj_data_end;) {
        *to++ = *from++;
    }
    for (uint32_t *to = nj_bss_begin; to != nj_bss_end;) {
        *to++ = 0;
    }
    for (uint32_t *to = nj_bss_ddr_begin; to != nj_bss_ddr_end;) {
        *to++ = 0;
    }
    nj_main();
}

/* The thread has a stack of its own (PSP, with its limit), so that a handler can work when it has overflowed. Before any
 * C runs: the unit for floating point and vectors on, since the compiler may use it anywhere; the stack painted. */
__attribute__((naked)) void nj_reset_handler(void) {
    __asm__ volatile(
        "cpsid i\n"
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
        "ldr r0, =nj_stack_begin\n"
        "ldr r1, =nj_stack_end\n"
        "ldr r2, =0xA5A5A5A5\n"
        "mov r3, r0\n"
        "1: str r2, [r3], #4\n"
        "cmp r3, r1\n"
        "bne 1b\n"
        "msr psp, r1\n"
        "msr psplim, r0\n"
        "movs r0, #2\n" /* CONTROL.SPSEL */
        "msr control, r0\n"
        "isb\n"
        "cpsie i\n"
        "b start\n"
        ".ltorg\n");
}
