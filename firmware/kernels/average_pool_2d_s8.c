/* AVERAGE_POOL_2D: the mean of the steps inside, rounded half away from zero. SPDX-License-Identifier: MIT */
#include "nj_channel_sums.h"
#include "nj_pool.h"

static int32_t nj_mean_of(int32_t acc, int32_t count)
{
    return acc > 0 ? (acc + count / 2) / count : (acc - count / 2) / count;
}

#if NJ_HELIUM

void nj_average_pool_2d_s8(const struct nj_pool *op, const int8_t *input, int8_t *output)
{
    const int32_t channels = op->input.channels;
    for (int32_t oy = 0; oy < op->output.height; oy++) {
        for (int32_t ox = 0; ox < op->output.width; ox++) {
            const struct nj_patch patch = nj_pool_patch(op, oy, ox);
            const int32_t rows = patch.bottom - patch.top;
            const int32_t columns = patch.right - patch.left;
            const int8_t *corner = input + (patch.top * op->input.width + patch.left) * channels;
            for (int32_t c = 0; c < channels; c += NJ_SUM_LANES) {
                int32_t acc[NJ_SUM_LANES];
                const int32_t lanes = nj_clamp(channels - c, 0, NJ_SUM_LANES);
                nj_channel_sums(corner + c, lanes, channels, columns, op->input.width * channels, rows, -1, acc);
                for (int32_t i = 0; i < lanes; i++) {
                    const int32_t mean = nj_mean_of(acc[i], rows * columns);
                    *output++ = (int8_t)nj_clamp(mean, op->activation_min, op->activation_max);
                }
            }
        }
    }
}

#else

void nj_average_pool_2d_s8(const struct nj_pool *op, const int8_t *input, int8_t *output)
{
    const int32_t channels = op->input.channels;
    for (int32_t oy = 0; oy < op->output.height; oy++) {
        for (int32_t ox = 0; ox < op->output.width; ox++) {
            const struct nj_patch patch = nj_pool_patch(op, oy, ox);
            const int32_t count = (patch.bottom - patch.top) * (patch.right - patch.left);
            for (int32_t c = 0; c < channels; c++) {
                int32_t acc = 0;
                for (int32_t y = patch.top; y < patch.bottom; y++) {
                    for (int32_t x = patch.left; x < patch.right; x++) {
                        acc += input[(y * op->input.width + x) * channels + c];
                    }
                }
                *output++ = (int8_t)nj_clamp(nj_mean_of(acc, count), op->activation_min, op->activation_max);
            }
        }
    }
}

#endif
