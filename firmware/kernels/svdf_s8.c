/* SVDF. SPDX-License-Identifier: MIT */
#include <string.h>

#include "nj_helium.h"
#include "nj_requantize.h"

#if NJ_HELIUM

/* Every place of `memory` takes what the next one held; the last keeps its own. Forwards, each vector is read before a
 * store reaches it; newlib's memmove goes byte by byte where source and target differ by a halfword. */
static void nj_age(int16_t *memory, int32_t places)
{
    for (int32_t left = places - 1; left > 0; left -= 8, memory += 8) {
        const mve_pred16_t lanes = vctp16q((uint32_t)left);
        vstrhq_p_s16(memory, vldrhq_z_s16(memory + 1, lanes), lanes);
    }
}

/* What one filter adds: its memory, weighted. Sums wrap modulo 2^32, as the reference's do. */
static int32_t nj_over_time(const int16_t *weights, const int16_t *memory, int32_t count)
{
    int32_t sum = 0;
    for (int32_t i = 0; i < count; i += 8) {
        const mve_pred16_t lanes = vctp16q((uint32_t)(count - i));
        sum = vmladavaq_s16(sum, vldrhq_z_s16(weights + i, lanes), vldrhq_z_s16(memory + i, lanes));
    }
    return sum;
}

/* The newest place of each filter's memory. */
static void nj_take_features(const struct nj_svdf *op, const int8_t *input, int16_t *newest)
{
    for (int32_t f = 0; f < op->filters; f += 4) {
        const int32_t count = op->filters - f;
        const mve_pred16_t lanes = vctp32q((uint32_t)count);
        const struct nj_rows rows = nj_rows_of(op->feature_weights + f * op->inputs, op->inputs, count);
        const int32x4_t acc = nj_dot_x4(vldrwq_z_s32(op->feature_bias + f, lanes), input, rows, op->inputs);
        const int32x4_t scaled = nj_requantize_double_x4(acc, nj_requant_repeat(op->feature_requant));
        const int32x4_t steps = nj_clamp_x4(scaled, INT16_MIN, INT16_MAX);
        const uint32x4_t place = vmulq_n_u32(vidupq_n_u32(0, 1), (uint32_t)op->memory);
        vstrhq_scatter_shifted_offset_p_s32(newest + f * op->memory, place, steps, lanes);
    }
}

#else

static void nj_age(int16_t *memory, int32_t places)
{
    memmove(memory, memory + 1, (size_t)(places - 1) * sizeof *memory);
}

static int32_t nj_over_time(const int16_t *weights, const int16_t *memory, int32_t count)
{
    int32_t sum = 0;
    for (int32_t i = 0; i < count; i++) {
        sum = nj_add_wrapping(sum, weights[i] * memory[i]);
    }
    return sum;
}

static void nj_take_features(const struct nj_svdf *op, const int8_t *input, int16_t *newest)
{
    for (int32_t f = 0; f < op->filters; f++) {
        const int8_t *const weights = op->feature_weights + f * op->inputs;
        int32_t acc = op->feature_bias[f];
        for (int32_t i = 0; i < op->inputs; i++) {
            acc = nj_add_wrapping(acc, weights[i] * input[i]);
        }
        newest[f * op->memory] =
            (int16_t)nj_clamp(nj_requantize_double(acc, op->feature_requant), INT16_MIN, INT16_MAX);
    }
}

#endif

void nj_svdf_s8(const struct nj_svdf *op, const int8_t *input, int8_t *state, int8_t *output)
{
    int16_t *memory = (int16_t *)(void *)state;
    nj_age(memory, op->batches * op->filters * op->memory); /* the oldest falls out; the newest is written anew */
    for (int32_t batch = 0; batch < op->batches; batch++) {
        nj_take_features(op, input, memory + op->memory - 1);
        const int16_t *weights = op->time_weights;
        for (int32_t unit = 0; unit * op->rank < op->filters; unit++) {
            int32_t acc = op->bias[unit];
            for (int32_t i = 0; i < op->rank; i++) {
                acc = nj_add_wrapping(acc, nj_over_time(weights, memory, op->memory));
                weights += op->memory;
                memory += op->memory;
            }
            const int32_t scaled = nj_requantize_double(acc, op->output_requant);
            *output++ = (int8_t)nj_clamp(nj_add_wrapping(scaled, op->output_zero_point), -128, 127);
        }
        input += op->inputs;
    }
}
