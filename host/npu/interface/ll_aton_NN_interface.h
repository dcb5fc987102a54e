/* Epoch blocks and buffers, as generated code of all dialects lists them: names and fields only.
 * The structures hold the fields of every version; code that knows fewer leaves the others zero.
 * SPDX-License-Identifier: MIT
 */
#ifndef NJ_NPU_LL_ATON_NN_INTERFACE_H
#define NJ_NPU_LL_ATON_NN_INTERFACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "ll_aton_caches_interface.h"
#include "ll_aton_cipher.h"

/* The epoch numbers of the blocks. */
#define LL_ATON_EB_DBG_INFO

/* NPU addresses are kept as they are; whoever uses one asks for the place where it lies. */
#ifndef ATON_LIB_PHYSICAL_TO_VIRTUAL_ADDR
#define ATON_LIB_PHYSICAL_TO_VIRTUAL_ADDR(address) (address)
#endif
#define ATON_LIB_VIRTUAL_TO_PHYSICAL_ADDR(address) (address)
#define LL_ATON_LIB_UNUSED(name) ((void)(name))

typedef enum {
    LL_ATON_User_IO_NOERROR,
    LL_ATON_User_IO_WRONG_ALIGN,
    LL_ATON_User_IO_WRONG_SIZE,
    LL_ATON_User_IO_WRONG_INDEX,
} LL_ATON_User_IO_Result_t;

typedef union {
    unsigned char *p;
    uintptr_t i;
} __LL_address_t;
typedef __LL_address_t ll_aton_pointer;

typedef struct nj_npu_instance NN_Instance_TypeDef;
typedef struct nj_npu_epoch_block LL_ATON_RT_EpochBlockItem_t;
typedef LL_ATON_RT_EpochBlockItem_t EpochBlock_ItemTypeDef;

/* From 4.0 on blocks are handed the network that they belong to. */
#if NJ_NPU_INSTANCE
typedef void (*EpochBlock_FuncPtr_t)(const LL_ATON_RT_EpochBlockItem_t *epoch_block,
                                     const NN_Instance_TypeDef *nn_instance);
#else
typedef void (*EpochBlock_FuncPtr_t)(const void *epoch_block);
#endif

enum {
    EpochBlock_Flags_NONE = 0,
    EpochBlock_Flags_epoch_start = 1 << 0,
    EpochBlock_Flags_epoch_end = 1 << 1,
    EpochBlock_Flags_blob = 1 << 2,
    EpochBlock_Flags_last_eb = 1 << 3,
    EpochBlock_Flags_pure_hw = 1 << 4,
    EpochBlock_Flags_pure_sw = 1 << 5,
    EpochBlock_Flags_hybrid = 1 << 6,
    EpochBlock_Flags_internal = 1 << 7,
    EpochBlock_Flags_blob_encrypted = 1 << 8,
};

struct nj_npu_epoch_block {
    EpochBlock_FuncPtr_t start_epoch_block;
    EpochBlock_FuncPtr_t end_epoch_block;
    uintptr_t blob_address;
    uint32_t wait_mask;
    uint16_t flags;
    int16_t epoch_num;
    int16_t last_epoch_num;
    uint32_t in_streng_mask;
    uint32_t out_streng_mask;
    uint64_t estimated_npu_cycles;
    uint64_t estimated_tot_cycles;
};

typedef enum {
    DataType_UNDEFINED = 0,
    DataType_FLOAT = 1,
    DataType_UINT2 = 2,
    DataType_INT2 = 3,
    DataType_UINT4 = 4,
    DataType_INT4 = 5,
    DataType_UINT8 = 6,
    DataType_INT8 = 7,
    DataType_UINT16 = 8,
    DataType_INT16 = 9,
    DataType_INT32 = 10,
    DataType_INT64 = 11,
    DataType_STRING = 12,
    DataType_BOOL = 13,
    DataType_FLOAT16 = 14,
    DataType_DOUBLE = 15,
    DataType_UINT32 = 16,
    DataType_UINT64 = 17,
    DataType_COMPLEX64 = 18,
    DataType_COMPLEX128 = 19,
    DataType_BFLOAT16 = 20,
    DataType_FXP = 100,
} Buffer_DataType_TypeDef;

typedef enum {
    CHPos_UNDEFINED = 0,
    CHPos_First = 1,
    CHPos_Last = 2,
    CHPos_Mixed = 3,
} Buffer_CHPos_TypeDef;

typedef struct {
    const char *name; /* NULL ends a list */
    __LL_address_t addr_base;
    uint32_t offset_start;
    uint32_t offset_end;
    uint32_t offset_limit;
    uint8_t is_user_allocated;
    uint8_t is_param;
    uint16_t epoch;
    uint32_t batch;
    const uint32_t *mem_shape;
    uint16_t mem_ndims;
    Buffer_CHPos_TypeDef chpos;
    Buffer_DataType_TypeDef type;
    int8_t Qm;
    int8_t Qn;
    uint8_t Qunsigned;
    uint8_t ndims;
    uint8_t nbits;
    uint8_t per_channel;
    const uint32_t *shape;
    const float *scale;
    const int16_t *offset;
} LL_Buffer_InfoTypeDef;

typedef LL_Buffer_InfoTypeDef LL_LIB_TensorInfo_TypeDef;
typedef LL_Buffer_InfoTypeDef LL_LIB_TensorShape_TypeDef;

#endif
