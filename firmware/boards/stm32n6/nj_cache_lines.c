/* By the operations of Armv8-M on a line of an address (DDI0553, D1.2): to the point of coherency.
 * SPDX-License-Identifier: MIT
 */
#include "nj_cache_lines.h"

#include "nj_board.h"

static void each_line(volatile uint32_t *operation, const void *from, uint32_t bytes) {
    const uint32_t end = (uint32_t)(uintptr_t)from + bytes;
    __asm__ volatile("dsb" : : : "memory");
    for (uint32_t at = (uint32_t)(uintptr_t)from & ~(NJ_CACHE_LINE - 1u); at < end; at += NJ_CACHE_LINE) {
        *operation = at;
    }
    __asm__ volatile("dsb\n isb" : : : "memory");
}

void nj_cache_lines_write_back(const void *from, uint32_t bytes) {
    each_line(&SCB_DCCMVAC, from, bytes);
}

void nj_cache_lines_hand_over(const void *from, uint32_t bytes) {
    each_line(&SCB_DCCIMVAC, from, bytes);
}

void nj_cache_lines_drop(const void *from, uint32_t bytes) {
    each_line(&SCB_DCIMVAC, from, bytes);
}
