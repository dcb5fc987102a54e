/* Instruction and data cache: off while memory is set up and code is copied, emptied, then on.
 *
 * Whoever was here before (the boot ROM, a first stage, the same firmware before it began anew) may have left them on. Then the
 * newest of the memory may lie in the data cache alone, and what the instruction cache holds may be older than the memory.
 * SPDX-License-Identifier: MIT
 */
#include "nj_board.h"

#define CCR_DC (1u << 16)
#define CCR_IC (1u << 17)

/* One operation on each line of the data cache. */
static void each_line(volatile uint32_t *operation) {
    SCB_CSSELR = 0; /* the data cache of level 1 */
    __asm__ volatile("dsb" : : : "memory");
    const uint32_t size = SCB_CCSIDR; /* sets - 1 in bits 27:13, ways - 1 in 12:3; lines of 32 bytes, at most 4 ways */
    for (uint32_t set = 0; set <= ((size >> 13) & 0x7FFFu); ++set) {
        for (uint32_t way = 0; way <= ((size >> 3) & 0x3FFu); ++way) {
            *operation = set << 5 | way << 30;
        }
    }
    __asm__ volatile("dsb\n isb" : : : "memory");
}

/* Off first: then no line gets dirty behind the one that is written back. What this needs lies in registers and in DTCM, which
 * no cache holds. */
void nj_cache_stop(void) {
    const bool was_on = (SCB_CCR & CCR_DC) != 0;
    __asm__ volatile("dsb" : : : "memory");
    SCB_CCR = SCB_CCR & ~(CCR_DC | CCR_IC);
    __asm__ volatile("dsb\n isb" : : : "memory");
    if (was_on) {
        each_line(&SCB_DCCISW);
    }
    SCB_ICIALLU = 0;
    __asm__ volatile("dsb\n isb" : : : "memory");
}

void nj_cache_start(void) {
    MEMSYSCTL_MSCR = MEMSYSCTL_MSCR | MEMSYSCTL_MSCR_ICACTIVE | MEMSYSCTL_MSCR_DCACTIVE;
    SCB_ICIALLU = 0;
    each_line(&SCB_DCISW); /* after a reset they hold rubbish, else nothing */
    SCB_CCR = SCB_CCR | CCR_DC | CCR_IC;
    __asm__ volatile("dsb\n isb" : : : "memory");
}

void nj_cache_clean(void) {
    each_line(&SCB_DCCSW);
}

void nj_cache_drop(void) {
    each_line(&SCB_DCCISW);
}

uint32_t nj_cache_state(void) {
    const uint32_t now = SCB_CCR;
    return ((now & CCR_IC) != 0 ? 1u : 0u) | ((now & CCR_DC) != 0 ? 2u : 0u);
}
