/* MEAN. SPDX-License-Identifier: MIT */
#include <stdbool.h>

#include "nj_channel_sums.h"
#include "nj_reduce.h"
#include "nj_requantize.h"

static int8_t nj_mean_step(const struct nj_mean *op, int32_t sum, int32_t count)
{
    const int32_t scaled = nj_requantize(sum - op->input_zero_point * count, op->requant, op->rounding);
    return (int8_t)nj_clamp(nj_add_wrapping(scaled, op->output_zero_point), INT8_MIN, INT8_MAX);
}

#if NJ_HELIUM

/* Where channels stay and a batch is not reduced: 8 channels at a time. */
static bool nj_mean_by_channels(const struct nj_mean *op, const int8_t *input, int8_t *output)
{
    if (op->reduce[3] || (op->reduce[0] && op->shape[0] > 1)) {
        return false;
    }
    const int32_t channels = op->shape[3];
    const int32_t pitch = op->shape[2] * channels;
    const int32_t rows = op->reduce[1] ? op->shape[1] : 1;
    const int32_t columns = op->reduce[2] ? op->shape[2] : 1;
    for (int32_t n = 0; n < op->shape[0]; n++) {
        for (int32_t y = 0; y < op->shape[1]; y += rows) {
            for (int32_t x = 0; x < op->shape[2]; x += columns) {
                const int8_t *corner = input + (n * op->shape[1] + y) * pitch + x * channels;
                for (int32_t c = 0; c < channels; c += NJ_SUM_LANES) {
                    int32_t acc[NJ_SUM_LANES];
                    const int32_t lanes = nj_clamp(channels - c, 0, NJ_SUM_LANES);
                    nj_channel_sums(corner + c, lanes, channels, columns, pitch, rows, acc);
                    for (int32_t i = 0; i < lanes; i++) {
                        *output++ = nj_mean_step(op, acc[i], rows * columns);
                    }
                }
            }
        }
    }
    return true;
}

#else

static bool nj_mean_by_channels(const struct nj_mean *op, const int8_t *input, int8_t *output)
{
    (void)op;
    (void)input;
    (void)output;
    return false;
}

#endif

void nj_mean_s8(const struct nj_mean *op, const int8_t *input, int8_t *output)
{
    if (nj_mean_by_channels(op, input, output)) {
        return;
    }
    const struct nj_reduction walk = nj_reduce_begin(op->shape, op->reduce);
    for (int32_t o = 0; o < walk.outputs; o++) {
        output[o] = nj_mean_step(op, nj_reduce_sum(&walk, input, o, -1), walk.count);
    }
}
