/* Tensors of software epochs: where they lie, and their scales.
 * SPDX-License-Identifier: MIT
 */
#ifndef NJ_NPU_TENSOR_H
#define NJ_NPU_TENSOR_H

#include "../interface/ll_sw.h"
#include "../interface/nj_npu_host.h"

/* The bytes of `elements` elements of `width` bytes that lie side by side. */
static inline void *nj_npu_elements(const Tensor_info *tensor, uint32_t width, bool writes,
                                    const char *who)
{
    return nj_npu_bytes(tensor->mem.start_offset, (uint64_t)tensor->dim.num_elem * width, writes,
                        who);
}

/* Scale and zero point number `index` of a list that holds one for all or one a channel. */
static inline float nj_npu_scale(const Tensor_info *list, uint32_t index, const char *who)
{
    const float *values = nj_npu_elements(list, sizeof(float), false, who);
    return values[index < list->dim.num_elem ? index : 0];
}

static inline int32_t nj_npu_zero(const Tensor_info *list, uint32_t index, const char *who)
{
    const uint8_t *values = nj_npu_elements(list, 1, false, who);
    uint8_t value = values[index < list->dim.num_elem ? index : 0];
    return list->format.is_signed ? (int8_t)value : value;
}

/* An 8-bit step by the format of its tensor. */
static inline int32_t nj_npu_step(const Tensor_info *tensor, uint8_t bits)
{
    return tensor->format.is_signed ? (int8_t)bits : bits;
}

/* A real number of steps, to the nearest step, ties to even, saturated. */
static inline uint8_t nj_npu_saturated(const Tensor_info *tensor, double steps)
{
    double least = tensor->format.is_signed ? INT8_MIN : 0;
    double most = tensor->format.is_signed ? INT8_MAX : UINT8_MAX;
    double nearest = __builtin_rint(steps);
    nearest = nearest < least ? least : nearest > most ? most : nearest;
    return (uint8_t)(int32_t)nearest;
}

#endif
