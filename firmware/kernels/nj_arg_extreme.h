/* The walk that ARG_MAX and ARG_MIN share. Internal to the kernels.
 *
 * Of equal steps the first counts. `flip` is 0 for the largest step and -1, which turns the order round, for the smallest.
 * SPDX-License-Identifier: MIT
 */
#ifndef NJ_ARG_EXTREME_H
#define NJ_ARG_EXTREME_H

#include "nj_kernels.h"

static inline void nj_arg_extreme(const struct nj_arg *op, const int8_t *input, int32_t *output, int8_t flip)
{
    for (int32_t o = 0; o < op->outer; o++, input += op->size * op->inner) {
        for (int32_t i = 0; i < op->inner; i++) {
            int32_t best = 0;
            for (int32_t n = 1; n < op->size; n++) {
                best = (input[n * op->inner + i] ^ flip) > (input[best * op->inner + i] ^ flip) ? n : best;
            }
            *output++ = best;
            if (op->words == 2) {
                *output++ = 0;
            }
        }
    }
}

#endif
