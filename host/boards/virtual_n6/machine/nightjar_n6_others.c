/*
 * PWR, RAMCFG, GPIO and BSEC: what firmware touches of them.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "nightjar_n6.h"

#define RAMCFG 0x52023000
#define SRAMSD (1u << 20)
#define AHB2ENR 0x254
#define AHB4ENR 0x25C
#define APB4ENR2 0x278

static const N6Register pwr[] = {
    {.offset = 0x000, .reset = 0x00000004, .known = 0x001F0004, .writable = 0x001F0004, .name = "CR1"},
    {.offset = 0x020, .known = 0x00030003, .writable = 0x00000001, .name = "VOSCR"},
    {.offset = 0x030, .known = 0x00010701, .writable = 0x00010701, .name = "CPUCR"},
    {.offset = 0x034, .known = 0x07010101, .writable = 0x07000101, .name = "SVMCR1"},
    {.offset = 0x038, .known = 0x07010101, .writable = 0x07000101, .name = "SVMCR2"},
    {.offset = 0x03C, .known = 0x0717171F, .writable = 0x0700171F, .name = "SVMCR3"},
};

static uint32_t pwr_read(N6 *chip, uint32_t offset, uint32_t given)
{
    /* The core's voltage is there, and what is asked for is what is. */
    return offset == 0x020 ? (given & 1) | 2 | (given & 1) << 16 | 1 << 17 : given;
}

/* AXISRAM1 and 2 are on after a reset, the others shut down. */
static const N6Register ramcfg[] = {
    {.offset = 0x000, .known = 0x00101111, .writable = 0x00101111, .name = "AXISRAM1 and 2 CR", .count = 2, .stride = 0x80},
    {.offset = 0x100, .reset = SRAMSD, .known = 0x00101111, .writable = 0x00101111, .name = "AXISRAM3 to 6 CR",
     .count = 4, .stride = 0x80},
};

static void ramcfg_written(N6 *chip, uint32_t offset, uint32_t before, uint32_t given)
{
    n6_update_memories(chip);
}

static const N6Register gpio[] = {
    {.offset = 0x00, .known = 0xFFFFFFFF, .writable = 0xFFFFFFFF, .name = "MODER"},
    {.offset = 0x04, .known = 0x0000FFFF, .writable = 0x0000FFFF, .name = "OTYPER"},
    {.offset = 0x08, .known = 0xFFFFFFFF, .writable = 0xFFFFFFFF, .name = "OSPEEDR"},
    {.offset = 0x0C, .known = 0xFFFFFFFF, .writable = 0xFFFFFFFF, .name = "PUPDR"},
    {.offset = 0x10, .known = 0x0000FFFF, .name = "IDR"},
    {.offset = 0x14, .known = 0x0000FFFF, .writable = 0x0000FFFF, .name = "ODR"},
    {.offset = 0x18, .known = 0xFFFFFFFF, .name = "BSRR"},
    {.offset = 0x20, .known = 0xFFFFFFFF, .writable = 0xFFFFFFFF, .name = "AFRL"},
    {.offset = 0x24, .known = 0xFFFFFFFF, .writable = 0xFFFFFFFF, .name = "AFRH"},
    {.offset = 0x28, .known = 0x0000FFFF, .name = "BRR"},
};

/* Words 5 to 7 of the fuses' shadow: the unique id. */
static const N6Register bsec[] = {
    {.offset = 0x14, .known = 0xFFFFFFFF, .name = "FVR5 to FVR7", .count = 3, .stride = 4},
};

static uint32_t bsec_read(N6 *chip, uint32_t offset, uint32_t given)
{
    char id[13] = "NIGHTJAR-VM";

    id[11] = chip->unique;
    return ldl_le_p(id + (offset - 0x14));
}

static void bsec_written(N6 *chip, uint32_t offset, uint32_t before, uint32_t given)
{
    n6_punish(chip, "BSEC", 0x56009000 + offset, "a fuse would have been burnt", given);
}

void n6_update_memories(N6 *chip)
{
    for (unsigned i = 0; i < ARRAY_SIZE(chip->off); i++) {
        bool shut = *n6_value(chip, RAMCFG + 0x100 + 0x80 * i) & SRAMSD;

        memory_region_set_enabled(&chip->off[i], shut || !n6_clocked(chip, 0x24C, i));
    }
}

void n6_others_start(N6 *chip, MemoryRegion *system)
{
    static const struct {
        uint32_t base, bit;
        const char *name;
    } ports[] = {{0x56021000, 4, "GPIOE"}, {0x56021800, 6, "GPIOG"}, {0x56023400, 13, "GPION"}, {0x56023800, 14, "GPIOO"}};
    const N6Block blocks[] = {
        {.name = "PWR", .base = 0x56024800, .size = 0x80, .registers = pwr, .registers_count = ARRAY_SIZE(pwr),
         .read = pwr_read},
        {.name = "RAMCFG", .base = RAMCFG, .size = 0x580, .registers = ramcfg, .registers_count = ARRAY_SIZE(ramcfg),
         .clock = AHB2ENR, .clock_bit = 12, .written = ramcfg_written},
        {.name = "BSEC", .base = 0x56009000, .size = 0x1000, .registers = bsec, .registers_count = ARRAY_SIZE(bsec),
         .clock = APB4ENR2, .clock_bit = 1, .read = bsec_read, .written = bsec_written},
    };

    for (unsigned i = 0; i < ARRAY_SIZE(blocks); i++) {
        n6_add_block(chip, system, &blocks[i]);
    }
    for (unsigned i = 0; i < ARRAY_SIZE(ports); i++) {
        const N6Block port = {
            .name = ports[i].name, .base = ports[i].base, .size = 0x30, .registers = gpio,
            .registers_count = ARRAY_SIZE(gpio), .clock = AHB4ENR, .clock_bit = ports[i].bit,
        };
        n6_add_block(chip, system, &port);
    }
}
