/* TRANSPOSE and strided copies. SPDX-License-Identifier: MIT */
#include "nj_helium.h"
#include "nj_kernels.h"

enum { NJ_TRANSPOSE_OUTER = NJ_TRANSPOSE_DIMENSIONS - 3 }; /* dimensions before the last three */

#if NJ_HELIUM

enum { NJ_NARROW = 8, NJ_FARTHEST = 0xFFFF };

/* `count` steps, `stride` apart, to one after the other. */
static void nj_transpose_row(const int8_t *input, int32_t stride, int8_t *output, int32_t count)
{
    if (stride == 1) {
        for (; count > 0; count -= 16, input += 16, output += 16) {
            const mve_pred16_t lanes = vctp8q((uint32_t)count);
            vstrbq_p_s8(output, vldrbq_z_s8(input, lanes), lanes);
        }
        return;
    }
    if (stride >= 0 && stride * (NJ_NARROW - 1) <= NJ_FARTHEST) {
        const uint16x8_t offset = vmulq_n_u16(vidupq_n_u16(0, 1), (uint16_t)stride);
        for (; count >= NJ_NARROW; count -= NJ_NARROW) {
            vstrbq_s16(output, vldrbq_gather_offset_s16(input, offset));
            input += NJ_NARROW * stride;
            output += NJ_NARROW;
        }
    }
    for (; count > 0; count--, input += stride) {
        *output++ = *input;
    }
}

/* The last three dimensions where rows are whole and of at most 16 steps: a vector each. Returns the output's end. */
static int8_t *nj_transpose_short(const struct nj_transpose *op, const int8_t *input, int8_t *output)
{
    const int32_t *const shape = op->shape + NJ_TRANSPOSE_OUTER;
    const int32_t *const stride = op->stride + NJ_TRANSPOSE_OUTER;
    const int32_t rows = shape[1];
    const int32_t count = shape[2];
    const int32_t apart = stride[1];
    const mve_pred16_t lanes = vctp8q((uint32_t)count);
    for (int32_t planes = shape[0]; planes > 0; planes--, input += stride[0]) {
        const int8_t *row = input;
        for (int32_t i = 0; i < rows; i++, row += apart, output += count) {
            vstrbq_p_s8(output, vldrbq_z_s8(row, lanes), lanes);
        }
    }
    return output;
}

#else

static void nj_transpose_row(const int8_t *input, int32_t stride, int8_t *output, int32_t count)
{
    for (int32_t i = 0; i < count; i++) {
        output[i] = input[i * stride];
    }
}

#endif

/* The last three dimensions, whose rows may be of any length and stride. */
static int8_t *nj_transpose_block(const struct nj_transpose *op, const int8_t *input, int8_t *output)
{
    const int32_t *const shape = op->shape + NJ_TRANSPOSE_OUTER;
    const int32_t *const stride = op->stride + NJ_TRANSPOSE_OUTER;
#if NJ_HELIUM
    if (stride[2] == 1 && shape[2] <= 16) {
        return nj_transpose_short(op, input, output);
    }
#endif
    for (int32_t plane = 0; plane < shape[0]; plane++) {
        for (int32_t row = 0; row < shape[1]; row++, output += shape[2]) {
            nj_transpose_row(input + plane * stride[0] + row * stride[1], stride[2], output, shape[2]);
        }
    }
    return output;
}

void nj_transpose_s8(const struct nj_transpose *op, const int8_t *input, int8_t *output)
{
    int32_t index[NJ_TRANSPOSE_OUTER] = {0};
    int32_t place = 0; /* of the input, where `index` leads */
    int32_t d = 0;
    while (d >= 0) {
        output = nj_transpose_block(op, input + place, output);
        /* The next index: the innermost that has not come to its end goes on, those behind it begin again. */
        for (d = NJ_TRANSPOSE_OUTER - 1; d >= 0; d--) {
            place += op->stride[d];
            index[d]++;
            if (index[d] < op->shape[d]) {
                break;
            }
            place -= index[d] * op->stride[d];
            index[d] = 0;
        }
    }
}
