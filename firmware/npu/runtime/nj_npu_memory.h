/* What operators of the processor touch of the NPU's memory, and the data cache.
 * SPDX-License-Identifier: MIT
 */
#ifndef NJ_NPU_MEMORY_H
#define NJ_NPU_MEMORY_H

/* Behind an epoch block: what operators have written in it goes to memory. */
void nj_npu_write_back(void);

#endif
