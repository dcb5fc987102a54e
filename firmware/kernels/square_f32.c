/* SQUARE of floats. SPDX-License-Identifier: MIT */
#include "nj_kernels.h"

void nj_square_f32(const float *input, float *output, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        output[i] = input[i] * input[i];
    }
}
