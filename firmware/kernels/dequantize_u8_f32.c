/* DEQUANTIZE of uint8. SPDX-License-Identifier: MIT */
#include "nj_helium.h"
#include "nj_kernels.h"

#if NJ_HELIUM_FLOAT

void nj_dequantize_u8_f32(const int8_t *input, float *output, size_t count, float scale, int32_t zero_point)
{
    for (int32_t left = (int32_t)count; left > 0; left -= 4, input += 4, output += 4) {
        const mve_pred16_t lanes = vctp32q((uint32_t)left);
        const int32x4_t steps = vsubq_n_s32(vreinterpretq_s32_u32(vldrbq_z_u32((const uint8_t *)input, lanes)), zero_point);
        vstrwq_p_f32(output, vmulq_n_f32(vcvtq_f32_s32(steps), scale), lanes);
    }
}

#else

void nj_dequantize_u8_f32(const int8_t *input, float *output, size_t count, float scale, int32_t zero_point)
{
    for (size_t i = 0; i < count; i++) {
        output[i] = scale * (float)((uint8_t)input[i] - zero_point);
    }
}

#endif
