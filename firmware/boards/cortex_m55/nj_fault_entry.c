/* Faults: read what the core says about them, and report from thread mode.
 *
 * The handler returns, but to nj_main_fault on an empty stack, so that the report can sleep, send and receive like the
 * application does, with all protection armed. A second fault while reporting resets the board.
 * SPDX-License-Identifier: MIT
 */
#include "nj_fault_entry.h"

#include <stdbool.h>
#include <string.h>

#include "nj_board.h"

#define CFSR NJ_REGISTER(0xE000ED28)
#define HFSR NJ_REGISTER(0xE000ED2C)
#define MMFAR NJ_REGISTER(0xE000ED34)
#define BFAR NJ_REGISTER(0xE000ED38)

#define CFSR_STKOF (1u << 20)
#define CFSR_MSTKERR (1u << 4)
#define CFSR_STKERR (1u << 12)

#define RETURN_USED_PSP (1u << 2)

/* What the core pushes. */
struct frame {
    uint32_t r0, r1, r2, r3, r12, lr, pc, xpsr;
};

static struct nj_fault fault;
static bool reporting;

/* The nearest return addresses on the stack from `at` up: thumb addresses behind a call, in the code. */
static uint32_t find_return(const uint32_t **at) {
    while (*at < nj_stack_end) {
        const uint32_t word = *(*at)++;
        if ((word & 1u) != 0 && word > (uint32_t)(uintptr_t)nj_code_begin && word < (uint32_t)(uintptr_t)nj_text_end) {
            return word;
        }
    }
    return 0;
}

/* Returns the stack pointer for the return to thread mode. */
__attribute__((used)) static uint32_t *collect(uint32_t *stacked, uint32_t exception_return) {
    if (reporting) {
        nj_board_reset(NJ_RESET_FAULT);
    }
    reporting = true;
    const uint32_t cfsr = CFSR;
    fault.cfsr = cfsr;
    fault.hfsr = HFSR;
    fault.mmfar = MMFAR;
    fault.bfar = BFAR;
    fault.sp = (uint32_t)(uintptr_t)stacked;
    const bool of_thread = (exception_return & RETURN_USED_PSP) != 0;
    const bool fits = stacked + sizeof(struct frame) / 4 <= (of_thread ? nj_stack_end : nj_handler_stack_end);
    if (of_thread && (cfsr & CFSR_STKOF) != 0 && stacked == nj_stack_begin) {
        /* No room for the frame: the PC is lost, and the nearest call on the stack tells where it was. */
        const uint32_t *at = stacked;
        fault.pc = (find_return(&at) & ~1u) - 2u; /* inside the call, so that its line is named */
        fault.lr = find_return(&at);
    } else if (fits && (cfsr & (CFSR_MSTKERR | CFSR_STKERR)) == 0) {
        const struct frame *const frame = (const struct frame *)stacked;
        fault.pc = frame->pc;
        fault.lr = frame->lr;
        fault.sp += (uint32_t)sizeof *frame + ((frame->xpsr & (1u << 9)) != 0 ? 4u : 0u);
    }
    CFSR = cfsr; /* written ones clear */
    HFSR = fault.hfsr;
    uintptr_t top = (uintptr_t)nj_stack_end;
    __asm__("" : "+r"(top)); /* a number: the compiler takes the symbol for an array that begins there */
    struct frame *const fresh = (struct frame *)(top - sizeof(struct frame));
    memset(fresh, 0, sizeof *fresh);
    fresh->r0 = (uint32_t)(uintptr_t)&fault;
    fresh->pc = (uint32_t)(uintptr_t)nj_main_fault & ~1u;
    fresh->xpsr = 1u << 24; /* thumb */
    return (uint32_t *)fresh;
}

/* Begins on an empty handler stack, whatever was on it: nothing there is returned to. */
__attribute__((naked)) void nj_fault_entry(void) {
    __asm__ volatile(
        "tst lr, #4\n"
        "ite eq\n"
        "mrseq r0, msp\n"
        "mrsne r0, psp\n"
        "mov r1, lr\n"
        "ldr r2, =nj_handler_stack_end\n"
        "msr msp, r2\n"
        "bl collect\n"
        "msr psp, r0\n"
        "movs r0, #0\n"
        "msr primask, r0\n"
        "msr basepri, r0\n"
        "ldr lr, =0xFFFFFFFD\n"
        "bx lr\n"
        ".ltorg\n");
}
