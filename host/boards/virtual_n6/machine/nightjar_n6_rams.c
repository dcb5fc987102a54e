/*
 * AXISRAM1 to 6, and RAMCFG, which shuts them down. One that has no power or no clock reads zero and forgets what is written.
 * While the core sleeps the clock is that of MEMLPENR; who looks then is a debugger.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "nightjar_n6.h"
#include "nj_layout.h"
#include "hw/core/cpu.h"
#include "qapi/error.h"

#define RAMCFG 0x52023000
#define SRAMSD (1u << 20)
#define AHB2ENR 0x254
#define MEMENR 0x24C
#define MEMLPENR 0x28C

/* AXISRAM1 and 2 are on after a reset, the others shut down. */
static const N6Register ramcfg[] = {
    {.offset = 0x000, .known = 0x01131111, .writable = 0x01131111, .name = "AXISRAM1 and 2 CR", .count = 2, .stride = 0x80},
    {.offset = 0x100, .reset = SRAMSD, .known = 0x01131111, .writable = 0x01131111, .name = "AXISRAM3 to 6 CR",
     .count = 4, .stride = 0x80},
};

static const struct {
    uint32_t base, bytes;
    unsigned clock_bit;
} places[] = {
    {NJ_AXISRAM1, NJ_AXISRAM1_BYTES, 7}, {NJ_AXISRAM2, NJ_AXISRAM2_BYTES, 8},
    {NJ_AXISRAM3, NJ_AXISRAM3_TO_6_EACH_BYTES, 0}, {NJ_AXISRAM4, NJ_AXISRAM3_TO_6_EACH_BYTES, 1},
    {NJ_AXISRAM5, NJ_AXISRAM3_TO_6_EACH_BYTES, 2}, {NJ_AXISRAM6, NJ_AXISRAM3_TO_6_EACH_BYTES, 3},
};

static bool shut(N6Ram *ram)
{
    return *n6_value(ram->chip, RAMCFG + 0x80 * (ram->number - 1)) & SRAMSD;
}

static bool clocked(N6Ram *ram)
{
    unsigned bit = places[ram->number - 1].clock_bit;

    return n6_clocked(ram->chip, MEMENR, bit) && (!first_cpu->halted || n6_clocked(ram->chip, MEMLPENR, bit));
}

static bool covered(N6Ram *ram)
{
    return shut(ram) || !clocked(ram);
}

static void tell(N6Ram *ram, const char *what)
{
    if (shut(ram)) {
        n6_note(ram->chip, "AXISRAM%u: %s: it is shut down (SRAMSD in RAMCFG_AXISRAM%uCR)", ram->number, what, ram->number);
    } else {
        n6_note(ram->chip, "AXISRAM%u: %s: it has no clock (bit %u of RCC_MEMENR is 0)", ram->number, what,
                places[ram->number - 1].clock_bit);
    }
}

static void note(N6Ram *ram, const char *what)
{
    if (current_cpu) {
        tell(ram, what);
    }
}

uint32_t n6_rams_hide(N6 *chip, const char *master, uint32_t from, uint32_t bytes)
{
    uint32_t hidden = 0;

    for (unsigned i = 0; i < ARRAY_SIZE(chip->rams); i++) {
        uint32_t first = places[i].base - NJ_AXISRAM1, begin = MAX(first, from);
        uint32_t end = MIN(first + places[i].bytes, from + bytes);

        if (begin < end && covered(&chip->rams[i])) {
            g_autofree char *what = g_strdup_printf("%s reads zero and writes nothing", master);

            tell(&chip->rams[i], what);
            hidden += end - begin;
        }
    }
    return hidden;
}

static uint64_t cover_read(void *opaque, hwaddr at, unsigned size)
{
    N6Ram *ram = opaque;

    if (covered(ram)) {
        note(ram, "a read gives zero");
        return 0;
    }
    n6_update_memories(ram->chip); /* it slept, and the core has woken */
    return ldn_le_p(ram->content + at, size);
}

static void cover_write(void *opaque, hwaddr at, uint64_t value, unsigned size)
{
    N6Ram *ram = opaque;

    if (covered(ram)) {
        note(ram, "a write is lost");
        return;
    }
    n6_update_memories(ram->chip);
    stn_le_p(ram->content + at, size, value);
}

static const MemoryRegionOps cover_ops = {
    .read = cover_read, .write = cover_write, .endianness = DEVICE_LITTLE_ENDIAN,
    .valid = {.min_access_size = 1, .max_access_size = 8, .unaligned = true},
    .impl = {.min_access_size = 1, .max_access_size = 8, .unaligned = true},
};

void n6_update_memories(N6 *chip)
{
    for (unsigned i = 0; i < ARRAY_SIZE(chip->rams); i++) {
        memory_region_set_enabled(&chip->rams[i].cover, covered(&chip->rams[i]));
    }
}

static void ramcfg_written(N6 *chip, uint32_t offset, uint32_t before, uint32_t given)
{
    n6_update_memories(chip);
}

void n6_rams_start(N6 *chip, MemoryRegion *peripherals, MemoryRegion *system)
{
    const N6Block what = {
        .name = "RAMCFG", .base = RAMCFG, .size = 0x580, .registers = ramcfg, .registers_count = ARRAY_SIZE(ramcfg),
        .clock = AHB2ENR, .clock_bit = 12, .written = ramcfg_written,
    };
    uint32_t all = NJ_AXISRAM6 + NJ_AXISRAM3_TO_6_EACH_BYTES - NJ_AXISRAM1;
    MemoryRegion *rams = g_new0(MemoryRegion, 1), *content = g_new0(MemoryRegion, 1), *alias = g_new0(MemoryRegion, 1);

    n6_add_block(chip, peripherals, &what);
    memory_region_init(rams, NULL, "AXISRAM", all);
    memory_region_init_ram(content, NULL, "AXISRAM1 to 6", all, &error_fatal);
    n6_rubbish(memory_region_get_ram_ptr(content), all);
    memory_region_add_subregion(rams, 0, content);
    for (unsigned i = 0; i < ARRAY_SIZE(chip->rams); i++) {
        N6Ram *ram = &chip->rams[i];
        uint32_t from = places[i].base - NJ_AXISRAM1;

        *ram = (N6Ram) {
            .chip = chip, .number = i + 1, .content = (uint8_t *)memory_region_get_ram_ptr(content) + from,
        };
        memory_region_init_io(&ram->cover, NULL, &cover_ops, ram, "AXISRAM without power or clock", places[i].bytes);
        memory_region_add_subregion_overlap(rams, from, &ram->cover, 2);
    }
    memory_region_add_subregion(system, NJ_AXISRAM1, rams);
    memory_region_init_alias(alias, NULL, "AXISRAM, non-secure", rams, 0, all);
    memory_region_add_subregion(system, NJ_AXISRAM1 & ~0x10000000u, alias);
    n6_rif_start(chip, peripherals, rams, memory_region_get_ram_ptr(content));
}
