/*
 * XSPI2, its pins' multiplexer, and the window at 0x70000000, which faults until the controller maps it.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "nightjar_n6_nor.h"
#include "nj_layout.h"

#define BASE 0x5802A000
#define AHB5ENR 0x260
#define CR 0x000
#define SR 0x020
#define FCR 0x024
#define DLR 0x040
#define AR 0x048
#define DR 0x050
#define PSMKR 0x080
#define PSMAR 0x088
#define CCR 0x100
#define TCR 0x108
#define IR 0x110
#define EN (1u << 0)
#define ABORT (1u << 1)
#define TCF (1u << 1)
#define FTF (1u << 2)
#define SMF (1u << 3)
#define BUSY (1u << 5)

#define ALL(at, called) {.offset = at, .known = 0xFFFFFFFF, .writable = 0xFFFFFFFF, .name = called}

static const N6Register registers[] = {
    {.offset = CR, .known = 0xF3DF3FCF, .writable = 0xF3DF3FCF, .name = "CR"},
    {.offset = 0x008, .known = 0x073F3F03, .writable = 0x073F3F03, .name = "DCR1"},
    {.offset = 0x00C, .known = 0x000700FF, .writable = 0x000700FF, .name = "DCR2"},
    {.offset = 0x010, .known = 0x001F0000, .writable = 0x001F0000, .name = "DCR3"},
    ALL(0x014, "DCR4"),
    {.offset = SR, .known = 0x00007F3F, .name = "SR"},
    {.offset = FCR, .known = 0x0000001B, .name = "FCR"},
    ALL(DLR, "DLR"), ALL(AR, "AR"), ALL(DR, "DR"), ALL(PSMKR, "PSMKR"), ALL(PSMAR, "PSMAR"),
    {.offset = 0x090, .known = 0x0000FFFF, .writable = 0x0000FFFF, .name = "PIR"},
    {.offset = CCR, .known = 0x2F3F3F3F, .writable = 0x2F3F3F3F, .name = "CCR"},
    {.offset = TCR, .known = 0x5000001F, .writable = 0x5000001F, .name = "TCR"},
    ALL(IR, "IR"),
    {.offset = 0x130, .known = 0x0000FFFF, .writable = 0x0000FFFF, .name = "LPTR"},
    {.offset = 0x180, .known = 0x2F3F3F3F, .writable = 0x2F3F3F3F, .name = "WCCR"},
    {.offset = 0x188, .known = 0x0000001F, .writable = 0x0000001F, .name = "WTCR"},
    ALL(0x190, "WIR"),
};
static const N6Register multiplexer[] = {
    {.offset = 0x000, .known = 0x00FF0073, .writable = 0x00FF0073, .name = "CR"},
};

static struct {
    uint32_t flags;
    uint8_t data[65536];
    uint32_t count, at; /* of the bytes that are to come, and how many have been */
    bool reads, writes;
    bool held; /* in reset by RCC_AHB5RSTR */
    bool left; /* mapped, and not ended by ABORT since */
    MemoryRegion window, content, unmapped, port;
} xspi;

static uint32_t value(N6 *chip, uint32_t offset)
{
    return *n6_value(chip, BASE + offset);
}

/* Whether pins, supply and clock let the NOR hear anything. */
static bool connected(N6 *chip)
{
    uint32_t modes = *n6_value(chip, 0x56023400), low = *n6_value(chip, 0x56023420);
    bool supplied = *n6_value(chip, 0x5602483C) >> 9 & 1; /* VDDIO3SV */
    unsigned source = *n6_value(chip, 0x56028158) >> 4 & 3;
    bool pins = (modes & 0x300C) == 0x2008 && (low & 0x0F0000F0) == 0x09000090; /* select and clock: PN1 and PN6 */

    return supplied && pins && n6_clocked(chip, AHB5ENR, 13) && (source < 2 || n6_ic_hz(chip, source + 1));
}

static NorCommand command(N6 *chip)
{
    uint32_t how = value(chip, CCR);

    return (NorCommand) {
        .instruction = value(chip, IR) & ((how >> 4 & 3) ? 0xFFFF : 0xFF), .octal = (how & 7) == 4,
        .both_edges = how >> 3 & 1, .address = how >> 8 & 7 ? value(chip, AR) : 0, .dummy = value(chip, TCR) & 31,
    };
}

static unsigned mode(N6 *chip)
{
    return value(chip, CR) & EN ? value(chip, CR) >> 28 & 3 : 4;
}

static void finish(void)
{
    xspi.reads = xspi.writes = false;
    xspi.flags |= TCF;
}

/* An instruction is complete when its last part has been written: itself, the address, or the data. */
static void begin(N6 *chip, bool address_given)
{
    uint32_t how = value(chip, CCR);
    NorCommand what = command(chip);
    bool there = connected(chip);

    if (mode(chip) > 2 || !(how & 7) || (bool)(how >> 8 & 7) != address_given) {
        return;
    }
    xspi.at = 0;
    xspi.count = how >> 24 & 7 ? value(chip, DLR) + 1 : 0;
    if (xspi.count > sizeof xspi.data) {
        n6_punish(chip, "XSPI2", BASE + DLR, "more bytes at once than a driver of ours moves", xspi.count);
    }
    memset(xspi.data, 0xFF, xspi.count);
    if (mode(chip) == 0) {
        if (xspi.count) {
            xspi.writes = true;
        } else {
            if (there) {
                n6_nor_write(chip, &what, NULL, 0);
            }
            finish();
        }
    } else if (mode(chip) == 1) {
        if (there) {
            n6_nor_read(chip, &what, xspi.data, xspi.count);
        }
        xspi.reads = true;
    } else {
        xspi.reads = true; /* polled by every look at SR */
    }
}

static void poll(N6 *chip)
{
    NorCommand what = command(chip);
    uint8_t status = 0xFF;

    if (connected(chip)) {
        n6_nor_read(chip, &what, &status, 1);
    }
    if (((status ^ value(chip, PSMAR)) & value(chip, PSMKR)) == 0) {
        finish();
        xspi.flags |= SMF;
    }
}

static uint32_t xspi_read(N6 *chip, uint32_t offset, uint32_t given)
{
    if (offset != SR) {
        return given;
    }
    if (mode(chip) == 2 && xspi.reads) {
        poll(chip);
    }
    bool moves = xspi.reads || xspi.writes;
    uint32_t level = xspi.reads && mode(chip) == 1 ? MIN(xspi.count - xspi.at, 64) : 0;

    return xspi.flags | (moves ? BUSY : 0) | (mode(chip) < 2 && moves ? FTF : 0) | level << 8;
}

static void update_window(N6 *chip)
{
    NorCommand what = command(chip);
    bool mapped = mode(chip) == 3 && connected(chip) && n6_nor_reads_array(chip, &what);

    memory_region_set_enabled(&xspi.unmapped, !mapped);
}

static void xspi_written(N6 *chip, uint32_t offset, uint32_t before, uint32_t given)
{
    if (xspi.held) {
        n6_punish(chip, "XSPI2", BASE + offset, "a register was written while the block is held in reset (bit 12 of RCC_AHB5RSTR)", given);
    }
    switch (offset) {
    case CR:
        if (given & ABORT) {
            *n6_value(chip, BASE + CR) &= ~ABORT;
            xspi.reads = xspi.writes = xspi.left = false;
            xspi.flags |= TCF;
        } else if (xspi.left && (before ^ given) & 0x30000000) {
            n6_punish(chip, "XSPI2", BASE + CR, "FMODE was changed while the window may be read (BUSY): ABORT ends that first", given);
        }
        xspi.left = mode(chip) == 3 && !(given & ABORT);
        update_window(chip);
        break;
    case FCR:
        xspi.flags &= ~given;
        break;
    case IR:
        begin(chip, false);
        break;
    case AR:
        begin(chip, true);
        break;
    }
}

void n6_xspi_reset_line(N6 *chip, bool held)
{
    if (held && !xspi.held) {
        memset(n6_value(chip, BASE), 0, 0x400);
        xspi.flags = 0;
        xspi.reads = xspi.writes = xspi.left = false;
        update_window(chip);
    }
    xspi.held = held;
}

static uint64_t data_read(void *opaque, hwaddr at, unsigned size)
{
    uint64_t found = 0;

    for (unsigned i = 0; i < size && xspi.reads && xspi.at < xspi.count; i++) {
        found |= (uint64_t)xspi.data[xspi.at++] << 8 * i;
    }
    if (xspi.reads && xspi.at == xspi.count) {
        finish();
    }
    return found;
}

static void data_write(void *opaque, hwaddr at, uint64_t given, unsigned size)
{
    N6 *chip = opaque;
    NorCommand what = command(chip);

    for (unsigned i = 0; i < size && xspi.writes && xspi.at < xspi.count; i++) {
        xspi.data[xspi.at++] = given >> 8 * i;
    }
    if (xspi.writes && xspi.at == xspi.count) {
        if (connected(chip)) {
            n6_nor_write(chip, &what, xspi.data, xspi.count);
        }
        finish();
    }
}

static MemTxResult unmapped_read(void *opaque, hwaddr at, uint64_t *data, unsigned size, MemTxAttrs attributes)
{
    return MEMTX_ERROR;
}

static MemTxResult unmapped_write(void *opaque, hwaddr at, uint64_t data, unsigned size, MemTxAttrs attributes)
{
    return MEMTX_ERROR;
}

static const MemoryRegionOps data_ops = {
    .read = data_read, .write = data_write, .endianness = DEVICE_LITTLE_ENDIAN,
    .valid = {.min_access_size = 1, .max_access_size = 4},
};
static const MemoryRegionOps unmapped_ops = {
    .read_with_attrs = unmapped_read, .write_with_attrs = unmapped_write, .endianness = DEVICE_LITTLE_ENDIAN,
    .valid = {.min_access_size = 1, .max_access_size = 8, .unaligned = true},
};

void n6_xspi_reset(N6 *chip)
{
    xspi.flags = 0;
    xspi.reads = xspi.writes = xspi.held = xspi.left = false;
    n6_nor_reset();
    update_window(chip);
}

void n6_xspi_start(N6 *chip, MemoryRegion *peripherals, MemoryRegion *system)
{
    const N6Block controller = {
        .name = "XSPI2", .base = BASE, .size = 0x400, .registers = registers, .registers_count = ARRAY_SIZE(registers),
        .clock = AHB5ENR, .clock_bit = 12, .read = xspi_read, .written = xspi_written,
    };
    const N6Block pins = {
        .name = "XSPIM", .base = 0x5802B400, .size = 0x400, .registers = multiplexer,
        .registers_count = ARRAY_SIZE(multiplexer), .clock = AHB5ENR, .clock_bit = 13,
    };

    n6_add_block(chip, peripherals, &controller);
    n6_add_block(chip, peripherals, &pins);
    memory_region_init_io(&xspi.port, NULL, &data_ops, chip, "XSPI2's data", 4);
    memory_region_add_subregion_overlap(peripherals, (BASE & 0x0FFFFFFF) + DR, &xspi.port, 1);
    memory_region_init(&xspi.window, NULL, "NOR's window", n6_nor_bytes());
    memory_region_init_ram_ptr(&xspi.content, NULL, "NOR", n6_nor_bytes(), n6_nor_content());
    memory_region_set_readonly(&xspi.content, true);
    memory_region_add_subregion(&xspi.window, 0, &xspi.content);
    memory_region_init_io(&xspi.unmapped, NULL, &unmapped_ops, chip, "NOR that is not mapped", n6_nor_bytes());
    memory_region_add_subregion_overlap(&xspi.window, 0, &xspi.unmapped, 1);
    memory_region_add_subregion(system, NJ_NOR, &xspi.window);
}
