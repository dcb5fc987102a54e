/*
 * The core's caches, which QEMU has not: what firmware must do with them. What the data cache holds of AXISRAM is in
 * nightjar_n6_overlay.c. The boot ROM leaves them on, as does whatever firmware does not turn them off.
 *
 * While the data cache is on, or has been and not every line was written back, the newest of the memory may lie there alone: no
 * line of it is to be dropped, no other program to be started by its vectors, no NOR to be changed. And what the instruction
 * cache holds is as old as its last emptying.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "nightjar_n6.h"
#include "qemu/bitmap.h"
#include "hw/core/cpu.h"
#include "hw/sysbus.h"
#if __has_include("system/system.h") /* as of QEMU 10.0 */
#include "system/reset.h"
#else
#include "sysemu/reset.h"
#endif

#define CCR_DC (1u << 16)
#define CCR_IC (1u << 17)
#define SETS 256
#define WAYS 4
#define LINES (SETS * WAYS)
#define CCSIDR (0xF0000001u | (WAYS - 1) << 3 | (SETS - 1) << 13) /* 32 KiB, lines of 32 bytes */
#define SCS 0xE000E000
#define PROGRAM_BYTES 0x100000 /* how near the vectors of one's own are */

static struct {
    uint32_t on; /* IC and DC of CCR */
    bool dirty; /* the data cache may hold what memory does not */
    bool stale; /* the instruction cache may hold what memory no longer does */
    DECLARE_BITMAP(emptied, LINES); /* since DC was turned on or off: written back, or dropped */
    uint8_t ways[SETS]; /* of a set, that have been written back since all of them were */
} caches;

static N6 *the_chip;
static MemoryRegion configuration, vectors, size_of, operations, *registers;

static MemTxResult forward_read(hwaddr offset, uint64_t *value, unsigned size, MemTxAttrs attributes)
{
    return memory_region_dispatch_read(registers, offset, value, size_memop(size) | MO_TE, attributes);
}

static MemTxResult forward_write(hwaddr offset, uint64_t value, unsigned size, MemTxAttrs attributes)
{
    return memory_region_dispatch_write(registers, offset, value, size_memop(size) | MO_TE, attributes);
}

bool n6_data_cache(void)
{
    return caches.on & CCR_DC || caches.dirty;
}

static MemTxResult configuration_read(void *opaque, hwaddr at, uint64_t *value, unsigned size, MemTxAttrs attributes)
{
    MemTxResult result = forward_read(0xD14 + at, value, size, attributes);

    if (size == 4) {
        *value |= caches.on;
    }
    return result;
}

static MemTxResult configuration_write(void *opaque, hwaddr at, uint64_t value, unsigned size, MemTxAttrs attributes)
{
    if (size == 4) {
        uint32_t before = caches.on;

        caches.on = value & (CCR_IC | CCR_DC);
        if ((before ^ caches.on) & CCR_DC) {
            bitmap_zero(caches.emptied, LINES);
            if (caches.on & CCR_DC) {
                n6_overlay_begin(the_chip);
            }
        }
        caches.dirty |= caches.on & CCR_DC;
        caches.stale |= caches.on & ~before & CCR_IC;
    }
    return forward_write(0xD14 + at, value, size, attributes);
}

static MemTxResult vectors_read(void *opaque, hwaddr at, uint64_t *value, unsigned size, MemTxAttrs attributes)
{
    return forward_read(0xD08 + at, value, size, attributes);
}

/* Who points VTOR at another program is about to start it. */
static MemTxResult vectors_write(void *opaque, hwaddr at, uint64_t value, unsigned size, MemTxAttrs attributes)
{
    uint32_t to = value;

    if (current_cpu && to / PROGRAM_BYTES != n6_program_counter() / PROGRAM_BYTES) {
        if (n6_data_cache()) {
            n6_punish(the_chip, "SCB", SCS + 0xD08, "another program is started while the data cache may hold what was copied: "
                      "its lines were not written back (DCCISW) behind CCR.DC's end", to);
        }
        if (caches.on & CCR_IC && caches.stale) {
            n6_punish(the_chip, "SCB", SCS + 0xD08, "another program is started while the instruction cache may hold an older one: "
                      "it was not emptied (ICIALLU)", to);
        }
    }
    return forward_write(0xD08 + at, value, size, attributes);
}

static uint64_t size_read(void *opaque, hwaddr at, unsigned size)
{
    return CCSIDR;
}

static void size_write(void *opaque, hwaddr at, uint64_t value, unsigned size)
{
}

static uint64_t operation_read(void *opaque, hwaddr at, unsigned size)
{
    return 0;
}

static void empty(uint32_t line, bool drops)
{
    unsigned set = line >> 5 & (SETS - 1), way = line >> 30;

    caches.ways[set] |= 1 << way;
    if (caches.ways[set] == (1 << WAYS) - 1) { /* which lines were in which way, nobody knows */
        caches.ways[set] = 0;
        n6_overlay_set(set, drops);
    }
    set_bit(set * WAYS + way, caches.emptied);
    if (bitmap_full(caches.emptied, LINES) && !(caches.on & CCR_DC)) {
        caches.dirty = false;
        n6_overlay_end();
    }
}

/* An operation on the line that has an address. */
static void by_address(uint32_t address, bool writes_back, bool drops)
{
    if (n6_overlay_line(address, writes_back, drops)) {
        n6_note(the_chip, "SCB: a line of the data cache was dropped with what the core had written: %08x (DCIMVAC)",
                address & ~31u);
    }
}

static void operation_write(void *opaque, hwaddr at, uint64_t value, unsigned size)
{
    switch (at) {
    case 0x00: /* ICIALLU */
        caches.stale = n6_data_cache(); /* it would be filled again from what memory does not hold yet */
        break;
    case 0x10: /* DCISW */
        if (n6_data_cache() && current_cpu) {
            n6_punish(the_chip, "SCB", SCS + 0xF60, "a line of the data cache was dropped which may hold the newest of the memory: "
                      "DCCISW would have written it back", value);
        }
        break;
    case 0x1C: /* DCCSW */
    case 0x24: /* DCCISW */
        empty(value, at == 0x24);
        break;
    case 0x0C: /* DCIMVAC */
        by_address(value, false, true);
        break;
    case 0x14: /* DCCMVAU */
    case 0x18: /* DCCMVAC */
        by_address(value, true, false);
        break;
    case 0x20: /* DCCIMVAC */
        by_address(value, true, true);
        break;
    default:
        if (current_cpu) {
            n6_punish(the_chip, "SCB", SCS + 0xF50 + at, "a cache operation that is not listed", value);
        }
    }
}

static const MemoryRegionOps configuration_ops = {
    .read_with_attrs = configuration_read, .write_with_attrs = configuration_write, .endianness = DEVICE_LITTLE_ENDIAN,
    .valid = {.min_access_size = 1, .max_access_size = 4},
};
static const MemoryRegionOps vectors_ops = {
    .read_with_attrs = vectors_read, .write_with_attrs = vectors_write, .endianness = DEVICE_LITTLE_ENDIAN,
    .valid = {.min_access_size = 1, .max_access_size = 4},
};
static const MemoryRegionOps size_ops = {
    .read = size_read, .write = size_write, .endianness = DEVICE_LITTLE_ENDIAN,
    .valid = {.min_access_size = 4, .max_access_size = 4},
};
static const MemoryRegionOps operation_ops = {
    .read = operation_read, .write = operation_write, .endianness = DEVICE_LITTLE_ENDIAN,
    .valid = {.min_access_size = 4, .max_access_size = 4},
};

static void caches_reset(void *opaque)
{
    caches.on = CCR_IC | CCR_DC;
    caches.dirty = caches.stale = true;
    bitmap_zero(caches.emptied, LINES);
    memset(caches.ways, 0, sizeof caches.ways);
    n6_overlay_forget();
}

void n6_caches_start(N6 *chip)
{
    MemoryRegion *core = &chip->cpu.container;

    the_chip = chip;
    registers = sysbus_mmio_get_region(SYS_BUS_DEVICE(&chip->cpu.nvic), 0);
    memory_region_init_io(&configuration, NULL, &configuration_ops, chip, "CCR", 4);
    memory_region_init_io(&vectors, NULL, &vectors_ops, chip, "VTOR", 4);
    memory_region_init_io(&size_of, NULL, &size_ops, chip, "CCSIDR", 4);
    memory_region_init_io(&operations, NULL, &operation_ops, chip, "cache operations", 0x28);
    memory_region_add_subregion_overlap(core, SCS + 0xD08, &vectors, 2);
    memory_region_add_subregion_overlap(core, SCS + 0xD14, &configuration, 2);
    memory_region_add_subregion_overlap(core, SCS + 0xD80, &size_of, 2);
    memory_region_add_subregion_overlap(core, SCS + 0xF50, &operations, 2);
    qemu_register_reset(caches_reset, NULL);
}
