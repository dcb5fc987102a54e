/* What ST's runtime asks of the chip's header, and no more: the NPU's place and its interrupts. No HAL stands behind it.
 *
 * Interrupts are nobody's to enable here: nj_npu_sleep does, while they are masked.
 * SPDX-License-Identifier: MIT
 */
#ifndef NJ_STM32N6XX_H
#define NJ_STM32N6XX_H

#include <stdint.h>

/* Of the drivers whose names of interrupts these are: 1.0.0. */
#define __STM32N6xx_HAL_VERSION 0x01000000u
#define NPU_BASE_S 0x580E0000u
#define NPU_BASE_NS 0x480E0000u

typedef enum { NPU0_IRQn = 53, NPU1_IRQn, NPU2_IRQn, NPU3_IRQn } IRQn_Type;

static inline void NVIC_EnableIRQ(IRQn_Type irq) {
    (void)irq;
}

static inline void NVIC_DisableIRQ(IRQn_Type irq) {
    (void)irq;
}

static inline void NVIC_SetPriority(IRQn_Type irq, uint32_t priority) {
    (void)irq;
    (void)priority;
}

static inline void __DSB(void) {
    __asm__ volatile("dsb" : : : "memory");
}

/* What moves data for the library of epochs waits here; what waits for an epoch of the network does not. */
void nj_npu_st_wait(void);
#define __WFE nj_npu_st_wait

#endif
