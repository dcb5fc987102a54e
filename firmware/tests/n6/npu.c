/* A program that runs epochs on the NPU as a driver does: clocks, RAM, RIF, caches, interrupt; registers written one by one, then
 * the same epochs as a program of the epoch controller; the core sleeps until the interrupt. It ends in a loop with r4 FOUND and
 * r5 how many bytes of the results are not the expected ones, or r4 LATE where the NPU did not say that it is done.
 *
 * npu_epochs.h is made by the test: the register writes, the program, tensors and constants.
 * SPDX-License-Identifier: MIT
 */
#include "nj_end.h"

struct npu_write {
    uint32_t offset;
    uint32_t value;
};
struct npu_epoch {
    const struct npu_write *start; /* settings, and what enables the units */
    uint32_t starts;
    const struct npu_write *end;
    uint32_t ends;
    uint32_t engines; /* that write: all of them must be done */
};
struct npu_bytes {
    uint8_t *where;
    const uint8_t *bytes;
    uint32_t size;
};

#include "npu_epochs.h"

#define FOUND 0x600Du
#define LATE 0x1A7Eu
#define NPU(offset) NJ_REGISTER(0x580E0000u + (offset))
#define CLOCKS_CTRL NPU(0x00)
#define CLOCKS_INFRASTRUCTURE(i) NPU(0x08 + 4u * (i))
#define CLOCKS_UNITS NPU(0x10)
#define INTERRUPTS_CTRL NPU(0x1000)
#define INTERRUPTS_LATCHED NPU(0x1008)
#define INTERRUPTS_CLEAR NPU(0x1010)
#define INTERRUPTS_ANY0 NPU(0x1014)
#define INTERRUPTS_ALL0 NPU(0x1024)
#define INTERFACE_CTRL(i) NPU(0x2000u + 0x1000u * (i))
#define ENGINE_TOLD(i) NPU(0x503Cu + 0x1000u * (i))
#define CONTROLLER_CTRL NPU(0x1E000)
#define CONTROLLER_ADDRESS NPU(0x1E008)
#define CONTROLLER_TOLD NPU(0x1E00C)
#define ENGINES 10u
#define ALL_ENGINES 0x3FFu
#define CONTROLLER_DONE (1u << 28)
#define ENABLE 1u
#define CLEAR (1u << 1)
#define CLEAR_SETTINGS (1u << 30)

#define RIFSC_RIMC_NPU NJ_REGISTER(0x54024C14u)
#define RIMC_AS_THE_CORE 0x310u /* privileged, secure, compartment 1 */
#define PATIENCE 0xFFFFFFu /* of SysTick */

/* No .bss here: words of AXISRAM1 that nothing else uses. */
#define told NJ_REGISTER(0x34078000u)
#define late NJ_REGISTER(0x34078004u)

static void npu_done(void) {
    const uint32_t latched = INTERRUPTS_LATCHED;
    for (uint32_t i = 0; i < ENGINES; ++i) {
        if ((latched >> i & 1u) != 0) {
            ENGINE_TOLD(i) = ENGINE_TOLD(i);
        }
    }
    if ((latched & CONTROLLER_DONE) != 0) {
        CONTROLLER_TOLD = CONTROLLER_TOLD;
    }
    INTERRUPTS_CLEAR = latched;
    told |= latched;
    __asm__ volatile("dsb" : : : "memory");
}

static void tick(void) {
    late = 1;
}

__attribute__((aligned(1024))) static void (*const vectors[16u + NJ_INTERRUPTS])(void) = {
    [0 ... 14] = nj_bare_stop,
    [15] = tick,
    [16 ... 15u + NJ_IRQ_NPU0] = nj_bare_stop,
    [16u + NJ_IRQ_NPU0] = npu_done,
    [17u + NJ_IRQ_NPU0 ... 15u + NJ_INTERRUPTS] = nj_bare_stop,
};

static void start_npu(void) {
    RCC_AHB3ENSR = RCC_AHB3_RIFSC;
    RCC_AHB5ENSR = RCC_AHB5_NPU;
    RCC_AHB5LPENSR = RCC_AHB5_NPU;
    (void)RCC_AHB5ENR;
    RIFSC_RIMC_NPU = RIMC_AS_THE_CORE;
    RCC_AHB5RSTSR = RCC_AHB5_NPU;
    RCC_AHB5RSTCR = RCC_AHB5_NPU;
    CLOCKS_CTRL = ENABLE;
    CLOCKS_INFRASTRUCTURE(0u) = 0xFFFFFFFFu;
    CLOCKS_INFRASTRUCTURE(1u) = 0xFFFFFFFFu;
    CLOCKS_UNITS = 0xFFFFFFFFu;
    INTERFACE_CTRL(0u) = ENABLE;
    INTERFACE_CTRL(1u) = ENABLE;
    INTERRUPTS_CTRL = CLEAR;
    INTERRUPTS_CTRL = CLEAR_SETTINGS;
    INTERRUPTS_ANY0 = ALL_ENGINES; /* their errors and the controller, not their ends */
    INTERRUPTS_ALL0 = 0xFFFFFFFFu;
    INTERRUPTS_CTRL = ENABLE;
}

static void start_interrupts(void) {
    for (uint32_t irq = 0; irq < NJ_INTERRUPTS; irq += 32u) {
        NVIC_DISABLE(irq) = 0xFFFFFFFFu;
        NVIC_UNPEND(irq) = 0xFFFFFFFFu;
    }
    SCB_VTOR = (uint32_t)(uintptr_t)vectors;
    NVIC_ENABLE(NJ_IRQ_NPU0) = NVIC_BIT(NJ_IRQ_NPU0);
    __asm__ volatile("dsb\n isb\n cpsie i" : : : "memory");
}

/* Sleeps until all of `wanted` have said that they are done. */
static void wait_for(uint32_t wanted) {
    late = 0;
    SYST_RVR = PATIENCE;
    SYST_CVR = 0;
    SYST_CSR = SYST_CSR_ENABLE | SYST_CSR_CLKSOURCE | SYST_CSR_TICKINT;
    while ((told & wanted) != wanted) {
        if (late != 0) {
            end(LATE, told, 0);
        }
        __asm__ volatile("wfe" : : : "memory");
    }
    SYST_CSR = 0;
}

static void write_all(const struct npu_write *writes, uint32_t count) {
    for (uint32_t i = 0; i < count; ++i) {
        NPU(writes[i].offset) = writes[i].value;
    }
}

/* One cache operation on each line of a tensor, which has them to itself. */
static void each_line(volatile uint32_t *operation, const struct npu_bytes *what) {
    const uint32_t begin = (uint32_t)(uintptr_t)what->where;
    for (uint32_t at = begin & ~31u; at < begin + what->size; at += 32u) {
        *operation = at;
    }
    __asm__ volatile("dsb" : : : "memory");
}

static void put(const struct npu_bytes *what, uint32_t count, bool zeros) {
    for (uint32_t i = 0; i < count; ++i) {
        for (uint32_t k = 0; k < what[i].size; ++k) {
            ((volatile uint8_t *)what[i].where)[k] = zeros ? 0 : what[i].bytes[k];
        }
    }
    __asm__ volatile("dsb" : : : "memory");
    for (uint32_t i = 0; i < count; ++i) {
        each_line(&SCB_DCCMVAC, &what[i]); /* for the NPU */
    }
}

static uint32_t wrong(void) {
    uint32_t found = 0;
    for (uint32_t i = 0; i < sizeof npu_expected / sizeof npu_expected[0]; ++i) {
        each_line(&SCB_DCIMVAC, &npu_expected[i]); /* for the core */
    }
    for (uint32_t i = 0; i < sizeof npu_expected / sizeof npu_expected[0]; ++i) {
        for (uint32_t k = 0; k < npu_expected[i].size; ++k) {
            found += ((volatile uint8_t *)npu_expected[i].where)[k] != npu_expected[i].bytes[k];
        }
    }
    return found;
}

static void run_by_registers(void) {
    for (uint32_t i = 0; i < sizeof npu_epochs / sizeof npu_epochs[0]; ++i) {
        const struct npu_epoch *epoch = &npu_epochs[i];
        told = 0;
        INTERRUPTS_ALL0 = ~epoch->engines;
        write_all(epoch->start, epoch->starts);
        wait_for(epoch->engines);
        write_all(epoch->end, epoch->ends);
        INTERRUPTS_ALL0 = 0xFFFFFFFFu;
    }
}

static void run_by_program(void) {
    told = 0;
    CONTROLLER_ADDRESS = (uint32_t)(uintptr_t)npu_program;
    CONTROLLER_CTRL = ENABLE;
    wait_for(CONTROLLER_DONE);
    CONTROLLER_CTRL = CLEAR;
    CONTROLLER_CTRL = CLEAR_SETTINGS;
}

static void nj_bare_main(void) {
    nj_supply_start();
    nj_clock_start();
    nj_memory_start();
    nj_cache_start();
    start_npu();
    start_interrupts();
    put(npu_given, sizeof npu_given / sizeof npu_given[0], false);
    put(npu_expected, sizeof npu_expected / sizeof npu_expected[0], true);
    run_by_registers();
    uint32_t differ = wrong();
    put(npu_expected, sizeof npu_expected / sizeof npu_expected[0], true);
    run_by_program();
    differ += wrong();
    end(FOUND, differ, 0);
}
