/* The memory protection unit, as on the board `virtual`: whole memories, so that a debugger can load another ELF at any time.
 * SPDX-License-Identifier: MIT
 */
#include <stddef.h>

#include "nj_board.h"

#define READ_WRITE (0u << 1) /* RBAR.AP, privileged */
#define READ_ONLY (2u << 1)
#define NEVER_EXECUTE 1u
#define NORMAL (0u << 1) /* RLAR.AttrIndx */
#define DEVICE (1u << 1)
#define ENABLE 1u

struct region {
    uint32_t base;
    uint32_t limit; /* last byte */
    uint32_t access;
    uint32_t kind;
};

static const struct region regions[] = {
    {NJ_AXISRAM1, NJ_CONSTANTS - 1u, READ_ONLY, NORMAL}, /* vectors and code */
    {NJ_CONSTANTS, NJ_APPLICATION_END - 1u, READ_ONLY | NEVER_EXECUTE, NORMAL},
    {NJ_APPLICATION_END, NJ_CACHEAXI_RAM - 1u, READ_WRITE | NEVER_EXECUTE, NORMAL}, /* data */
    {NJ_DTCM, NJ_DTCM + NJ_DTCM_BYTES - 1u, READ_WRITE | NEVER_EXECUTE, NORMAL}, /* stacks */
    {0x40000000u, 0x5FFFFFFFu, READ_WRITE | NEVER_EXECUTE, DEVICE}, /* peripherals */
    {NJ_NOR, NJ_NOR + 0x0FFFFFFFu, READ_ONLY | NEVER_EXECUTE, NORMAL},
};

void nj_mpu_start(void) {
    MPU_CTRL = 0;
    MPU_MAIR0 = 0x00FFu; /* 0: normal, write-back; 1: device nGnRnE */
    const uint32_t count = sizeof regions / sizeof regions[0];
    const uint32_t there = (MPU_TYPE >> 8) & 0xFFu;
    for (uint32_t i = 0; i < there; ++i) {
        MPU_RNR = i;
        MPU_RLAR = 0; /* whoever started us may have left one, and what two regions name faults */
        if (i < count) {
            MPU_RBAR = regions[i].base | regions[i].access;
            MPU_RLAR = (regions[i].limit & ~31u) | regions[i].kind | ENABLE;
        }
    }
    MPU_CTRL = ENABLE; /* no default map for privileged code; the handlers of faults see the same rules */
    __asm__ volatile("dsb\n isb" : : : "memory");
}
