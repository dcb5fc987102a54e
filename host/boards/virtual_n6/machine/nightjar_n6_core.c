/*
 * What QEMU's Cortex-M55 lacks: MEMSYSCTL, DEMCR, and a performance monitor whose cycle counter counts instructions; its caches
 * are in nightjar_n6_caches.c.
 *
 * QEMU answers their addresses with 0 and drops writes, so that a counter that nobody started counts nothing in silence; this
 * one counts when CTRL, CNTENSET and DEMCR.TRCENA say so (DDI0553), and a register that is not listed here ends the run.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "nightjar_n6.h"
#include "hw/core/cpu.h"
#if __has_include("system/system.h") /* as of QEMU 10.0 */
#include "system/cpu-timers.h"
#include "system/reset.h"
#else
#include "sysemu/cpu-timers.h"
#include "sysemu/reset.h"
#endif
#include "qemu/timer.h"

#define TRCENA (1u << 24)

static struct {
    uint32_t memory[6]; /* MEMSYSCTL, by word */
    uint32_t demcr;
    uint32_t enabled; /* CNTENSET */
    uint32_t control; /* CTRL */
    uint32_t overflowed;
    int64_t begun; /* the count at which the counter was 0, as far as it ran */
    uint32_t stopped_at;
    bool runs;
} core;

static MemoryRegion memory_control, monitor, debug_control;

/* What no list names ends the run, unless it is a debugger that looks. */
static uint32_t unlisted(N6 *chip, const char *block, uint32_t address, const char *how, uint32_t value)
{
    if (current_cpu) {
        g_autofree char *text = g_strdup_printf("a register that is not listed was %s", how);

        n6_punish(chip, block, address, text, value);
    }
    return 0;
}

static int64_t instructions(void)
{
    return icount_enabled() ? icount_get_raw() : qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL);
}

static uint32_t counter(void)
{
    if (!core.runs) {
        return core.stopped_at;
    }
    int64_t count = instructions() - core.begun;

    if (count >> 32) {
        core.overflowed |= 1u << 31;
        core.begun += count >> 32 << 32;
    }
    return count;
}

static void count_from(uint32_t value)
{
    core.stopped_at = value;
    core.begun = instructions() - value;
}

static void update(void)
{
    bool runs = core.control & 1 && core.enabled >> 31 && core.demcr & TRCENA;

    if (runs != core.runs) {
        uint32_t now = counter();

        core.runs = runs;
        count_from(now);
    }
}

static uint64_t monitor_read(void *opaque, hwaddr at, unsigned size)
{
    switch (at) {
    case 0x07C:
        return counter();
    case 0xC00:
    case 0xC20:
        return core.enabled;
    case 0xC80:
    case 0xCC0:
        counter();
        return core.overflowed;
    case 0xE04:
        return core.control;
    default:
        return unlisted(opaque, "PMU", 0xE0003000 + at, "read", 0);
    }
}

static void monitor_write(void *opaque, hwaddr at, uint64_t value, unsigned size)
{
    switch (at) {
    case 0x07C:
        count_from(value);
        break;
    case 0xC00:
        core.enabled |= value & 1u << 31;
        break;
    case 0xC20:
        core.enabled &= ~value;
        break;
    case 0xC80:
        counter();
        core.overflowed &= ~value;
        break;
    case 0xE04:
        core.control = value & 1;
        if (value & 4) {
            count_from(0);
        }
        if (core.control & 1 && !(core.demcr & TRCENA)) {
            n6_punish(opaque, "PMU", 0xE0003E04, "it was enabled while DEMCR.TRCENA is 0, and so counts nothing", value);
        }
        break;
    default:
        unlisted(opaque, "PMU", 0xE0003000 + at, "written", value);
    }
    update();
}

/* MSCR, PFCR, ITCMCR, DTCMCR, PAHBCR (Cortex-M55 TRM, 101051): the bits that can be written. */
static const uint32_t memory_control_bits[ARRAY_SIZE(core.memory)] = {
    [0] = 0x0000301F, [1] = 0x000003FF, [4] = 0x00000001, [5] = 0x00000001,
};

static uint64_t memory_control_read(void *opaque, hwaddr at, unsigned size)
{
    if (at / 4 >= ARRAY_SIZE(core.memory) || !memory_control_bits[at / 4]) {
        return unlisted(opaque, "MEMSYSCTL", 0xE001E000 + at, "read", 0);
    }
    return core.memory[at / 4];
}

static void memory_control_write(void *opaque, hwaddr at, uint64_t value, unsigned size)
{
    if (at / 4 >= ARRAY_SIZE(core.memory) || !memory_control_bits[at / 4]) {
        unlisted(opaque, "MEMSYSCTL", 0xE001E000 + at, "written", value);
        return;
    }
    if ((value ^ core.memory[at / 4]) & ~memory_control_bits[at / 4]) {
        n6_punish(opaque, "MEMSYSCTL", 0xE001E000 + at, "write of a bit that is not listed", value);
    }
    core.memory[at / 4] = value;
}

static uint64_t debug_control_read(void *opaque, hwaddr at, unsigned size)
{
    return core.demcr;
}

static void debug_control_write(void *opaque, hwaddr at, uint64_t value, unsigned size)
{
    core.demcr = value & TRCENA;
    update();
}

static const MemoryRegionOps monitor_ops = {
    .read = monitor_read, .write = monitor_write, .endianness = DEVICE_LITTLE_ENDIAN,
    .valid = {.min_access_size = 4, .max_access_size = 4},
};
static const MemoryRegionOps memory_control_ops = {
    .read = memory_control_read, .write = memory_control_write, .endianness = DEVICE_LITTLE_ENDIAN,
    .valid = {.min_access_size = 4, .max_access_size = 4},
};

static const MemoryRegionOps debug_control_ops = {
    .read = debug_control_read, .write = debug_control_write, .endianness = DEVICE_LITTLE_ENDIAN,
    .valid = {.min_access_size = 4, .max_access_size = 4},
};
static void core_reset(void *opaque)
{
    memset(&core, 0, sizeof core);
}

void n6_core_start(N6 *chip)
{
    memory_region_init_io(&monitor, NULL, &monitor_ops, chip, "PMU", 0x1000);
    memory_region_init_io(&memory_control, NULL, &memory_control_ops, chip, "MEMSYSCTL", 0x1000);
    memory_region_init_io(&debug_control, NULL, &debug_control_ops, chip, "DEMCR", 4);
    memory_region_add_subregion_overlap(&chip->cpu.container, 0xE000EDFC, &debug_control, 2);
    memory_region_add_subregion_overlap(&chip->cpu.container, 0xE0003000, &monitor, 1);
    memory_region_add_subregion_overlap(&chip->cpu.container, 0xE001E000, &memory_control, 1);
    qemu_register_reset(core_reset, NULL);
}
