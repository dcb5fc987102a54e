/* Whoever runs the epoch blocks of a generated network: our own calls (runtime/), or ST's (st/).
 * SPDX-License-Identifier: MIT
 */
#ifndef NJ_NPU_RUNTIME_H
#define NJ_NPU_RUNTIME_H

#include <stdint.h>

/* An epoch that has not ended by then never will: the slowest that are known take some hundred milliseconds. */
#define NJ_NPU_PATIENCE_MS 10000u

/* Once, with the NPU powered and out of its reset. */
void nj_npu_runtime_start(void);

/* Before the input of an inference is put in its place: whatever ran before is given up. */
void nj_npu_runtime_begin(void);

/* Run block `number` to its end; they come in their order, from 0 on behind a begin. */
void nj_npu_runtime_run(uint32_t number);

#endif
