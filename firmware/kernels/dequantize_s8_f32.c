/* DEQUANTIZE. SPDX-License-Identifier: MIT */
#include "nj_kernels.h"

void nj_dequantize_s8_f32(const int8_t *input, float *output, size_t count, float scale, int32_t zero_point)
{
    for (size_t i = 0; i < count; i++) {
        output[i] = scale * (float)(input[i] - zero_point);
    }
}
