/* Counting cycles: the performance monitor's cycle counter (Armv8.1-M ARM, PMU_CCNTR), from zero at each begin.
 *
 * 32 bits last 7.2 s at 600 MHz, and the overflow flag tells one wrap more; a stage that lasts longer outlives the host's
 * patience. A counter that stands still gives zero, which the host takes for what it is.
 * SPDX-License-Identifier: MIT
 */
#include "nj_board.h"

static uint64_t empty; /* cycles of a begin directly followed by its end */
static uint32_t mask_at_begin;

void nj_cost_begin(void *context) {
    (void)context;
    __asm__ volatile("mrs %0, primask\n cpsid i" : "=r"(mask_at_begin) : : "memory");
    PMU_OVSCLR = PMU_CYCLES;
    PMU_CTRL = PMU_CTRL_E | PMU_CTRL_C;
}

void nj_cost_interruptible(void *context) {
    (void)context;
    __asm__ volatile("msr primask, %0" : : "r"(mask_at_begin) : "memory");
}

/* Called, never inlined: so the empty stage of nj_cost_start costs what the calls around a stage cost. */
__attribute__((noinline)) uint64_t nj_cost_end(void *context) {
    const uint32_t low = PMU_CCNTR;
    const uint64_t wrapped = (PMU_OVSCLR & PMU_CYCLES) != 0 ? 1ull << 32 : 0;
    __asm__ volatile("msr primask, %0" : : "r"(mask_at_begin) : "memory");
    (void)context;
    const uint64_t cycles = wrapped + low;
    return cycles > empty ? cycles - empty : 0;
}

void nj_cost_start(void) {
    DCB_DEMCR = DCB_DEMCR | DCB_DEMCR_TRCENA;
    PMU_CNTENSET = PMU_CYCLES;
    empty = 0;
    nj_cost_begin(0);
    empty = nj_cost_end(0);
}
