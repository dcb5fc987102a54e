/* Instruction and data cache: emptied, then on. Where the data cache is on already (the firmware began anew without a reset of
 * the chip), what it holds is the newest there is: written back first. After a reset it holds rubbish: dropped.
 * SPDX-License-Identifier: MIT
 */
#include "nj_board.h"

#define CCR_DC (1u << 16)
#define CCR_IC (1u << 17)

void nj_cache_start(void) {
    MEMSYSCTL_MSCR = MEMSYSCTL_MSCR | MEMSYSCTL_MSCR_ICACTIVE | MEMSYSCTL_MSCR_DCACTIVE;
    const bool dirty = (SCB_CCR & CCR_DC) != 0;
    SCB_ICIALLU = 0;
    SCB_CSSELR = 0; /* the data cache of level 1 */
    __asm__ volatile("dsb" : : : "memory");
    const uint32_t size = SCB_CCSIDR; /* sets - 1 in bits 27:13, ways - 1 in 12:3; lines of 32 bytes, at most 4 ways */
    for (uint32_t set = 0; set <= ((size >> 13) & 0x7FFFu); ++set) {
        for (uint32_t way = 0; way <= ((size >> 3) & 0x3FFu); ++way) {
            const uint32_t line = set << 5 | way << 30;
            if (dirty) {
                SCB_DCCISW = line;
            } else {
                SCB_DCISW = line;
            }
        }
    }
    __asm__ volatile("dsb\n isb" : : : "memory");
    SCB_CCR = SCB_CCR | CCR_DC | CCR_IC;
    __asm__ volatile("dsb\n isb" : : : "memory");
}

uint32_t nj_cache_state(void) {
    const uint32_t now = SCB_CCR;
    return ((now & CCR_IC) != 0 ? 1u : 0u) | ((now & CCR_DC) != 0 ? 2u : 0u);
}
