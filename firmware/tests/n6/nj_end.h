/* How a program of these tests ends: in a loop, with what it found in registers that QEMU shows. Included by the one source file
 * that has nj_bare_main.
 * SPDX-License-Identifier: MIT
 */
#ifndef NJ_END_H
#define NJ_END_H

#include "nj_bare.h"

void nj_bare_stop(void) {
    for (;;) {
    }
}

/* r4, r5, r6. */
static __attribute__((noreturn)) void end(uint32_t what, uint32_t figure, uint32_t other) {
    register uint32_t r4 __asm__("r4") = what;
    register uint32_t r5 __asm__("r5") = figure;
    register uint32_t r6 __asm__("r6") = other;
    __asm__ volatile("cpsid i\n b ." : : "r"(r4), "r"(r5), "r"(r6));
    __builtin_unreachable();
}

#endif
