/* The NPU's own cache (CACHEAXI), which nj_npu_power leaves off: nothing is in it.
 * SPDX-License-Identifier: MIT
 */
#ifndef NJ_NPU_CACHE_H
#define NJ_NPU_CACHE_H

#include <stdint.h>

static inline void npu_cache_invalidate(void) {
}

static inline void npu_cache_clean_range(uint32_t first, uint32_t end) {
    (void)first;
    (void)end;
}

static inline void npu_cache_clean_invalidate_range(uint32_t first, uint32_t end) {
    (void)first;
    (void)end;
}

#endif
