/*
 * GPIO, BSEC, SYSCFG and CACHEAXI: what firmware touches of them.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "nightjar_n6.h"

#define AHB4ENR 0x25C
#define AHB5ENR 0x260
#define APB4ENR2 0x278
#define BSEC 0x56009000
#define PORT_F 0x56021400

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

static void port_f_written(N6 *chip, uint32_t offset, uint32_t before, uint32_t given)
{
    uint32_t *output = n6_value(chip, PORT_F + 0x14);

    if (offset == 0x18) {
        *output = (*output & ~(given >> 16)) | (given & 0xFFFF);
    } else if (offset == 0x28) {
        *output &= ~given;
    }
    n6_rcc_update(chip); /* PF4 asks the STM32N6570-DK's converter for a voltage */
}

static void note_dead(N6 *chip, const char *port, unsigned supply, uint32_t offset, uint32_t given)
{
    if (offset == 0x00 && given && !(*n6_value(chip, 0x5602483C) >> (supply + 6) & 1)) {
        n6_note(chip, "%s: its pins are dead: PWR_SVMCR3.VDDIO%uSV does not say that their supply is valid", port, supply);
    }
}

static void port_n_written(N6 *chip, uint32_t offset, uint32_t before, uint32_t given)
{
    note_dead(chip, "GPION", 3, offset, given);
}

static void port_o_written(N6 *chip, uint32_t offset, uint32_t before, uint32_t given)
{
    note_dead(chip, "GPIOO", 2, offset, given);
}

static void port_p_written(N6 *chip, uint32_t offset, uint32_t before, uint32_t given)
{
    note_dead(chip, "GPIOP", 2, offset, given);
}

/* Words 5 to 7 of the fuses' shadow are the unique id; OTPCR and WDR program fuses. DBGCR and AP_UNLOCK say who may debug until the
 * next reset; the boot ROM opens them for a development boot, and leaves them closed behind a flash boot (nightjar_n6_boot.c). */
static const N6Register bsec[] = {
    {.offset = 0x14, .known = 0xFFFFFFFF, .name = "FVR5 to FVR7", .count = 3, .stride = 4},
    {.offset = 0xC04, .known = 0xFFFFFFFF, .name = "OTPCR"},
    {.offset = 0xC08, .known = 0xFFFFFFFF, .name = "WDR"},
    {.offset = 0xE8C, .known = 0xFFFFFF00, .writable = 0xFFFFFF00, .name = "DBGCR"},
    {.offset = 0xE90, .known = 0x000000FF, .writable = 0x000000FF, .name = "AP_UNLOCK"},
};

static uint32_t bsec_read(N6 *chip, uint32_t offset, uint32_t given)
{
    char id[13] = "NIGHTJAR-VM";

    id[11] = chip->unique;
    return offset < 0x20 ? ldl_le_p(id + (offset - 0x14)) : offset >= 0xE00 ? given : 0;
}

static void bsec_written(N6 *chip, uint32_t offset, uint32_t before, uint32_t given)
{
    if (offset < 0xE00) {
        n6_punish(chip, "BSEC", BSEC + offset, "a fuse would have been burnt", given);
    } else if (given != (offset == 0xE8C ? N6_DBGCR_OPEN : N6_AP_UNLOCK_OPEN)) {
        n6_punish(chip, "BSEC", BSEC + offset, "debugging was neither left alone nor opened", given);
    }
}

static const N6Register syscfg[] = {
    {.offset = 0x000, .known = 0x00000003, .writable = 0x00000003, .name = "BOOTCR"},
    {.offset = 0x004, .known = 0x003F003F, .writable = 0x003F003F, .name = "CM55CR"},
    {.offset = 0x010, .known = 0xFFFFFF80, .writable = 0xFFFFFF80, .name = "INITSVTORCR"},
    {.offset = 0x038, .known = 0x00000007, .writable = 0x00000007, .name = "ICNCGCR"},
    /* Compensation cells: how strongly pins are driven, which nothing here looks at. */
    {.offset = 0x044, .known = 0x000003FF, .writable = 0x000003FF, .name = "VDDxCCCR", .count = 5, .stride = 8},
    {.offset = 0x048, .known = 0x000001FF, .name = "VDDxCCSR", .count = 5, .stride = 8},
    {.offset = 0x078, .known = 0x00000001, .writable = 0x00000001, .name = "NPU_ICNCR"},
    {.offset = 0x100, .known = 0x00000003, .name = "BOOTSR"},
};

static uint32_t syscfg_read(N6 *chip, uint32_t offset, uint32_t given)
{
    if (offset == 0x100) {
        return chip->boots_flash ? 0 : 2; /* BOOT1 is the switch of development boot */
    }
    /* A cell is ready when it is on. */
    return offset >= 0x048 && offset <= 0x068 && (offset - 0x048) % 8 == 0
           ? (*n6_value(chip, 0x56008000 + offset - 4) >> 8 & 1) << 8 : given;
}

/* The NPU's cache: registers, since nothing is behind it yet. A command ends at once. */
static const N6Register cacheaxi[] = {
    {.offset = 0x000, .known = 0xFFFF0003, .writable = 0x33330001, .name = "CR1"},
    {.offset = 0x004, .known = 0x0000001F, .name = "SR"},
    {.offset = 0x008, .known = 0x00000016, .writable = 0x00000016, .name = "IER"},
    {.offset = 0x00C, .known = 0x00000016, .name = "FCR"},
    {.offset = 0x010, .known = 0xFFFFFFFF, .name = "monitors", .count = 8, .stride = 4},
    {.offset = 0x100, .known = 0x00000007, .writable = 0x00000006, .name = "CR2"},
    {.offset = 0x104, .known = 0xFFFFFFC0, .writable = 0xFFFFFFC0, .name = "CMDRSADDRR"},
    {.offset = 0x108, .known = 0xFFFFFFC0, .writable = 0xFFFFFFC0, .name = "CMDREADDRR"},
};

static void cacheaxi_written(N6 *chip, uint32_t offset, uint32_t before, uint32_t given)
{
    uint32_t *state = n6_value(chip, 0x580DFC04);

    if (offset == 0x000 && given & 2) {
        *state |= 1u << 1; /* BSYENDF: the whole has been invalidated */
    } else if (offset == 0x100 && given & 1) {
        *state |= 1u << 4; /* CMDENDF */
    } else if (offset == 0x00C) {
        *state &= ~given;
    }
}

void n6_others_start(N6 *chip, MemoryRegion *system)
{
    static const struct {
        uint32_t base, bit;
        const char *name;
        void (*written)(N6 *chip, uint32_t offset, uint32_t before, uint32_t value);
    } ports[] = {
        {0x56020800, 2, "GPIOC"}, {0x56021000, 4, "GPIOE"}, {PORT_F, 5, "GPIOF", port_f_written}, {0x56021800, 6, "GPIOG"},
        {0x56023400, 13, "GPION", port_n_written}, {0x56023800, 14, "GPIOO", port_o_written}, {0x56023C00, 15, "GPIOP", port_p_written},
    };
    const N6Block blocks[] = {
        {.name = "BSEC", .base = BSEC, .size = 0x1000, .registers = bsec, .registers_count = ARRAY_SIZE(bsec),
         .clock = APB4ENR2, .clock_bit = 1, .read = bsec_read, .written = bsec_written},
        {.name = "SYSCFG", .base = 0x56008000, .size = 0x1000, .registers = syscfg, .registers_count = ARRAY_SIZE(syscfg),
         .clock = APB4ENR2, .clock_bit = 0, .read = syscfg_read},
        {.name = "CACHEAXI", .base = 0x580DFC00, .size = 0x400, .registers = cacheaxi,
         .registers_count = ARRAY_SIZE(cacheaxi), .clock = AHB5ENR, .clock_bit = 30, .written = cacheaxi_written},
    };

    for (unsigned i = 0; i < ARRAY_SIZE(blocks); i++) {
        n6_add_block(chip, system, &blocks[i]);
    }
    for (unsigned i = 0; i < ARRAY_SIZE(ports); i++) {
        const N6Block port = {
            .name = ports[i].name, .base = ports[i].base, .size = 0x30, .registers = gpio,
            .registers_count = ARRAY_SIZE(gpio), .clock = AHB4ENR, .clock_bit = ports[i].bit, .written = ports[i].written,
        };
        n6_add_block(chip, system, &port);
    }
}
