/* ST's runtime: ll_aton starts and ends epochs, and its handler of the NPU's interrupt is called when that pends; how long
 * an epoch may last is ours to say.
 * SPDX-License-Identifier: MIT
 */
#include "nj_npu_runtime.h"

#include <stdbool.h>

#include "ll_aton_runtime.h"
#include "nj_npu_port.h"
#include "nj_npu_stop.h"

/* Defined behind network.c, in one file with it. */
extern NN_Instance_TypeDef *const nj_npu_instance;

void NPU0_IRQHandler(void);

static const LL_ATON_RT_EpochBlockItem_t *blocks;
static uint32_t running; /* while another list may be the current one */

static void wait(uint32_t engines) {
    if (!nj_npu_sleep(NJ_NPU_PATIENCE_MS)) {
        nj_npu_stop_late(running, engines);
    }
    NPU0_IRQHandler();
    nj_npu_seen();
}

void nj_npu_st_wait(void) {
    wait(0);
}

void nj_npu_runtime_start(void) {
    LL_ATON_RT_RuntimeInit();
    LL_ATON_RT_Init_Network(nj_npu_instance);
    blocks = nj_npu_instance->network->epoch_block_items();
}

void nj_npu_runtime_begin(void) {
    LL_ATON_RT_Reset_Network(nj_npu_instance);
    nj_npu_clean_all(); /* programs whose addresses have been set */
}

/* Whether the network, and not a list of blocks that its library has put in between, is behind block `number`. */
static bool is_behind(uint32_t number) {
    return nj_npu_instance->exec_state.saved_current_epoch_block == NULL &&
           nj_npu_instance->exec_state.next_epoch_block == NULL &&
           nj_npu_instance->exec_state.current_epoch_block == &blocks[number + 1u];
}

/* network.c drops lines before the NPU writes there; what the core has fetched since, of its own accord, is old. */
static void drop_what_is_old(uint32_t number) {
    if (!EpochBlock_IsEpochPureHW(&blocks[number])) {
        nj_npu_drop_all();
    }
}

uint32_t nj_npu_runtime_next(void) {
    return (uint32_t)(nj_npu_instance->exec_state.current_epoch_block - blocks);
}

void nj_npu_runtime_run(void) {
    running = nj_npu_runtime_next();
    drop_what_is_old(running);
    while (!is_behind(running)) {
        const LL_ATON_RT_RetValues_t told = LL_ATON_RT_RunEpochBlock(nj_npu_instance);
        if (told == LL_ATON_RT_WFE) {
            const LL_ATON_RT_EpochBlockItem_t *const now = nj_npu_instance->exec_state.current_epoch_block;
            wait(EpochBlock_IsEpochBlob(now) ? 0 : now->wait_mask);
        } else if (told == LL_ATON_RT_DONE) {
            return;
        }
    }
}
