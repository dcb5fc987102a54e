/* A generated network, as the functions that its code defines.
 * SPDX-License-Identifier: MIT
 */
#ifndef NJ_NPU_NETWORK_H
#define NJ_NPU_NETWORK_H

#include "ll_aton.h"

struct nj_npu_network {
    const LL_ATON_RT_EpochBlockItem_t *(*blocks)(void);
    const LL_Buffer_InfoTypeDef *(*inputs)(void);
    const LL_Buffer_InfoTypeDef *(*internals)(void);
    const LL_Buffer_InfoTypeDef *(*outputs)(void);
    LL_ATON_User_IO_Result_t (*set_input)(uint32_t num, void *buffer, uint32_t size);
    LL_ATON_User_IO_Result_t (*set_output)(uint32_t num, void *buffer, uint32_t size);
    bool (*prepare)(void);     /* once; NULL where no program has addresses of its own to be set */
    bool (*prepare_run)(void); /* before each run */
    uint8_t *image; /* where its library lies, and behind its end */
    uint8_t *image_end;
};

/* Serves requests until they end; an exit status. */
int nj_npu_main(const struct nj_npu_network *network);

/* Defines nj_npu_network for the network of that name; the last line of what is compiled. */
#define NJ_NPU_DEFINE_NETWORK(name)                                                          \
    extern uint8_t __ehdr_start[] __attribute__((visibility("hidden")));                     \
    extern uint8_t _end[] __attribute__((visibility("hidden")));                             \
    bool LL_ATON_EC_Network_Init_##name(void) __attribute__((weak));                         \
    bool LL_ATON_EC_Inference_Init_##name(void) __attribute__((weak));                       \
    const struct nj_npu_network nj_npu_network = {                                           \
        LL_ATON_EpochBlockItems_##name,        LL_ATON_Input_Buffers_Info_##name,            \
        LL_ATON_Internal_Buffers_Info_##name,  LL_ATON_Output_Buffers_Info_##name,           \
        LL_ATON_Set_User_Input_Buffer_##name,  LL_ATON_Set_User_Output_Buffer_##name,        \
        LL_ATON_EC_Network_Init_##name,        LL_ATON_EC_Inference_Init_##name,             \
        __ehdr_start,                          _end,                                         \
    };

#endif
