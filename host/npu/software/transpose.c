/* LL_ATON_LIB_DMA_Transpose: the input in order, each element at the sum of its indices' offsets.
 * SPDX-License-Identifier: MIT
 */
#include "../interface/ll_aton_lib.h"
#include "../interface/nj_npu_host.h"

enum { DIMENSIONS = 8 };

int LL_ATON_LIB_DMA_Transpose(const LL_LIB_TensorShape_TypeDef *input,
                              const uint32_t *input_axes_offsets,
                              const LL_LIB_TensorShape_TypeDef *output,
                              const uint32_t *output_axes_offsets, const uint8_t *target_pos,
                              const uint8_t *perm_to_use, int dma_in,
                              int dma_out NJ_NPU_AND_INSTANCE)
{
    (void)input_axes_offsets;
    (void)perm_to_use;
    (void)dma_in;
    (void)dma_out;
#if NJ_NPU_INSTANCE
    (void)nn_instance;
#endif
    uint32_t width = (input->nbits + 7U) / 8;
    uint64_t count = 1;
    if (input->ndims < 1 || input->ndims > DIMENSIONS || input->nbits != output->nbits) {
        nj_npu_refuse_call(__func__, "ndims", input->ndims);
    }
    for (uint32_t d = 0; d < input->ndims; d++) {
        count *= input->shape[d];
        if (target_pos[d] >= input->ndims || count > UINT32_MAX) {
            nj_npu_refuse_call(__func__, "target_pos", target_pos[d]);
        }
    }
    uint64_t room = output->offset_end - output->offset_start;
    const uint8_t *from =
        nj_npu_bytes(input->addr_base.p + input->offset_start, count * width, false, __func__);
    uint8_t *to = nj_npu_bytes(output->addr_base.p + output->offset_start, room, true, __func__);
    uint32_t index[DIMENSIONS] = {0};
    for (uint64_t i = 0; i < count; i++) {
        uint64_t at = 0;
        for (uint32_t d = 0; d < input->ndims; d++) {
            at += (uint64_t)index[d] * output_axes_offsets[target_pos[d]];
        }
        if (at + width > room) {
            nj_npu_refuse_call(__func__, "output_axes_offsets", (int64_t)at);
        }
        memcpy(to + at, from + i * width, width);
        for (uint32_t d = input->ndims; d-- > 0 && ++index[d] == input->shape[d];) {
            index[d] = 0;
        }
    }
    return 0;
}
