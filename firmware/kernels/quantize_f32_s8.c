/* QUANTIZE. SPDX-License-Identifier: MIT */
#include "nj_requantize.h"

/* No int8 step is further than this from any zero point, and a float this small has all its fraction bits exact. */
#define NJ_QUANTIZE_LIMIT 512.0f

void nj_quantize_f32_s8(const float *input, int8_t *output, size_t count, float scale, int32_t zero_point)
{
    for (size_t i = 0; i < count; i++) {
        float value = input[i] / scale;
        /* Written so that NaN becomes the smallest step. */
        value = value > -NJ_QUANTIZE_LIMIT ? value : -NJ_QUANTIZE_LIMIT;
        value = value < NJ_QUANTIZE_LIMIT ? value : NJ_QUANTIZE_LIMIT;
        int32_t step = (int32_t)value;
        const float rest = value - (float)step;
        step += rest >= 0.5f ? 1 : rest <= -0.5f ? -1 : 0;
        output[i] = (int8_t)nj_clamp(step + zero_point, INT8_MIN, INT8_MAX);
    }
}
