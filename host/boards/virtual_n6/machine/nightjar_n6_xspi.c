/*
 * XSPI1 and XSPI2, and their windows, which fault until a controller maps them. What is behind one is a device
 * (nightjar_n6_xspi.h); whether it hears anything its pins decide (nightjar_n6_xspim.c).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "nightjar_n6_xspi.h"
#include "nj_layout.h"
#include "qemu/bswap.h"

#define AHB5ENR 0x260
#define CR 0x000
#define DCR1 0x008
#define DCR3 0x010
#define DCR4 0x014
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
#define WCCR 0x180
#define WTCR 0x188
#define WIR 0x190
#define EN (1u << 0)
#define ABORT (1u << 1)
#define FMODE 0x30000000
#define TCF (1u << 1)
#define FTF (1u << 2)
#define SMF (1u << 3)
#define BUSY (1u << 5)

#define ALL(at, called) {.offset = at, .known = 0xFFFFFFFF, .writable = 0xFFFFFFFF, .name = called}

static const N6Register registers[] = {
    {.offset = CR, .known = 0xF3DF3FCF, .writable = 0xF3DF3FCF, .name = "CR"},
    {.offset = DCR1, .known = 0x073F3F03, .writable = 0x073F3F03, .name = "DCR1"},
    {.offset = 0x00C, .known = 0x000700FF, .writable = 0x000700FF, .name = "DCR2"},
    {.offset = DCR3, .known = 0x001F0000, .writable = 0x001F0000, .name = "DCR3"},
    ALL(DCR4, "DCR4"),
    {.offset = SR, .known = 0x00007F3F, .name = "SR"},
    {.offset = FCR, .known = 0x0000001B, .name = "FCR"},
    ALL(DLR, "DLR"), ALL(AR, "AR"), ALL(DR, "DR"), ALL(PSMKR, "PSMKR"), ALL(PSMAR, "PSMAR"),
    {.offset = 0x090, .known = 0x0000FFFF, .writable = 0x0000FFFF, .name = "PIR"},
    {.offset = CCR, .known = 0x2F3F3F3F, .writable = 0x2F3F3F3F, .name = "CCR"},
    {.offset = TCR, .known = 0x5000001F, .writable = 0x5000001F, .name = "TCR"},
    ALL(IR, "IR"),
    {.offset = 0x130, .known = 0x0000FFFF, .writable = 0x0000FFFF, .name = "LPTR"},
    {.offset = WCCR, .known = 0x2F3F3F3F, .writable = 0x2F3F3F3F, .name = "WCCR"},
    {.offset = WTCR, .known = 0x0000001F, .writable = 0x0000001F, .name = "WTCR"},
    ALL(WIR, "WIR"),
};
typedef struct {
    const char *name;
    uint32_t base, window_at;
    unsigned bit; /* of AHB5ENR and AHB5RSTR */
    N6 *chip;
    const XspiDevice *device;
    uint32_t flags;
    uint8_t data[65536];
    uint32_t count, at; /* of the bytes that are to come, and how many have been */
    bool reads, writes;
    bool held; /* in reset by RCC_AHB5RSTR */
    bool left; /* mapped, and not ended by ABORT since */
    bool readable, writable; /* the window */
    MemoryRegion window, content, cover, port;
} Xspi;

static Xspi xspis[N6_XSPIS] = {
    {.name = "XSPI1", .base = 0x58025000, .window_at = NJ_PSRAM, .bit = 5},
    {.name = "XSPI2", .base = 0x5802A000, .window_at = NJ_NOR, .bit = 12},
};

static uint32_t value(Xspi *xspi, uint32_t offset)
{
    return *n6_value(xspi->chip, xspi->base + offset);
}

static XspiCommand command(Xspi *xspi, uint32_t form, uint32_t instruction, uint32_t timing)
{
    uint32_t boundary = value(xspi, DCR3) >> 16 & 31;

    return (XspiCommand) {
        .instruction = instruction & ((form >> 4 & 3) ? 0xFFFF : 0xFF), .form = form, .octal = (form & 7) == 4,
        .both_edges = form >> 3 & 1, .address = form >> 8 & 7 ? value(xspi, AR) : 0, .dummy = timing & 31,
        .kind = value(xspi, DCR1) >> 24 & 7, .bytes = 2ull << (value(xspi, DCR1) >> 16 & 31),
        .boundary = boundary ? 1u << boundary : 0, .refreshes = value(xspi, DCR4),
    };
}

static XspiCommand given_command(Xspi *xspi)
{
    return command(xspi, value(xspi, CCR), value(xspi, IR), value(xspi, TCR));
}

static unsigned mode(Xspi *xspi)
{
    return value(xspi, CR) & EN ? value(xspi, CR) >> 28 & 3 : 4;
}

static void finish(Xspi *xspi)
{
    xspi->reads = xspi->writes = false;
    xspi->flags |= TCF;
}

/* Whether somebody hears what is sent. */
static bool connected(Xspi *xspi)
{
    bool second = value(xspi, CR) >> 24 & 1, wide = (value(xspi, CCR) >> 24 & 7) == 5;
    const char *why = n6_clocked(xspi->chip, AHB5ENR, xspi->bit) ? n6_xspim_deaf(xspi->chip, xspi - xspis, second, wide)
                      : "it has no clock itself (RCC_AHB5ENR)";

    if (why) {
        n6_note(xspi->chip, "%s: no memory hears it: %s", xspi->name, why);
    }
    return !why;
}

/* An instruction is complete when its last part has been written: itself, the address, or the data. */
static void begin(Xspi *xspi, bool address_given)
{
    uint32_t how = value(xspi, CCR);
    XspiCommand what = given_command(xspi);

    if (mode(xspi) > 2 || !(how & 7) || (bool)(how >> 8 & 7) != address_given) {
        return;
    }
    xspi->reads = xspi->writes = false; /* one whose data never came is forgotten */
    xspi->at = 0;
    xspi->count = how >> 24 & 7 ? value(xspi, DLR) + 1 : 0;
    if (xspi->count > sizeof xspi->data) {
        n6_punish(xspi->chip, xspi->name, xspi->base + DLR, "more bytes at once than a driver of ours moves", xspi->count);
    }
    memset(xspi->data, 0xFF, xspi->count);
    if (mode(xspi) == 0) {
        if (xspi->count) {
            xspi->writes = true;
        } else {
            if (connected(xspi)) {
                xspi->device->write(xspi->chip, &what, NULL, 0);
            }
            finish(xspi);
        }
    } else if (mode(xspi) == 1) {
        if (connected(xspi)) {
            xspi->device->read(xspi->chip, &what, xspi->data, xspi->count);
        }
        xspi->reads = true;
    } else {
        xspi->reads = true; /* polled by every look at SR */
    }
}

static void poll(Xspi *xspi)
{
    XspiCommand what = given_command(xspi);
    uint8_t status = 0xFF;

    if (connected(xspi)) {
        xspi->device->read(xspi->chip, &what, &status, 1);
    }
    if (((status ^ value(xspi, PSMAR)) & value(xspi, PSMKR)) == 0) {
        finish(xspi);
        xspi->flags |= SMF;
    }
}

static uint32_t xspi_read(Xspi *xspi, uint32_t offset, uint32_t given)
{
    if (offset != SR) {
        return given;
    }
    if (mode(xspi) == 2 && xspi->reads) {
        poll(xspi);
    }
    bool moves = xspi->reads || xspi->writes;
    bool busy = xspi->reads || (xspi->writes && xspi->at) || xspi->left; /* a write begins with its first byte */
    uint32_t level = xspi->reads && mode(xspi) == 1 ? MIN(xspi->count - xspi->at, 64) : 0;

    return xspi->flags | (busy ? BUSY : 0) | (mode(xspi) < 2 && moves ? FTF : 0) | level << 8;
}

/* Memory where the window is read and written as it is; else what tells why not. */
static void update_window(Xspi *xspi)
{
    XspiCommand reads = given_command(xspi), writes = command(xspi, value(xspi, WCCR), value(xspi, WIR), value(xspi, WTCR));
    const XspiDevice *device = xspi->device;

    xspi->readable = mode(xspi) == 3 && connected(xspi) && device->maps_read(xspi->chip, &reads);
    xspi->writable = xspi->readable && device->maps_write && device->maps_write(xspi->chip, &writes);
    memory_region_set_enabled(&xspi->cover, !xspi->readable || (device->maps_write && !xspi->writable) || !device->content);
}

void n6_xspi_update(N6 *chip)
{
    for (unsigned i = 0; i < ARRAY_SIZE(xspis); i++) {
        update_window(&xspis[i]);
    }
}

static void xspi_written(Xspi *xspi, uint32_t offset, uint32_t before, uint32_t given)
{
    if (xspi->held) {
        g_autofree char *text = g_strdup_printf("a register was written while the block is held in reset (bit %u of RCC_AHB5RSTR)",
                                                xspi->bit);
        n6_punish(xspi->chip, xspi->name, xspi->base + offset, text, given);
    }
    switch (offset) {
    case CR:
        if (given & ABORT) {
            *n6_value(xspi->chip, xspi->base + CR) &= ~ABORT;
            xspi->reads = xspi->writes = xspi->left = false;
            xspi->flags |= TCF;
        } else if (xspi->left && (before ^ given) & FMODE) {
            n6_punish(xspi->chip, xspi->name, xspi->base + CR,
                      "FMODE was changed while the window may be read (BUSY): ABORT ends that first", given);
        }
        xspi->left = mode(xspi) == 3 && !(given & ABORT);
        update_window(xspi);
        break;
    case FCR:
        xspi->flags &= ~given;
        break;
    case IR:
        begin(xspi, false);
        break;
    case AR:
        begin(xspi, true);
        break;
    }
}

static uint32_t first_read(N6 *chip, uint32_t offset, uint32_t given)
{
    return xspi_read(&xspis[0], offset, given);
}

static uint32_t second_read(N6 *chip, uint32_t offset, uint32_t given)
{
    return xspi_read(&xspis[1], offset, given);
}

static void first_written(N6 *chip, uint32_t offset, uint32_t before, uint32_t given)
{
    xspi_written(&xspis[0], offset, before, given);
}

static void second_written(N6 *chip, uint32_t offset, uint32_t before, uint32_t given)
{
    xspi_written(&xspis[1], offset, before, given);
}

static void forget(Xspi *xspi)
{
    xspi->flags = 0;
    xspi->reads = xspi->writes = xspi->left = false;
}

void n6_xspi_reset_lines(N6 *chip, uint32_t held)
{
    for (unsigned i = 0; i < ARRAY_SIZE(xspis); i++) {
        Xspi *xspi = &xspis[i];
        bool is = held >> xspi->bit & 1;

        if (is && !xspi->held) {
            memset(n6_value(chip, xspi->base), 0, 0x400);
            forget(xspi);
        }
        xspi->held = is;
    }
    n6_xspim_reset_line(chip, held);
}

static uint64_t data_read(void *opaque, hwaddr at, unsigned size)
{
    Xspi *xspi = opaque;
    uint64_t found = 0;

    for (unsigned i = 0; i < size && xspi->reads && xspi->at < xspi->count; i++) {
        found |= (uint64_t)xspi->data[xspi->at++] << 8 * i;
    }
    if (xspi->reads && xspi->at == xspi->count) {
        finish(xspi);
    }
    return found;
}

static void data_write(void *opaque, hwaddr at, uint64_t given, unsigned size)
{
    Xspi *xspi = opaque;
    XspiCommand what = given_command(xspi);

    for (unsigned i = 0; i < size && xspi->writes && xspi->at < xspi->count; i++) {
        xspi->data[xspi->at++] = given >> 8 * i;
    }
    if (xspi->writes && xspi->at == xspi->count) {
        if (connected(xspi)) {
            xspi->device->write(xspi->chip, &what, xspi->data, xspi->count);
        }
        finish(xspi);
    }
}

static MemTxResult cover_read(void *opaque, hwaddr at, uint64_t *data, unsigned size, MemTxAttrs attributes)
{
    Xspi *xspi = opaque;

    if (!xspi->readable) {
        return MEMTX_ERROR;
    }
    *data = xspi->device->content ? ldn_le_p(xspi->device->content + at, size) : UINT64_MAX;
    return MEMTX_OK;
}

static MemTxResult cover_write(void *opaque, hwaddr at, uint64_t data, unsigned size, MemTxAttrs attributes)
{
    Xspi *xspi = opaque;

    if (!xspi->readable) {
        return MEMTX_ERROR;
    }
    if (!xspi->writable) {
        n6_punish(xspi->chip, xspi->name, xspi->window_at + at,
                  "a write through the window, for which WCCR and WIR hold no instruction that writes", data);
    }
    return MEMTX_OK; /* to an open bus */
}

static const MemoryRegionOps data_ops = {
    .read = data_read, .write = data_write, .endianness = DEVICE_LITTLE_ENDIAN,
    .valid = {.min_access_size = 1, .max_access_size = 4},
};
static const MemoryRegionOps cover_ops = {
    .read_with_attrs = cover_read, .write_with_attrs = cover_write, .endianness = DEVICE_LITTLE_ENDIAN,
    .valid = {.min_access_size = 1, .max_access_size = 8, .unaligned = true},
    .impl = {.min_access_size = 1, .max_access_size = 8, .unaligned = true},
};

void n6_xspi_reset(N6 *chip)
{
    for (unsigned i = 0; i < ARRAY_SIZE(xspis); i++) {
        Xspi *xspi = &xspis[i];

        forget(xspi);
        xspi->held = false;
        if (xspi->device->reset) {
            xspi->device->reset();
        }
        update_window(xspi);
    }
}

static void start(Xspi *xspi, N6Block *block, MemoryRegion *peripherals, MemoryRegion *system)
{
    const XspiDevice *device = xspi->device;

    block->name = xspi->name;
    block->base = xspi->base;
    block->size = 0x400;
    block->registers = registers;
    block->registers_count = ARRAY_SIZE(registers);
    block->clock = AHB5ENR;
    block->clock_bit = xspi->bit;
    n6_add_block(xspi->chip, peripherals, block);
    memory_region_init_io(&xspi->port, NULL, &data_ops, xspi, "XSPI's data", 4);
    memory_region_add_subregion_overlap(peripherals, (xspi->base & 0x0FFFFFFF) + DR, &xspi->port, 1);
    memory_region_init(&xspi->window, NULL, "XSPI's window", device->bytes);
    if (device->content) {
        memory_region_init_ram_ptr(&xspi->content, NULL, xspi->name, device->bytes, device->content);
        memory_region_set_readonly(&xspi->content, !device->maps_write);
        memory_region_add_subregion(&xspi->window, 0, &xspi->content);
    }
    memory_region_init_io(&xspi->cover, NULL, &cover_ops, xspi, "XSPI's window, not mapped", device->bytes);
    memory_region_add_subregion_overlap(&xspi->window, 0, &xspi->cover, 1);
    memory_region_add_subregion(system, xspi->window_at, &xspi->window);
}

void n6_xspi_start(N6 *chip, MemoryRegion *peripherals, MemoryRegion *system, const XspiDevice *first, const XspiDevice *second)
{
    n6_xspim_start(chip, peripherals);
    xspis[0].device = first ? first : n6_open_bus();
    xspis[1].device = second ? second : n6_open_bus();
    for (unsigned i = 0; i < ARRAY_SIZE(xspis); i++) {
        N6Block block = {.read = i ? second_read : first_read, .written = i ? second_written : first_written};

        xspis[i].chip = chip;
        start(&xspis[i], &block, peripherals, system);
    }
}
