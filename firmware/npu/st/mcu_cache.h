/* The core's data cache, as ST's runtime and generated code keep it: ranges from the first byte to behind the last.
 * SPDX-License-Identifier: MIT
 */
#ifndef NJ_MCU_CACHE_H
#define NJ_MCU_CACHE_H

#include <stdint.h>

#include "nj_npu_port.h"

static inline int mcu_cache_clean_range(uint32_t first, uint32_t end) {
    nj_npu_clean((const void *)(uintptr_t)first, end - first);
    return 0;
}

/* Lines that are dropped may hold a neighbour's newest bytes: they go to memory first. */
static inline int mcu_cache_invalidate_range(uint32_t first, uint32_t end) {
    nj_npu_drop((const void *)(uintptr_t)first, end - first);
    return 0;
}

static inline int mcu_cache_clean_invalidate_range(uint32_t first, uint32_t end) {
    nj_npu_drop((const void *)(uintptr_t)first, end - first);
    return 0;
}

#endif
