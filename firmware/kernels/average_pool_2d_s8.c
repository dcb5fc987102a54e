/* AVERAGE_POOL_2D: the mean of the steps inside, rounded half away from zero. SPDX-License-Identifier: MIT */
#include "nj_channel_sums.h"
#include "nj_pool.h"

static int32_t nj_mean_of(int32_t acc, int32_t count)
{
    return acc > 0 ? (acc + count / 2) / count : (acc - count / 2) / count;
}

#if NJ_HELIUM

/* Of so many places a mean is the top half of a 16-bit product, exactly: with a = |sum| + count / 2, at most
 * 128.5 count, and m = 65536 / count + 1, which is too large by at most 1, a m / 65536 is too large by a / 65536, which is
 * less than 1 / count. One place needs no mean, and its m would be too large. */
enum { NJ_FEW_LEAST = 2, NJ_FEW_MOST = 22 };

struct nj_few {
    int32_t next;  /* bytes from place to place */
    int32_t pitch; /* and from row to row */
    int32_t columns;
    int32_t rows;
};

/* The means of 8 channels; `lanes` are those there are. */
static inline int16x8_t nj_means_of_few(const int8_t *corner, struct nj_few few, mve_pred16_t lanes)
{
    const int32_t count = few.rows * few.columns;
    int16x8_t sum = vdupq_n_s16(0);
    for (int32_t y = 0; y < few.rows; y++, corner += few.pitch) {
        const int8_t *place = corner;
        for (int32_t x = 0; x < few.columns; x++, place += few.next) {
            sum = vaddq_s16(sum, vldrbq_z_s16(place, lanes));
        }
    }
    const uint16x8_t size = vaddq_n_u16(vreinterpretq_u16_s16(vabsq_s16(sum)), (uint16_t)(count / 2));
    const uint16x8_t reciprocal = vdupq_n_u16((uint16_t)(0x10000 / count + 1));
    const int16x8_t mean = vreinterpretq_s16_u16(vmulhq_u16(size, reciprocal));
    return vnegq_m_s16(mean, mean, vcmpltq_n_s16(sum, 0));
}

void nj_average_pool_2d_s8(const struct nj_pool *op, const int8_t *input, int8_t *output)
{
    const int32_t channels = op->input.channels;
    for (int32_t oy = 0; oy < op->output.height; oy++) {
        for (int32_t ox = 0; ox < op->output.width; ox++) {
            const struct nj_patch patch = nj_pool_patch(op, oy, ox);
            const int32_t rows = patch.bottom - patch.top;
            const int32_t columns = patch.right - patch.left;
            const int8_t *corner = input + (patch.top * op->input.width + patch.left) * channels;
            if (rows * columns >= NJ_FEW_LEAST && rows * columns <= NJ_FEW_MOST) {
                const struct nj_few few = {channels, op->input.width * channels, columns, rows};
                for (int32_t c = 0; c < channels; c += NJ_SUM_LANES) {
                    const mve_pred16_t there = vctp16q((uint32_t)(channels - c));
                    int16x8_t mean = nj_means_of_few(corner + c, few, there);
                    mean = vmaxq_s16(mean, vdupq_n_s16((int16_t)op->activation_min));
                    mean = vminq_s16(mean, vdupq_n_s16((int16_t)op->activation_max));
                    vstrbq_p_s16(output + c, mean, there);
                }
                output += channels;
                continue;
            }
            for (int32_t c = 0; c < channels; c += NJ_SUM_LANES) {
                int32_t acc[NJ_SUM_LANES];
                const int32_t lanes = nj_clamp(channels - c, 0, NJ_SUM_LANES);
                nj_channel_sums(corner + c, lanes, channels, columns, op->input.width * channels, rows, acc);
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
