/* Cache maintenance. The executor's memory has no caches; firmware's has the core's data cache
 * (NJ_NPU_DATA_CACHE). Nothing is in the NPU's own, which no runtime here turns on.
 * SPDX-License-Identifier: MIT
 */
#ifndef NJ_NPU_LL_ATON_CACHES_INTERFACE_H
#define NJ_NPU_LL_ATON_CACHES_INTERFACE_H

#include <stdint.h>

#define NJ_NPU_NO_CACHE(name)                                        \
    static inline void name(uintptr_t address, uint32_t size)        \
    {                                                                \
        (void)address;                                               \
        (void)size;                                                  \
    }

#ifdef NJ_NPU_DATA_CACHE
/* What the core has written goes to memory; and the core has nothing of it any more. */
void nj_npu_cache_clean(uintptr_t address, uint32_t size);
void nj_npu_cache_drop(uintptr_t address, uint32_t size);
#define LL_ATON_Cache_MCU_Clean_Range nj_npu_cache_clean
#define LL_ATON_Cache_MCU_Invalidate_Range nj_npu_cache_drop
#define LL_ATON_Cache_MCU_Clean_Invalidate_Range nj_npu_cache_drop
#else
NJ_NPU_NO_CACHE(LL_ATON_Cache_MCU_Clean_Range)
NJ_NPU_NO_CACHE(LL_ATON_Cache_MCU_Invalidate_Range)
NJ_NPU_NO_CACHE(LL_ATON_Cache_MCU_Clean_Invalidate_Range)
#endif
NJ_NPU_NO_CACHE(LL_ATON_Cache_NPU_Clean_Range)
NJ_NPU_NO_CACHE(LL_ATON_Cache_NPU_Clean_Invalidate_Range)

static inline void LL_ATON_Cache_NPU_Invalidate(void)
{
}

#endif
