/* Data moves that generated code asks the library for: names and fields only.
 * SPDX-License-Identifier: MIT
 */
#ifndef NJ_NPU_LL_ATON_LIB_H
#define NJ_NPU_LL_ATON_LIB_H

#include "ll_aton.h"

/* From 4.0 on the network comes last. */
#if NJ_NPU_INSTANCE
#define NJ_NPU_AND_INSTANCE , const NN_Instance_TypeDef *nn_instance
#else
#define NJ_NPU_AND_INSTANCE
#endif

int LL_ATON_LIB_Concat(const LL_Buffer_InfoTypeDef *inputs, unsigned int ninputs,
                       const LL_Buffer_InfoTypeDef *output, unsigned int axis, int dma_in,
                       int dma_out NJ_NPU_AND_INSTANCE);
int LL_ATON_LIB_DMA_SpaceToDepth(const LL_LIB_TensorInfo_TypeDef *inputs, unsigned int ninputs,
                                 const LL_LIB_TensorInfo_TypeDef *output, unsigned int block_h,
                                 unsigned int block_w, int dma_in, int dma_out NJ_NPU_AND_INSTANCE);
int LL_ATON_LIB_DMA_DepthToSpace(const LL_LIB_TensorInfo_TypeDef *inputs, unsigned int ninputs,
                                 const LL_LIB_TensorInfo_TypeDef *output, unsigned int block_h,
                                 unsigned int block_w, int dma_in, int dma_out NJ_NPU_AND_INSTANCE);
int LL_ATON_LIB_DMA_Transpose(const LL_LIB_TensorShape_TypeDef *input,
                              const uint32_t *input_axes_offsets,
                              const LL_LIB_TensorShape_TypeDef *output,
                              const uint32_t *output_axes_offsets, const uint8_t *target_pos,
                              const uint8_t *perm_to_use, int dma_in,
                              int dma_out NJ_NPU_AND_INSTANCE);

#endif
