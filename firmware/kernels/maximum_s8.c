/* MAXIMUM. SPDX-License-Identifier: MIT */
#include "nj_elementwise.h"

#if NJ_HELIUM

static int8x16_t nj_maximum_load(const int8_t *input, int32_t stride, int32_t i, mve_pred16_t lanes)
{
    return stride == 1 ? vldrbq_z_s8(input + i, lanes) : vdupq_n_s8(input[0]);
}

static void nj_maximum_row(const struct nj_elementwise *op, const int8_t *input1, int32_t stride1, const int8_t *input2,
                           int32_t stride2, int8_t *output, int32_t count)
{
    (void)op;
    for (int32_t i = 0; i < count; i += 16) {
        const mve_pred16_t lanes = vctp8q((uint32_t)(count - i));
        const int8x16_t a = nj_maximum_load(input1, stride1, i, lanes);
        vstrbq_p_s8(output + i, vmaxq_s8(a, nj_maximum_load(input2, stride2, i, lanes)), lanes);
    }
}

#else

static void nj_maximum_row(const struct nj_elementwise *op, const int8_t *input1, int32_t stride1, const int8_t *input2,
                           int32_t stride2, int8_t *output, int32_t count)
{
    (void)op;
    for (int32_t i = 0; i < count; i++) {
        const int8_t a = input1[i * stride1];
        const int8_t b = input2[i * stride2];
        output[i] = a > b ? a : b;
    }
}

#endif

void nj_maximum_s8(const struct nj_elementwise *op, const int8_t *input1, const int8_t *input2, int8_t *output)
{
    nj_elementwise_walk(op, input1, input2, output, nj_maximum_row);
}
