/* TRANSPOSE. SPDX-License-Identifier: MIT */
#include "nj_kernels.h"

void nj_transpose_s8(const struct nj_transpose *op, const int8_t *input, int8_t *output)
{
    for (int32_t a = 0; a < op->shape[0]; a++) {
        for (int32_t b = 0; b < op->shape[1]; b++) {
            for (int32_t c = 0; c < op->shape[2]; c++) {
                const int8_t *row = input + a * op->stride[0] + b * op->stride[1] + c * op->stride[2];
                for (int32_t d = 0; d < op->shape[3]; d++) {
                    *output++ = row[d * op->stride[3]];
                }
            }
        }
    }
}
