/*
 * What QEMU's Cortex-M55 lacks: MEMSYSCTL, and a performance monitor whose cycle counter counts instructions.
 *
 * QEMU answers their addresses with 0 and drops writes, so that a counter that nobody started counts nothing in silence; this
 * one starts only when it is enabled (DDI0553: DEMCR.TRCENA is not looked at).
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "nightjar_n6.h"
#include "sysemu/cpu-timers.h"
#include "sysemu/reset.h"
#include "qemu/timer.h"

static struct {
    uint32_t mscr;
    uint32_t enabled; /* CNTENSET */
    uint32_t control; /* CTRL */
    uint32_t overflowed;
    int64_t begun; /* the count at which the counter was 0, as far as it ran */
    uint32_t stopped_at;
    bool runs;
} core;

static MemoryRegion memory_control, monitor;

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
    bool runs = core.control & 1 && core.enabled >> 31;

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
        return 0; /* as QEMU, until firmware uses more of it */
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
        break;
    }
    update();
}

static uint64_t memory_control_read(void *opaque, hwaddr at, unsigned size)
{
    return at == 0 ? core.mscr : 0;
}

static void memory_control_write(void *opaque, hwaddr at, uint64_t value, unsigned size)
{
    if (at == 0) {
        core.mscr = value & 0x3000; /* ICACTIVE, DCACTIVE */
    }
}

static const MemoryRegionOps monitor_ops = {
    .read = monitor_read, .write = monitor_write, .endianness = DEVICE_LITTLE_ENDIAN,
    .valid = {.min_access_size = 4, .max_access_size = 4},
};
static const MemoryRegionOps memory_control_ops = {
    .read = memory_control_read, .write = memory_control_write, .endianness = DEVICE_LITTLE_ENDIAN,
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
    memory_region_add_subregion_overlap(&chip->cpu.container, 0xE0003000, &monitor, 1);
    memory_region_add_subregion_overlap(&chip->cpu.container, 0xE001E000, &memory_control, 1);
    qemu_register_reset(core_reset, NULL);
}
