/* LL_ATON_LIB_DMA_SpaceToDepth and DepthToSpace: blocks of pixels to channels and back. The
 * channels of a block's pixels follow each other, line by line.
 * SPDX-License-Identifier: MIT
 */
#include "../interface/ll_aton_lib.h"
#include "../interface/nj_npu_host.h"

struct blocks {
    const LL_Buffer_InfoTypeDef *space; /* [batch][height][width][channels] */
    const LL_Buffer_InfoTypeDef *depth;
    uint32_t block_h;
    uint32_t block_w;
    bool to_depth;
};

static uint8_t *bytes_of(const LL_Buffer_InfoTypeDef *buffer, bool writes, const char *who)
{
    uint64_t size = (buffer->nbits + 7U) / 8;
    for (uint32_t d = 0; d < 4; d++) {
        size *= buffer->shape[d];
        if (size > UINT32_MAX) {
            nj_npu_refuse_call(who, "shape", buffer->shape[d]);
        }
    }
    return nj_npu_bytes(buffer->addr_base.p + buffer->offset_start, size, writes, who);
}

static void check(const struct blocks *blocks, unsigned int ninputs, const char *who)
{
    const LL_Buffer_InfoTypeDef *space = blocks->space;
    const LL_Buffer_InfoTypeDef *depth = blocks->depth;
    if (ninputs != 1) {
        nj_npu_refuse_call(who, "ninputs", ninputs);
    }
    if (space->ndims != 4 || depth->ndims != 4 || space->nbits != depth->nbits) {
        nj_npu_refuse_call(who, "ndims", space->ndims);
    }
    if (space->chpos == CHPos_First || space->chpos == CHPos_Mixed ||
        depth->chpos != space->chpos) {
        nj_npu_refuse_call(who, "chpos", space->chpos);
    }
    uint64_t block = (uint64_t)blocks->block_h * blocks->block_w;
    if (block == 0 || space->shape[0] != depth->shape[0] ||
        space->shape[1] != (uint64_t)depth->shape[1] * blocks->block_h ||
        space->shape[2] != (uint64_t)depth->shape[2] * blocks->block_w ||
        space->shape[3] * block != depth->shape[3]) {
        nj_npu_refuse_call(who, "shape", depth->shape[3]);
    }
}

static int move(const struct blocks *blocks, unsigned int ninputs, const char *who)
{
    check(blocks, ninputs, who);
    const uint32_t *shape = blocks->space->shape;
    size_t pixel = (size_t)shape[3] * ((blocks->space->nbits + 7U) / 8);
    uint8_t *space = bytes_of(blocks->space, !blocks->to_depth, who);
    uint8_t *depth = bytes_of(blocks->depth, blocks->to_depth, who);
    uint32_t lines = shape[0] * shape[1]; /* a batch's lines are a multiple of a block's */
    for (uint32_t y = 0; y < lines; y++) {
        for (uint32_t x = 0; x < shape[2]; x++) {
            size_t to = (size_t)(y / blocks->block_h) * (shape[2] / blocks->block_w) +
                        x / blocks->block_w;
            to = (to * blocks->block_h + y % blocks->block_h) * blocks->block_w +
                 x % blocks->block_w;
            uint8_t *at = space + ((size_t)y * shape[2] + x) * pixel;
            memcpy(blocks->to_depth ? depth + to * pixel : at,
                   blocks->to_depth ? at : depth + to * pixel, pixel);
        }
    }
    return 0;
}

int LL_ATON_LIB_DMA_SpaceToDepth(const LL_LIB_TensorInfo_TypeDef *inputs, unsigned int ninputs,
                                 const LL_LIB_TensorInfo_TypeDef *output, unsigned int block_h,
                                 unsigned int block_w, int dma_in, int dma_out NJ_NPU_AND_INSTANCE)
{
    (void)dma_in;
    (void)dma_out;
#if NJ_NPU_INSTANCE
    (void)nn_instance;
#endif
    struct blocks blocks = {inputs, output, block_h, block_w, true};
    return move(&blocks, ninputs, __func__);
}

int LL_ATON_LIB_DMA_DepthToSpace(const LL_LIB_TensorInfo_TypeDef *inputs, unsigned int ninputs,
                                 const LL_LIB_TensorInfo_TypeDef *output, unsigned int block_h,
                                 unsigned int block_w, int dma_in, int dma_out NJ_NPU_AND_INSTANCE)
{
    (void)dma_in;
    (void)dma_out;
#if NJ_NPU_INSTANCE
    (void)nn_instance;
#endif
    struct blocks blocks = {output, inputs, block_h, block_w, false};
    return move(&blocks, ninputs, __func__);
}
