/* EQUAL. SPDX-License-Identifier: MIT */
#include "nj_compare.h"

NJ_COMPARISON_ROW(nj_equal_row, a == b)

void nj_equal_s8(const struct nj_elementwise *op, const int8_t *input1, const int8_t *input2, int8_t *output)
{
    nj_elementwise_walk(op, input1, input2, output, nj_equal_row);
}
