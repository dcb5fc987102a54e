/* The row that the comparisons share. Internal to the kernels.
 * SPDX-License-Identifier: MIT
 */
#ifndef NJ_COMPARE_H
#define NJ_COMPARE_H

#include "nj_elementwise.h"

/* Both inputs on one scale, as reals times 2^left_shift; `holds` tells of a and b whether they are so related. */
#define NJ_COMPARISON_ROW(name, holds)                                                                                  \
    static void name(const struct nj_elementwise *op, const int8_t *input1, int32_t stride1, const int8_t *input2,     \
                     int32_t stride2, int8_t *output, int32_t count)                                                    \
    {                                                                                                                   \
        for (int32_t i = 0; i < count; i++) {                                                                           \
            const int32_t a = nj_elementwise_scale(op, input1[i * stride1], op->zero_point1, op->requant1);            \
            const int32_t b = nj_elementwise_scale(op, input2[i * stride2], op->zero_point2, op->requant2);            \
            output[i] = (holds) ? 1 : 0;                                                                                \
        }                                                                                                               \
    }

#endif
