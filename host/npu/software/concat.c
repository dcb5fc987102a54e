/* LL_ATON_LIB_Concat: tensors side by side along one axis.
 * SPDX-License-Identifier: MIT
 */
#include "../interface/ll_aton_lib.h"
#include "../interface/nj_npu_host.h"

/* Where an axis, counted as in N, C, H, W, stands in memory. */
static uint32_t place_of(const LL_Buffer_InfoTypeDef *buffer, unsigned int axis)
{
    static const uint32_t last[4] = {0, 3, 1, 2};
    if (axis > 3 || buffer->mem_ndims != 4 || buffer->chpos == CHPos_Mixed) {
        nj_npu_refuse_call("LL_ATON_LIB_Concat", "axis", axis);
    }
    return buffer->chpos == CHPos_Last ? last[axis] : axis;
}

/* Bytes from one step of the axis' neighbour above to the next. */
static uint64_t run_of(const LL_Buffer_InfoTypeDef *buffer, uint32_t from)
{
    uint64_t run = (buffer->nbits + 7U) / 8;
    for (uint32_t d = from; d < 4; d++) {
        run *= buffer->mem_shape[d];
    }
    return run;
}

int LL_ATON_LIB_Concat(const LL_Buffer_InfoTypeDef *inputs, unsigned int ninputs,
                       const LL_Buffer_InfoTypeDef *output, unsigned int axis, int dma_in,
                       int dma_out NJ_NPU_AND_INSTANCE)
{
    (void)dma_in;
    (void)dma_out;
#if NJ_NPU_INSTANCE
    (void)nn_instance;
#endif
    uint32_t place = place_of(output, axis);
    uint64_t pitch = run_of(output, place);
    uint64_t all = run_of(output, 0);
    uint8_t *to = nj_npu_bytes(output->addr_base.p + output->offset_start, all, true, __func__);
    uint64_t at = 0;
    for (unsigned int i = 0; i < ninputs; i++) {
        const LL_Buffer_InfoTypeDef *input = &inputs[i];
        uint64_t run = run_of(input, place);
        uint64_t rows = run_of(input, 0) / (run ? run : 1);
        if (input->chpos != output->chpos || place_of(input, axis) != place ||
            rows != all / pitch || at + run > pitch) {
            nj_npu_refuse_call(__func__, "shape", i);
        }
        const uint8_t *from = nj_npu_bytes(input->addr_base.p + input->offset_start, rows * run,
                                           false, __func__);
        for (uint64_t row = 0; row < rows; row++) {
            memcpy(to + row * pitch + at, from + row * run, (size_t)run);
        }
        at += run;
    }
    if (at != pitch) {
        nj_npu_refuse_call(__func__, "ninputs", ninputs);
    }
    return 0;
}
