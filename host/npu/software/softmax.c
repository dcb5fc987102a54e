/* Softmax of real numbers.
 * SPDX-License-Identifier: MIT
 */
#include <math.h>

#include "nj_npu_rows.h"

void ll_sw_forward_softmax(void *sw_info_struct)
{
    const Softmax_sw_info *info = sw_info_struct;
    struct nj_npu_rows rows = nj_npu_rows_of(&info->general.input, info->axis, __func__);
    if (info->general.output.dim.num_elem != info->general.input.dim.num_elem) {
        nj_npu_refuse_call(__func__, "num_elem", info->general.output.dim.num_elem);
    }
    const float *from = nj_npu_elements(&info->general.input, sizeof(float), false, __func__);
    float *to = nj_npu_elements(&info->general.output, sizeof(float), true, __func__);
    for (uint32_t r = 0; r < rows.rows; r++) {
        const float *in = from + nj_npu_row(rows, r);
        float *out = to + nj_npu_row(rows, r);
        float most = in[0];
        float sum = 0;
        for (uint32_t i = 1; i < rows.count; i++) {
            most = fmaxf(most, in[(size_t)i * rows.step]);
        }
        for (uint32_t i = 0; i < rows.count; i++) {
            out[(size_t)i * rows.step] = expf(in[(size_t)i * rows.step] - most);
            sum += out[(size_t)i * rows.step];
        }
        for (uint32_t i = 0; i < rows.count; i++) {
            out[(size_t)i * rows.step] /= sum;
        }
    }
}
