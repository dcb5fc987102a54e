/*
 * What the core's data cache holds of AXISRAM, and what lies behind it. QEMU's core has no cache: its memory is what the core
 * sees. Here is what the memory itself holds, which is what the NPU sees, and what the core's copy of it was when both were last
 * the same.
 *
 * Conservative: every line that the core touches while the cache is on stays there until it is written back or dropped; silicon
 * may evict it at any time, so that firmware which forgets an operation may be right there by chance. What the MPU does not have
 * cached is the same on both sides around each epoch.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "nightjar_n6.h"
#include "nj_layout.h"
#include "hw/core/cpu.h"
#include "target/arm/cpu.h"

#define BYTES (NJ_AXISRAM6 + NJ_AXISRAM3_TO_6_EACH_BYTES - NJ_AXISRAM1)
#define LINE 32
#define SETS 256

static struct {
    N6 *chip;
    bool on;
    uint8_t *memory; /* as it is behind the cache */
    uint8_t *before; /* the core's side when they were last the same */
} overlay;

static uint8_t *core(void)
{
    return overlay.chip->rams[0].content;
}

static void write_back(uint32_t line)
{
    if (memcmp(core() + line, overlay.before + line, LINE)) {
        memcpy(overlay.memory + line, core() + line, LINE);
        memcpy(overlay.before + line, core() + line, LINE);
    }
}

static void drop(uint32_t line)
{
    memcpy(core() + line, overlay.memory + line, LINE);
    memcpy(overlay.before + line, overlay.memory + line, LINE);
}

bool n6_overlay_line(uint32_t address, bool writes_back, bool drops)
{
    uint32_t line = ((address | 0x10000000) - NJ_AXISRAM1) & ~(LINE - 1u);
    bool lost;

    if (!overlay.on || line >= BYTES) {
        return false;
    }
    if (writes_back) {
        write_back(line);
    }
    lost = memcmp(core() + line, overlay.before + line, LINE);
    if (drops) {
        drop(line);
    }
    return lost && drops;
}

void n6_overlay_set(unsigned set, bool drops)
{
    for (uint32_t line = set * LINE; overlay.on && line < BYTES; line += SETS * LINE) {
        write_back(line);
        if (drops) {
            drop(line);
        }
    }
}

void n6_overlay_begin(N6 *chip)
{
    if (overlay.on) {
        return;
    }
    overlay.chip = chip;
    if (!overlay.memory) {
        overlay.memory = g_malloc(BYTES);
        overlay.before = g_malloc(BYTES);
    }
    memcpy(overlay.memory, core(), BYTES);
    memcpy(overlay.before, core(), BYTES);
    overlay.on = true;
}

void n6_overlay_end(void)
{
    for (unsigned set = 0; set < SETS; set++) {
        n6_overlay_set(set, true);
    }
    overlay.on = false;
}

void n6_overlay_forget(void)
{
    overlay.on = false;
}

uint8_t *n6_overlay_memory(N6 *chip)
{
    return overlay.on ? overlay.memory : chip->rams[0].content;
}

bool n6_overlay_differs(uint32_t from, uint32_t bytes, uint32_t *first)
{
    if (!overlay.on || !memcmp(core() + from, overlay.before + from, bytes)) {
        return false;
    }
    for (*first = from; core()[*first] == overlay.before[*first]; ++*first) {
    }
    *first += NJ_AXISRAM1;
    return true;
}

/* Where the MPU's attribute `index` has memory not cached: device memory, or normal memory whose outer side is not. */
static bool uncached(CPUARMState *env, unsigned index)
{
    uint32_t word = index < 4 ? env->pmsav8.mair0[M_REG_S] : env->pmsav8.mair1[M_REG_S];
    uint8_t attribute = word >> (8 * (index & 3));

    return attribute >> 4 == 0 || attribute >> 4 == 4;
}

void n6_overlay_share(bool to_memory)
{
    CPUARMState *env = &ARM_CPU(first_cpu)->env;

    if (!overlay.on || !(env->v7m.mpu_ctrl[M_REG_S] & 1)) {
        return;
    }
    for (unsigned i = 0; i < ARM_CPU(first_cpu)->pmsav7_dregion; i++) {
        uint32_t limit = env->pmsav8.rlar[M_REG_S][i];
        uint32_t from = (env->pmsav8.rbar[M_REG_S][i] & ~31u) | 0x10000000, to = (limit | 31u) | 0x10000000;

        if (!(limit & 1) || !uncached(env, limit >> 1 & 7) || from > to || from < NJ_AXISRAM1 || to - NJ_AXISRAM1 >= BYTES) {
            continue;
        }
        from -= NJ_AXISRAM1;
        to = to - NJ_AXISRAM1 + 1;
        if (to_memory) {
            memcpy(overlay.memory + from, core() + from, to - from);
        } else {
            memcpy(core() + from, overlay.memory + from, to - from);
        }
        memcpy(overlay.before + from, core() + from, to - from);
    }
}
