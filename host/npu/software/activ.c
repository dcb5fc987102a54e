/* Activations of real numbers.
 * SPDX-License-Identifier: MIT
 */
#include <math.h>

#include "nj_npu_tensor.h"

void ll_sw_forward_activ(void *sw_info_struct)
{
    const Activ_sw_info *info = sw_info_struct;
    uint32_t count = info->general.output.dim.num_elem;
    if (info->general.input.dim.num_elem != count) {
        nj_npu_refuse_call(__func__, "num_elem", count);
    }
    const float *from = nj_npu_elements(&info->general.input, sizeof(float), false, __func__);
    float *to = nj_npu_elements(&info->general.output, sizeof(float), true, __func__);
    for (uint32_t i = 0; i < count; i++) {
        switch (info->general.type) {
        case LL_SW_SIGMOID:
            to[i] = 1.0F / (1.0F + expf(-from[i]));
            break;
        case LL_SW_TANH:
            to[i] = tanhf(from[i]);
            break;
        case LL_SW_RELU:
            to[i] = from[i] > 0 ? from[i] : 0;
            break;
        default:
            nj_npu_refuse_call(__func__, "type", info->general.type);
        }
    }
}
