/* Cache maintenance: memory has no caches here.
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

NJ_NPU_NO_CACHE(LL_ATON_Cache_MCU_Clean_Range)
NJ_NPU_NO_CACHE(LL_ATON_Cache_MCU_Invalidate_Range)
NJ_NPU_NO_CACHE(LL_ATON_Cache_MCU_Clean_Invalidate_Range)
NJ_NPU_NO_CACHE(LL_ATON_Cache_NPU_Clean_Range)
NJ_NPU_NO_CACHE(LL_ATON_Cache_NPU_Clean_Invalidate_Range)

static inline void LL_ATON_Cache_NPU_Invalidate(void)
{
}

#endif
