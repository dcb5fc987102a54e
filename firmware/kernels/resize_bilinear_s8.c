/* RESIZE_BILINEAR. SPDX-License-Identifier: MIT */
#include "nj_helium.h"
#include "nj_requantize.h"

/* The four places that an output lies between, and their weights, which add up to 2^NJ_BILINEAR_SHIFT. */
struct nj_bilinear {
    const int8_t *place[4];
    int32_t weight[4];
};

#if NJ_HELIUM

static void nj_bilinear_channels(const struct nj_bilinear *between, int32_t channels, int8_t *output)
{
    const int8_t *const *place = between->place;
    const int32_t *weight = between->weight;
    for (int32_t c = 0; c < channels; c += 4) {
        const mve_pred16_t lanes = vctp32q((uint32_t)(channels - c));
        int32x4_t acc = vmulq_n_s32(vldrbq_z_s32(place[0] + c, lanes), weight[0]);
        acc = vmlaq_n_s32(acc, vldrbq_z_s32(place[1] + c, lanes), weight[1]);
        acc = vmlaq_n_s32(acc, vldrbq_z_s32(place[2] + c, lanes), weight[2]);
        acc = vmlaq_n_s32(acc, vldrbq_z_s32(place[3] + c, lanes), weight[3]);
        acc = vaddq_s32(acc, vshrq_n_s32(acc, 31)); /* half away from zero: one less where it is negative */
        vstrbq_p_s32(output + c, vrshrq_n_s32(acc, NJ_BILINEAR_SHIFT), lanes);
    }
}

#else

static void nj_bilinear_channels(const struct nj_bilinear *between, int32_t channels, int8_t *output)
{
    for (int32_t c = 0; c < channels; c++) {
        int32_t acc = 0;
        for (int i = 0; i < 4; i++) {
            acc += between->place[i][c] * between->weight[i];
        }
        output[c] = (int8_t)nj_divide_by_power(acc, NJ_BILINEAR_SHIFT);
    }
}

#endif

void nj_resize_bilinear_s8(const struct nj_resize_bilinear *op, const int8_t *input, int8_t *output)
{
    const int32_t one = 1 << (NJ_BILINEAR_SHIFT / 2);
    const int32_t channels = op->channels;
    const int32_t pitch = op->input_columns * channels;
    for (int32_t image = 0; image < op->images; image++, input += op->input_rows * pitch) {
        for (int32_t y = 0; y < op->rows; y++) {
            const int32_t *row = op->row_between + 3 * y;
            const int8_t *upper = input + row[0] * pitch;
            const int8_t *lower = input + row[1] * pitch;
            for (int32_t x = 0; x < op->columns; x++, output += channels) {
                const int32_t *column = op->column_between + 3 * x;
                const int32_t left = column[0] * channels;
                const int32_t right = column[1] * channels;
                const struct nj_bilinear between = {
                    {upper + left, upper + right, lower + left, lower + right},
                    {(one - row[2]) * (one - column[2]), (one - row[2]) * column[2], row[2] * (one - column[2]),
                     row[2] * column[2]},
                };
                nj_bilinear_channels(&between, channels, output);
            }
        }
    }
}
