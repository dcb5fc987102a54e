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
#define NJ_BARE_STACK_BYTES 4096

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

/* Interrupts off, since the boot ROM leaves some pending; no stack limit, no memory regions and no caches of whoever was here
 * before. The stack is written before it is read, in whole double words: DTCM has an error code, which is wrong since the
 * power-on until then, and a read or a write of less would find that. */
__attribute__((naked)) void nj_bare_reset(void) {
    __asm__ volatile(
        "cpsid i\n"
        "movs r0, #0\n"
        "msr msplim, r0\n"
        "msr control, r0\n"
        "msr faultmask, r0\n"
        "ldr r1, =0xE000ED94\n" /* MPU_CTRL */
        "str r0, [r1]\n"
        "ldr r1, =0xE000EDD0\n" /* SAU_CTRL: all that the chip has for secure is */
        "str r0, [r1]\n"
        "dsb\n"
        "isb\n"
        "ldr r1, =%c0\n"
        "mov r2, r1\n"
        "ldr r3, =%c1\n"
        "1: strd r0, r0, [r2, #-8]!\n"
        "cmp r2, r3\n"
        "bne 1b\n"
        "msr msp, r1\n"
        "ldr r0, =0xE000ED08\n" /* VTOR */
        "ldr r1, =nj_bare_vectors\n"
        "str r1, [r0]\n"
        "dsb\n"
        "bl nj_cache_stop\n"
        "b nj_bare_main\n"
        ".ltorg\n"
        :
        : "i"(NJ_BARE_STACK), "i"(NJ_BARE_STACK - NJ_BARE_STACK_BYTES));
}

#endif
