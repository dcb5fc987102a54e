/* The lists of buffers of a generated network.
 * SPDX-License-Identifier: MIT
 */
#ifndef NJ_NPU_DESCRIBE_H
#define NJ_NPU_DESCRIBE_H

#include <stdio.h>

#include "nj_npu_network.h"

enum { NJ_NPU_INPUT, NJ_NPU_INTERNAL, NJ_NPU_OUTPUT, NJ_NPU_LISTS };

/* Writes the lists as JSON; a list may be NULL. Buffers that the user must provide are provided. */
void nj_npu_describe(FILE *to, const struct nj_npu_network *network,
                     const LL_Buffer_InfoTypeDef *const lists[NJ_NPU_LISTS]);

/* Text in quotes, as JSON has it. */
void nj_npu_write_text(FILE *to, const char *text);

/* Where a buffer starts, as generated code points to it. */
const void *nj_npu_buffer_start(const LL_Buffer_InfoTypeDef *buffer, uint32_t list,
                                uint32_t index);

#endif
