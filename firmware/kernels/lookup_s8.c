/* An int8 to int8 op as a table. SPDX-License-Identifier: MIT */
#include "nj_kernels.h"

void nj_lookup_s8(const int8_t table[256], const int8_t *input, int8_t *output, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        output[i] = table[input[i] + 128];
    }
}
