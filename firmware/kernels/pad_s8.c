/* PAD and PADV2. SPDX-License-Identifier: MIT */
#include <string.h>

#include "nj_kernels.h"

void nj_pad_s8(const struct nj_pad *op, const int8_t *input, int8_t *output)
{
    int32_t shape[4];
    size_t total = 1;
    for (int d = 0; d < 4; d++) {
        shape[d] = op->before[d] + op->shape[d] + op->after[d];
        total *= (size_t)shape[d];
    }
    memset(output, op->value, total);
    for (int32_t a = 0; a < op->shape[0]; a++) {
        for (int32_t b = 0; b < op->shape[1]; b++) {
            for (int32_t c = 0; c < op->shape[2]; c++, input += op->shape[3]) {
                const int32_t row =
                    ((op->before[0] + a) * shape[1] + op->before[1] + b) * shape[2] + op->before[2] + c;
                memcpy(output + row * shape[3] + op->before[3], input, (size_t)op->shape[3]);
            }
        }
    }
}
