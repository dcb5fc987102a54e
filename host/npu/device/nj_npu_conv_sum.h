/* The arithmetic of one frame of a convolution.
 * SPDX-License-Identifier: MIT
 */
#ifndef NJ_NPU_CONV_SUM_H
#define NJ_NPU_CONV_SUM_H

#include "nj_npu_state.h"

/* From what waits at the ports to state->out; `sums` [results] are partial sums to add, or NULL. */
void nj_npu_conv_sum(struct nj_npu_conv_state *state, const int32_t *sums, enum nj_npu_tie tie,
                     struct nj_npu_seen *seen);

#endif
