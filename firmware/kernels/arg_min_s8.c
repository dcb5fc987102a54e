/* ARG_MIN. SPDX-License-Identifier: MIT */
#include "nj_arg_extreme.h"

void nj_arg_min_s8(const struct nj_arg *op, const int8_t *input, int32_t *output)
{
    nj_arg_extreme(op, input, output, -1);
}
