/* Softmax of 8-bit steps in fixed point: our kernel, with the constants of the generated code.
 * SPDX-License-Identifier: MIT
 */
#include "nj_kernels.h"
#include "nj_npu_rows.h"

enum { GATHERED_MOST = 4096 };

void ll_sw_forward_softmax_integer(void *sw_info_struct)
{
    const Softmax_integer_sw_info *info = sw_info_struct;
    const Tensor_info *in = &info->general.input;
    const Tensor_info *out = &info->general.output;
    struct nj_npu_rows rows = nj_npu_rows_of(in, info->axis, __func__);
    if (out->dim.num_elem != in->dim.num_elem) {
        nj_npu_refuse_call(__func__, "num_elem", out->dim.num_elem);
    }
    if (!in->format.is_signed || !out->format.is_signed) {
        nj_npu_refuse_call(__func__, "is_signed", 0);
    }
    bool usual = nj_npu_scale(&info->os, 0, __func__) == 1.0F / 256 &&
                 nj_npu_zero(&info->ozp, 0, __func__) == -128;
    if (!usual) {
        nj_npu_refuse_call(__func__, "ozp", nj_npu_zero(&info->ozp, 0, __func__));
    }
    if (info->left_shift < 0 || info->left_shift > 31) {
        nj_npu_refuse_call(__func__, "left_shift", info->left_shift);
    }
    const uint8_t *from = nj_npu_elements(in, 1, false, __func__);
    uint8_t *to = nj_npu_elements(out, 1, true, __func__);
    struct nj_softmax softmax = {
        .rows = 1,
        .depth = (int32_t)rows.count,
        .input_requant = {.multiplier = info->quantized_multiplier, .shift = info->left_shift},
        .difference_min = info->diff_min,
    };
    static int8_t row[2 * GATHERED_MOST]; /* firmware has no heap */
    if (rows.count > GATHERED_MOST && rows.step != 1) {
        nj_npu_refuse_call(__func__, "a row of steps that lie apart", rows.count);
    }
    for (uint32_t r = 0; r < rows.rows; r++) {
        size_t at = nj_npu_row(rows, r);
        if (rows.count > GATHERED_MOST) {
            nj_softmax_s8(&softmax, (const int8_t *)from + at, (int8_t *)to + at);
            continue;
        }
        for (uint32_t i = 0; i < rows.count; i++) {
            row[i] = (int8_t)from[at + (size_t)i * rows.step];
        }
        nj_softmax_s8(&softmax, row, row + rows.count);
        for (uint32_t i = 0; i < rows.count; i++) {
            to[at + (size_t)i * rows.step] = (uint8_t)row[rows.count + i];
        }
    }
}
