/* What running a network on the NPU needs of a board, beside its port.
 * SPDX-License-Identifier: MIT
 */
#ifndef NJ_NPU_PORT_H
#define NJ_NPU_PORT_H

#include <stdbool.h>
#include <stdint.h>

/* The NPU's registers. */
#define NJ_NPU(offset) (*(volatile uint32_t *)(uintptr_t)(0x580E0000u + (offset)))

/* Clocks, also while the core sleeps, power of what is the NPU's, who it is to the chip's memory; reset. */
void nj_npu_power(void);

/* Sleep until the NPU's first interrupt pends, with interrupts masked: it is looked at here, and never taken. False
 * where none has come after that many milliseconds. */
bool nj_npu_sleep(uint32_t ms);

/* It has been looked at, and its cause removed: the next one will wake the core again. */
void nj_npu_seen(void);

/* The data cache, line by line: what the core has written goes to memory; and the core has nothing of it any more, so
 * that it sees what the NPU writes. */
void nj_npu_clean(const void *first, uint32_t bytes);
void nj_npu_drop(const void *first, uint32_t bytes);

/* The same of all lines. */
void nj_npu_clean_all(void);
void nj_npu_drop_all(void);

#endif
