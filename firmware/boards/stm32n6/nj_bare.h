/* The start of a program that the boot ROM or a debugger starts at NJ_FIRST_STAGE: the first stage, the flash loader.
 *
 * Neither has .data or .bss; neither takes interrupts. Included by the one source file that has nj_bare_main.
 * SPDX-License-Identifier: MIT
 */
#ifndef NJ_BARE_H
#define NJ_BARE_H

#include <stddef.h>
#include <stdint.h>

#include "nj_board.h"

/* The upper end of DTCM: the lower one holds what the firmware remembers over a reset. */
#define NJ_BARE_STACK (NJ_DTCM + NJ_DTCM_BYTES)

void nj_bare_reset(void);
void nj_bare_stop(void) __attribute__((noreturn));
__attribute__((noreturn, used)) static void nj_bare_main(void);

__attribute__((section(".vectors"), used)) static const struct {
    uint32_t stack;
    void (*handler[15])(void);
} nj_bare_vectors = {
    .stack = NJ_BARE_STACK,
    .handler = {nj_bare_reset, [1 ... 14] = nj_bare_stop},
};

/* Interrupts off, since the boot ROM leaves some pending; no stack limit and no memory regions of whoever was here before. */
__attribute__((naked)) void nj_bare_reset(void) {
    __asm__ volatile(
        "cpsid i\n"
        "movs r0, #0\n"
        "msr msplim, r0\n"
        "msr control, r0\n"
        "ldr r1, =0xE000ED94\n" /* MPU_CTRL */
        "str r0, [r1]\n"
        "dsb\n"
        "isb\n"
        "ldr r0, =%c0\n"
        "msr msp, r0\n"
        "ldr r0, =0xE000ED08\n" /* VTOR */
        "ldr r1, =nj_bare_vectors\n"
        "str r1, [r0]\n"
        "dsb\n"
        "b nj_bare_main\n"
        ".ltorg\n"
        :
        : "i"(NJ_BARE_STACK));
}

#endif
