/* Our runtime: what network.c says of an epoch becomes a record (nj_npu_calls.c, the one that the executor uses), the record
 * becomes registers, and the core sleeps until the engines that write have told that they are done.
 * SPDX-License-Identifier: MIT
 */
#include "nj_npu_runtime.h"

#include "nj_npu_connection.h"
#include "nj_npu_encode.h"
#include "nj_npu_host.h"
#include "nj_npu_memory.h"
#include "nj_npu_port.h"
#include "nj_npu_stop.h"

#define CLOCKS_CTRL NJ_NPU(0x00)
#define CLOCKS_INFRASTRUCTURE(i) NJ_NPU(0x08u + 4u * (i))
#define CLOCKS_UNITS NJ_NPU(0x10)
#define INTERRUPTS 0x1000u
#define INTERRUPTS_CTRL NJ_NPU(INTERRUPTS)
#define INTERRUPTS_LATCHED NJ_NPU(INTERRUPTS + 0x08u)
#define INTERRUPTS_CLEAR NJ_NPU(INTERRUPTS + 0x10u)
#define INTERRUPTS_ANY0 NJ_NPU(INTERRUPTS + 0x14u)
#define INTERRUPTS_ALL0 NJ_NPU(INTERRUPTS + 0x24u)
#define INTERFACE_CTRL(i) NJ_NPU(0x2000u + 0x1000u * (i))
#define ENGINE_TOLD(i) NJ_NPU(0x503Cu + 0x1000u * (i))
#define CONTROLLER 0x1E000u
#define CONTROLLER_CTRL NJ_NPU(CONTROLLER)
#define CONTROLLER_ADDRESS NJ_NPU(CONTROLLER + 0x08u)
#define CONTROLLER_TOLD NJ_NPU(CONTROLLER + 0x0Cu)
#define ENABLE 1u
#define ALL_ENGINES ((1u << NJ_NPU_STREAMS) - 1u)
#define CONTROLLER_DONE (1u << 28)
#define NOBODY 0xFFFFFFFFu

struct nj_npu_epoch nj_npu_epoch;

static const LL_ATON_RT_EpochBlockItem_t *blocks;
static const LL_ATON_RT_EpochBlockItem_t *next;

void nj_npu_runtime_start(void) {
    CLOCKS_CTRL = ENABLE;
    CLOCKS_INFRASTRUCTURE(0u) = 0xFFFFFFFFu;
    CLOCKS_INFRASTRUCTURE(1u) = 0xFFFFFFFFu;
    CLOCKS_UNITS = 0xFFFFFFFFu;
    INTERFACE_CTRL(0u) = ENABLE;
    INTERFACE_CTRL(1u) = ENABLE;
    nj_npu_clear(INTERRUPTS);
    INTERRUPTS_ANY0 = ALL_ENGINES; /* errors and the controller raise the line, an engine's end alone does not */
    INTERRUPTS_ALL0 = NOBODY;
    INTERRUPTS_CTRL = ENABLE;
    blocks = nj_npu_connection.blocks();
    next = blocks;
    if (nj_npu_connection.prepare != NULL && !nj_npu_connection.prepare()) {
        nj_npu_refuse_call("LL_ATON_EC_Network_Init", "result", 0);
    }
}

void nj_npu_runtime_begin(void) {
    if (nj_npu_connection.prepare_run != NULL && !nj_npu_connection.prepare_run()) {
        nj_npu_refuse_call("LL_ATON_EC_Inference_Init", "result", 0);
    }
    nj_npu_write_back();
    nj_npu_clean_all(); /* programs whose addresses have been set */
    next = blocks;
}

uint32_t nj_npu_runtime_next(void) {
    return (uint32_t)(next - blocks);
}

/* What has told that it is done, by now; errors are told on the same line. */
static uint32_t take_interrupt(void) {
    const uint32_t latched = INTERRUPTS_LATCHED;
    for (uint32_t i = 0; i < NJ_NPU_STREAMS; ++i) {
        if ((latched >> i & 1u) != 0) {
            ENGINE_TOLD(i) = ENGINE_TOLD(i);
        }
    }
    if ((latched & CONTROLLER_DONE) != 0) {
        CONTROLLER_TOLD = CONTROLLER_TOLD;
    }
    INTERRUPTS_CLEAR = latched;
    nj_npu_seen();
    if ((latched & ~(ALL_ENGINES | CONTROLLER_DONE)) != 0) {
        nj_npu_refuse_call("an interrupt", "INTREG", latched);
    }
    return latched;
}

static void wait_for(uint32_t wanted) {
    for (uint32_t told = 0; (told & wanted) != wanted; told |= take_interrupt()) {
        if (!nj_npu_sleep(NJ_NPU_PATIENCE_MS)) {
            nj_npu_stop_late(nj_npu_runtime_next(), wanted & ALL_ENGINES);
        }
    }
}

static uint32_t writing_engines(void) {
    uint32_t engines = 0;
    for (uint32_t i = 0; i < NJ_NPU_STREAMS; ++i) {
        if ((nj_npu_epoch.enabled[NJ_NPU_STREAM] >> i & 1u) != 0 && nj_npu_epoch.stream[i].writes) {
            engines |= 1u << i;
        }
    }
    return engines;
}

static void run_epoch(void) {
    const uint32_t engines = writing_engines();
    if (engines == 0) {
        nj_npu_refuse_call("LL_ATON_EnableUnits_Init", "engines that write", 0);
    }
    INTERRUPTS_ALL0 = ~engines;
    nj_npu_start_epoch(&nj_npu_epoch);
    wait_for(engines);
    INTERRUPTS_ALL0 = NOBODY;
    nj_npu_end_epoch(&nj_npu_epoch);
}

static void run_program(void) {
    if ((next->flags & EpochBlock_Flags_blob_encrypted) != 0) {
        nj_npu_refuse_call("an epoch controller program", "blob_encrypted", nj_npu_runtime_next());
    }
    CONTROLLER_ADDRESS = (uint32_t)next->blob_address;
    CONTROLLER_CTRL = ENABLE;
    wait_for(CONTROLLER_DONE);
    nj_npu_clear(CONTROLLER);
    CLOCKS_UNITS = 0xFFFFFFFFu; /* programs gate the clocks of what they have used */
}

static bool any_enabled(void) {
    uint32_t enabled = 0;
    for (uint32_t kind = 0; kind < NJ_NPU_KINDS; ++kind) {
        enabled |= nj_npu_epoch.enabled[kind];
    }
    return enabled != 0;
}

static void call(EpochBlock_FuncPtr_t function) {
    if (function != NULL) {
#if NJ_NPU_INSTANCE
        function(next, NULL);
#else
        function(next);
#endif
    }
}

void nj_npu_runtime_run(void) {
    if ((next->flags & EpochBlock_Flags_last_eb) != 0) {
        return;
    }
    memset(&nj_npu_epoch, 0, sizeof nj_npu_epoch);
    call(next->start_epoch_block);
    if ((next->flags & (EpochBlock_Flags_blob | EpochBlock_Flags_blob_encrypted)) != 0) {
        run_program();
    } else if (any_enabled()) {
        run_epoch();
    }
    call(next->end_epoch_block);
    nj_npu_write_back();
    ++next;
}
