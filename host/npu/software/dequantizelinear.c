/* 8-bit steps to real numbers.
 * SPDX-License-Identifier: MIT
 */
#include "nj_npu_tensor.h"

void ll_sw_forward_dequantizelinear(void *sw_info_struct)
{
    const Dequantizelinear_sw_info *info = sw_info_struct;
    const Tensor_info *in = &info->general.input;
    if (info->is.dim.num_elem != 1 || in->dim.num_elem != info->general.output.dim.num_elem) {
        nj_npu_refuse_call(__func__, "is.num_elem", info->is.dim.num_elem);
    }
    const uint8_t *from = nj_npu_elements(in, 1, false, __func__);
    float *to = nj_npu_elements(&info->general.output, sizeof(float), true, __func__);
    float scale = nj_npu_scale(&info->is, 0, __func__);
    int32_t zero = nj_npu_zero(&info->izp, 0, __func__);
    /* From the end on where both start at one place: a step is narrower than its number. */
    for (uint32_t i = in->dim.num_elem; i-- > 0;) {
        to[i] = scale * (float)(nj_npu_step(in, from[i]) - zero);
    }
}
