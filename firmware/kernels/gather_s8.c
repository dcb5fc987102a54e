/* GATHER and its kin. SPDX-License-Identifier: MIT */
#include <string.h>

#include "nj_kernels.h"

void nj_gather_s8(const struct nj_gather *op, const int8_t *input, int8_t *output)
{
    const size_t inner = (size_t)op->inner;
    for (int32_t o = 0; o < op->outer; o++, input += op->input_rows * op->input_columns * op->inner) {
        for (int32_t row = 0; row < op->rows; row++) {
            const int8_t *line = input + op->row_of[row] * op->input_columns * op->inner;
            for (int32_t column = 0; column < op->columns; column++, output += inner) {
                memcpy(output, line + op->column_of[column] * op->inner, inner);
            }
        }
    }
}
