/* REDUCE_MAX. SPDX-License-Identifier: MIT */
#include "nj_reduce_extreme.h"

void nj_reduce_max_s8(const struct nj_reduce *op, const int8_t *input, int8_t *output)
{
    nj_reduce_extreme(op, input, output, 0);
}
