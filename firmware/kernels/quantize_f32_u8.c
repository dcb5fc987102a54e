/* QUANTIZE to uint8: the int8 steps, whose saturation is the same 128 lower. SPDX-License-Identifier: MIT */
#include "nj_kernels.h"

void nj_quantize_f32_u8(const float *input, int8_t *output, size_t count, float scale, int32_t zero_point)
{
    nj_quantize_f32_s8(input, output, count, scale, zero_point - 128);
    for (size_t i = 0; i < count; i++) {
        output[i] = (int8_t)(output[i] ^ INT8_MIN);
    }
}
