/* Epoch blocks that the epoch controller runs.
 * SPDX-License-Identifier: MIT
 */
#ifndef NJ_NPU_BLOB_H
#define NJ_NPU_BLOB_H

#include <stdint.h>

/* Runs the program at `blob`, in the image of the generated code. Each of its epochs stands in
 * nj_npu_epoch when `run` is called with the number that the program gave it. What is wrong with
 * the program, or with a register, does not return. */
void nj_npu_run_blob(uintptr_t blob, void (*run)(uint32_t number));

#endif
