/* CONCATENATION. SPDX-License-Identifier: MIT */
#include <string.h>

#include "nj_kernels.h"

void nj_concatenation_s8(const struct nj_concatenation *op, const int8_t *const *inputs, int8_t *output)
{
    for (int32_t row = 0; row < op->outer; row++) {
        for (int32_t i = 0; i < op->count; i++) {
            memcpy(output, inputs[i] + row * op->lengths[i], (size_t)op->lengths[i]);
            output += op->lengths[i];
        }
    }
}
