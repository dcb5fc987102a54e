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
    for (int32_t a = 0; a < op->shape[0]; a++) {
        for (int32_t b = 0; b < op->shape[1]; b++) {
            for (int32_t c = 0; c < op->shape[2]; c++, output += op->shape[3]) {
                nj_transpose_row(input + a * op->stride[0] + b * op->stride[1] + c * op->stride[2], op->stride[3],
                                 output, op->shape[3]);
            }
        }
    }
}
