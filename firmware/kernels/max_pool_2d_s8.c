/* MAX_POOL_2D. SPDX-License-Identifier: MIT */
#include "nj_helium.h"
#include "nj_pool.h"

#if NJ_HELIUM

void nj_max_pool_2d_s8(const struct nj_pool *op, const int8_t *input, int8_t *output)
{
    const int32_t channels = op->input.channels;
    const int8x16_t min = vdupq_n_s8((int8_t)op->activation_min);
    const int8x16_t max = vdupq_n_s8((int8_t)op->activation_max);
    for (int32_t oy = 0; oy < op->output.height; oy++) {
        for (int32_t ox = 0; ox < op->output.width; ox++, output += channels) {
            const struct nj_patch patch = nj_pool_patch(op, oy, ox);
            for (int32_t c = 0; c < channels; c += 16) {
                const mve_pred16_t lanes = vctp8q((uint32_t)(channels - c));
                int8x16_t largest = min; /* the lower clamp comes with it */
                for (int32_t y = patch.top; y < patch.bottom; y++) {
                    const int8_t *place = input + (y * op->input.width + patch.left) * channels + c;
                    for (int32_t x = patch.left; x < patch.right; x++, place += channels) {
                        largest = vmaxq_s8(largest, vldrbq_z_s8(place, lanes));
                    }
                }
                vstrbq_p_s8(output + c, vminq_s8(largest, max), lanes);
            }
        }
    }
}

#else

void nj_max_pool_2d_s8(const struct nj_pool *op, const int8_t *input, int8_t *output)
{
    const int32_t channels = op->input.channels;
    for (int32_t oy = 0; oy < op->output.height; oy++) {
        for (int32_t ox = 0; ox < op->output.width; ox++) {
            const struct nj_patch patch = nj_pool_patch(op, oy, ox);
            for (int32_t c = 0; c < channels; c++) {
                int32_t largest = INT8_MIN;
                for (int32_t y = patch.top; y < patch.bottom; y++) {
                    for (int32_t x = patch.left; x < patch.right; x++) {
                        const int32_t step = input[(y * op->input.width + x) * channels + c];
                        largest = step > largest ? step : largest;
                    }
                }
                *output++ = (int8_t)nj_clamp(largest, op->activation_min, op->activation_max);
            }
        }
    }
}

#endif
