/* An int8 to int8 op as a table. SPDX-License-Identifier: MIT */
#include "nj_helium.h"
#include "nj_kernels.h"

#if NJ_HELIUM

void nj_lookup_s8(const int8_t table[256], const int8_t *input, int8_t *output, size_t count)
{
    const uint8x16_t sign = vdupq_n_u8(0x80); /* step + 128, as bytes */
    for (size_t i = 0; i < count; i += 16) {
        const mve_pred16_t lanes = vctp8q((uint32_t)(count - i));
        const uint8x16_t index = veorq_u8(vreinterpretq_u8_s8(vldrbq_z_s8(input + i, lanes)), sign);
        vstrbq_p_s8(output + i, vldrbq_gather_offset_z_s8(table, index, lanes), lanes);
    }
}

#else

void nj_lookup_s8(const int8_t table[256], const int8_t *input, int8_t *output, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        output[i] = table[input[i] + 128];
    }
}

#endif
