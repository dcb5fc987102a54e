/* The memory protection unit. QEMU lets a null pointer read the ITCM's alias and code be written, unless this says no.
 *
 * Whole memories, not only what this ELF fills, so that a debugger can load another one at any time.
 * SPDX-License-Identifier: MIT
 */
#include <stddef.h>

#include "nj_board.h"

#define MPU_CTRL NJ_REGISTER(0xE000ED94)
#define MPU_RNR NJ_REGISTER(0xE000ED98)
#define MPU_RBAR NJ_REGISTER(0xE000ED9C)
#define MPU_RLAR NJ_REGISTER(0xE000EDA0)
#define MPU_MAIR0 NJ_REGISTER(0xE000EDC0)

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
    {0x10000000, 0x1007FFFF, READ_ONLY, NORMAL}, /* ITCM: vectors and code */
    {0x30000000, 0x3007FFFF, READ_WRITE | NEVER_EXECUTE, NORMAL}, /* DTCM: stacks */
    {0x31000000, 0x311FFFFF, READ_WRITE | NEVER_EXECUTE, NORMAL}, /* SRAM */
    {0x40000000, 0x5FFFFFFF, READ_WRITE | NEVER_EXECUTE, DEVICE}, /* peripherals */
    {0x70000000, 0x77FFFFFF, READ_ONLY | NEVER_EXECUTE, NORMAL}, /* DDR, lower half: constants */
    {0x78000000, 0x7FFFFFFF, READ_WRITE | NEVER_EXECUTE, NORMAL}, /* DDR, upper half */
};

void nj_mpu_start(void) {
    MPU_CTRL = 0;
    MPU_MAIR0 = 0x00FFu; /* 0: normal, write-back; 1: device nGnRnE */
    for (uint32_t i = 0; i < sizeof regions / sizeof regions[0]; ++i) {
        MPU_RNR = i;
        MPU_RBAR = regions[i].base | regions[i].access;
        MPU_RLAR = (regions[i].limit & ~31u) | regions[i].kind | ENABLE;
    }
    MPU_CTRL = ENABLE; /* no default map for privileged code; the handlers of faults see the same rules */
    __asm__ volatile("dsb\n isb" : : : "memory");
}
