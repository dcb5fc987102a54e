/*
 * RIFSC and RISAF: who may touch what. The core is compartment 1, secure and privileged, and everything lets it after a reset.
 * A region of RISAF2 (AXISRAM1), 3 (AXISRAM2) and 6 (AXISRAM3 to 6) that is enabled and does not let it gives zero and forgets
 * what is written, and so does RIFSC for the masters of NPU and SDMMC2 unless they are as the core; the other RISAF are registers.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "nightjar_n6.h"
#include "nj_layout.h"
#include "hw/core/cpu.h"

#define RIFSC 0x54024000
#define RISAF1 0x54026000
#define STEP 0x1000 /* from a RISAF to that of the next number */
#define AHB3ENR 0x258
#define REGIONS 15
#define CFGR(region) (0x040 + 0x40 * (region))
#define CORE 1 /* the core's compartment */
#define NPU_MASTER 0xC14 /* RIMC_ATTR1 */
#define SDMMC2_MASTER 0xC1C /* RIMC_ATTR3 */

static const N6Register rifsc[] = {
    {.offset = 0x000, .known = 0x00000001, .writable = 0x00000001, .name = "RISC_CR"},
    {.offset = 0x010, .known = 0xFFFFFFFF, .writable = 0xFFFFFFFF, .name = "RISC_SECCFGRx", .count = 6, .stride = 4},
    {.offset = 0x030, .known = 0xFFFFFFFF, .writable = 0xFFFFFFFF, .name = "RISC_PRIVCFGRx", .count = 6, .stride = 4},
    {.offset = 0x050, .known = 0xFFFFFFFF, .writable = 0xFFFFFFFF, .name = "RISC_RCFGLOCKRx", .count = 6, .stride = 4},
    {.offset = 0xC00, .known = 0x00000701, .writable = 0x00000701, .name = "RIMC_CR"},
    {.offset = 0xC10, .known = 0x00000370, .writable = 0x00000370, .name = "RIMC_ATTRx", .count = 13, .stride = 4},
    {.offset = 0xFB0, .known = 0xFFFFFFFF, .name = "PPSRx", .count = 6, .stride = 4},
};

static const N6Register risaf[] = {
    {.offset = 0x000, .known = 0x00000001, .writable = 0x00000001, .name = "CR"},
    {.offset = 0x008, .known = 0x00000003, .name = "IASR"},
    {.offset = 0x00C, .known = 0x00000003, .name = "IACR"},
    {.offset = 0x020, .known = 0x000000B7, .name = "IAESR"},
    {.offset = 0x024, .known = 0xFFFFFFFF, .name = "IADDR"},
    {.offset = CFGR(0), .known = 0x00FF0101, .writable = 0x00FF0101, .name = "REGx_CFGR", .count = REGIONS, .stride = 0x40},
    {.offset = CFGR(0) + 4, .known = 0xFFFFFFFF, .writable = 0xFFFFFFFF, .name = "REGx_STARTR", .count = REGIONS, .stride = 0x40},
    {.offset = CFGR(0) + 8, .known = 0xFFFFFFFF, .writable = 0xFFFFFFFF, .name = "REGx_ENDR", .count = REGIONS, .stride = 0x40},
    {.offset = CFGR(0) + 12, .known = 0x00FF00FF, .writable = 0x00FF00FF, .name = "REGx_CIDCFGR", .count = REGIONS, .stride = 0x40},
};

/* The RISAF in front of memory of the core. */
typedef struct {
    unsigned number;
    uint32_t from, bytes; /* in AXISRAM */
} Guard;

static const Guard guards[] = {
    {2, 0, NJ_AXISRAM1_BYTES},
    {3, NJ_AXISRAM2 - NJ_AXISRAM1, NJ_AXISRAM2_BYTES},
    {6, NJ_AXISRAM3 - NJ_AXISRAM1, 4 * NJ_AXISRAM3_TO_6_EACH_BYTES},
};

typedef struct {
    N6 *chip;
    const Guard *guard;
    unsigned region;
    uint32_t begin; /* in AXISRAM */
    MemoryRegion memory;
    bool there;
} Region;

static Region regions[ARRAY_SIZE(guards)][REGIONS];
static MemoryRegion *all;
static uint8_t *content;

static uint32_t base(unsigned number)
{
    return RISAF1 + STEP * (number - 1);
}

static bool lets(Region *one, bool write)
{
    uint32_t at = base(one->guard->number) + CFGR(one->region);
    bool secure = *n6_value(one->chip, at) >> 8 & 1;

    return secure && *n6_value(one->chip, at + 12) >> (CORE + (write ? 16 : 0)) & 1;
}

static void note(Region *one, hwaddr at, const char *what)
{
    if (current_cpu) {
        n6_note(one->chip, "RISAF%u: %s AXISRAM from %08x: region %u lets no secure core of compartment 1 (REG%u_CFGR, REG%u_CIDCFGR)",
                one->guard->number, what, NJ_AXISRAM1 + one->begin, one->region + 1, one->region + 1, one->region + 1);
    }
}

static bool as_the_core(N6 *chip, uint32_t master)
{
    return *n6_value(chip, RIFSC + master) == (1u << 9 | 1u << 8 | CORE << 4); /* MPRIV, MSEC, MCID */
}

bool n6_rif_trusts_npu(N6 *chip)
{
    return as_the_core(chip, NPU_MASTER);
}

bool n6_rif_trusts_sdmmc2(N6 *chip)
{
    return as_the_core(chip, SDMMC2_MASTER);
}

uint32_t n6_rif_hides(N6 *chip, const char *master, uint32_t from, uint32_t bytes, bool write)
{
    uint32_t hidden = 0;

    for (unsigned i = 0; i < ARRAY_SIZE(guards); i++) {
        for (unsigned k = 0; k < REGIONS; k++) {
            Region *one = &regions[i][k];
            uint32_t begin = MAX(one->begin, from);
            uint32_t end = one->there ? MIN(one->begin + memory_region_size(&one->memory), from + bytes) : begin;

            if (begin < end && !lets(one, write)) {
                n6_note(chip, "RISAF%u: %s %s AXISRAM from %08x: region %u lets no secure master of compartment 1 "
                        "(REG%u_CFGR, REG%u_CIDCFGR)", one->guard->number, master, write ? "writes nothing in" : "reads zero in",
                        NJ_AXISRAM1 + one->begin, k + 1, k + 1, k + 1);
                hidden = MAX(hidden, end - begin);
            }
        }
    }
    return hidden;
}

static uint64_t region_read(void *opaque, hwaddr at, unsigned size)
{
    Region *one = opaque;

    if (!lets(one, false)) {
        note(one, at, "a read gives zero in");
        return 0;
    }
    return ldn_le_p(content + one->begin + at, size);
}

static void region_write(void *opaque, hwaddr at, uint64_t value, unsigned size)
{
    Region *one = opaque;

    if (!lets(one, true)) {
        note(one, at, "a write is lost in");
        return;
    }
    stn_le_p(content + one->begin + at, size, value);
}

static const MemoryRegionOps region_ops = {
    .read = region_read, .write = region_write, .endianness = DEVICE_LITTLE_ENDIAN,
    .valid = {.min_access_size = 1, .max_access_size = 8, .unaligned = true},
    .impl = {.min_access_size = 1, .max_access_size = 8, .unaligned = true},
};

/* Cover what a region keeps the core from; the rest stays memory. */
static void place(Region *one)
{
    uint32_t at = base(one->guard->number) + CFGR(one->region);
    uint32_t from = *n6_value(one->chip, at + 4) & ~0xFFFu, to = *n6_value(one->chip, at + 8) | 0xFFF;
    bool on = *n6_value(one->chip, at) & 1 && from <= to && from < one->guard->bytes && !(lets(one, false) && lets(one, true));

    if (one->there) {
        memory_region_del_subregion(all, &one->memory);
        object_unparent(OBJECT(&one->memory));
        one->there = false;
    }
    if (on) {
        one->begin = one->guard->from + from;
        memory_region_init_io(&one->memory, NULL, &region_ops, one, "behind a RISAF", MIN(to + 1, one->guard->bytes) - from);
        memory_region_add_subregion_overlap(all, one->begin, &one->memory, 1);
        one->there = true;
    }
}

static void written(N6 *chip, unsigned guard, uint32_t offset)
{
    if (offset >= CFGR(0)) {
        place(&regions[guard][(offset - CFGR(0)) / 0x40]);
    }
}

static void risaf2_written(N6 *chip, uint32_t offset, uint32_t before, uint32_t given)
{
    written(chip, 0, offset);
}

static void risaf3_written(N6 *chip, uint32_t offset, uint32_t before, uint32_t given)
{
    written(chip, 1, offset);
}

static void risaf6_written(N6 *chip, uint32_t offset, uint32_t before, uint32_t given)
{
    written(chip, 2, offset);
}

void n6_rif_reset(N6 *chip)
{
    for (unsigned i = 0; i < ARRAY_SIZE(guards); i++) {
        for (unsigned k = 0; k < REGIONS; k++) {
            place(&regions[i][k]);
        }
    }
}

void n6_rif_start(N6 *chip, MemoryRegion *peripherals, MemoryRegion *rams, uint8_t *bytes)
{
    static const struct {
        unsigned number;
        const char *name;
        void (*written)(N6 *chip, uint32_t offset, uint32_t before, uint32_t value);
    } units[] = {
        {2, "RISAF2", risaf2_written}, {3, "RISAF3", risaf3_written}, {4, "RISAF4"}, {5, "RISAF5"},
        {6, "RISAF6", risaf6_written}, {7, "RISAF7"}, {8, "RISAF8"}, {11, "RISAF11"}, {12, "RISAF12"}, {15, "RISAF15"},
    };
    const N6Block controller = {
        .name = "RIFSC", .base = RIFSC, .size = 0x1000, .registers = rifsc, .registers_count = ARRAY_SIZE(rifsc),
        .clock = AHB3ENR, .clock_bit = 9,
    };

    all = rams;
    content = bytes;
    n6_add_block(chip, peripherals, &controller);
    for (unsigned i = 0; i < ARRAY_SIZE(units); i++) {
        const N6Block unit = {
            .name = units[i].name, .base = base(units[i].number), .size = 0x1000, .registers = risaf,
            .registers_count = ARRAY_SIZE(risaf), .clock = AHB3ENR, .clock_bit = 14, .written = units[i].written,
        };

        n6_add_block(chip, peripherals, &unit);
    }
    for (unsigned i = 0; i < ARRAY_SIZE(guards); i++) {
        for (unsigned k = 0; k < REGIONS; k++) {
            regions[i][k] = (Region) {.chip = chip, .guard = &guards[i], .region = k};
        }
    }
}
