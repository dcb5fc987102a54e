/* TRANSPOSE and strided copies. SPDX-License-Identifier: MIT */
#include "nj_helium.h"
#include "nj_kernels.h"

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

#else

static void nj_transpose_row(const int8_t *input, int32_t stride, int8_t *output, int32_t count)
{
    for (int32_t i = 0; i < count; i++) {
        output[i] = input[i * stride];
    }
}

#endif

void nj_transpose_s8(const struct nj_transpose *op, const int8_t *input, int8_t *output)
{
    enum { INNER = NJ_TRANSPOSE_DIMENSIONS - 1 };
    int32_t index[INNER] = {0};
    int32_t place = 0; /* of the input, where `index` leads */
    int32_t d = 0;
    while (d >= 0) {
        nj_transpose_row(input + place, op->stride[INNER], output, op->shape[INNER]);
        output += op->shape[INNER];
        /* The next index: the innermost that has not come to its end goes on, those behind it begin again. */
        for (d = INNER - 1; d >= 0; d--) {
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
