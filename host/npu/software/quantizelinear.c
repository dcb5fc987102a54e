/* Real numbers to 8-bit steps.
 * SPDX-License-Identifier: MIT
 */
#include "nj_npu_tensor.h"

void ll_sw_forward_quantizelinear(void *sw_info_struct)
{
    const Quantizelinear_sw_info *info = sw_info_struct;
    const Tensor_info *out = &info->general.output;
    if (info->os.dim.num_elem != 1 || info->general.input.dim.num_elem != out->dim.num_elem) {
        nj_npu_refuse_call(__func__, "os.num_elem", info->os.dim.num_elem);
    }
    const float *from = nj_npu_elements(&info->general.input, sizeof(float), false, __func__);
    uint8_t *to = nj_npu_elements(out, 1, true, __func__);
    float scale = nj_npu_scale(&info->os, 0, __func__);
    int32_t zero = nj_npu_zero(&info->ozp, 0, __func__);
    for (uint32_t i = 0; i < out->dim.num_elem; i++) {
        double steps = __builtin_rint((double)(from[i] / scale));
        to[i] = nj_npu_saturated(out, steps + zero);
    }
}
