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

/* Before the input of an inference is put in its place: whatever ran before is given up, and block 0 is next. */
void nj_npu_runtime_begin(void);

/* The number of the block that is next; as many as there are where the last has run. */
uint32_t nj_npu_runtime_next(void);

/* Run that block to its end. Behind the last nothing runs. */
void nj_npu_runtime_run(void);

#endif
