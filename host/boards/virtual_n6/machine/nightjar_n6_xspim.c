/*
 * XSPIM, and the pins that it leads XSPI1 and XSPI2 to: which of them, which supply and which clock let a memory hear anything.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "nightjar_n6_xspi.h"

#define BASE 0x5802B400
#define AHB5ENR 0x260
#define ENABLE_BIT 13 /* of AHB5ENR and AHB5RSTR */
#define GPION 0x56023400
#define GPIOO 0x56023800
#define GPIOP 0x56023C00
#define OPEN_BUS_BYTES 0x10000000 /* all that an XSPI can address */

static const N6Register registers[] = {
    {.offset = 0x000, .known = 0x00FF0073, .writable = 0x00FF0073, .name = "CR"},
};

typedef struct {
    unsigned source; /* where XSPIxSEL begins in CCIPR6 */
    unsigned supply; /* VDDIO2 or VDDIO3 */
    unsigned override; /* CSSEL_OVR_Ox in CR */
    struct {
        uint32_t port;
        uint16_t pins, wide; /* that it needs, and that it needs beside them for sixteen data lines */
    } ports[2];
} Lines;

/* Of the PSRAM selection, DQS, clock and data; of the NOR selection and clock. */
static const Lines lines[N6_XSPIS] = {
    {.source = 0, .supply = 2, .override = 5, .ports = {{GPIOO, 1 << 0 | 1 << 2 | 1 << 4, 1 << 3}, {GPIOP, 0x00FF, 0xFF00}}},
    {.source = 4, .supply = 3, .override = 6, .ports = {{GPION, 1 << 1 | 1 << 6}}},
};

/* Whether all of `pins` are handed to the multiplexer: alternate function 9. */
static bool taken(N6 *chip, uint32_t port, uint16_t pins)
{
    for (unsigned pin = 0; pin < 16; pin++) {
        uint32_t function = *n6_value(chip, port + (pin < 8 ? 0x20 : 0x24)) >> 4 * (pin % 8) & 15;

        if (pins >> pin & 1 && ((*n6_value(chip, port) >> 2 * pin & 3) != 2 || function != 9)) {
            return false;
        }
    }
    return true;
}

const char *n6_xspim_deaf(N6 *chip, unsigned xspi, bool second, bool wide)
{
    const Lines *its = &lines[xspi];
    uint32_t multiplexed = *n6_value(chip, BASE);
    unsigned source = *n6_value(chip, 0x56028158) >> its->source & 3;

    if (multiplexed >> 4 & 1) {
        second = multiplexed >> its->override & 1;
    }
    if (source > 1 && !n6_ic_hz(chip, source + 1)) {
        return "the divider that its clock comes from does not run (RCC_CCIPR6)";
    }
    if (!n6_clocked(chip, AHB5ENR, ENABLE_BIT)) {
        return "XSPIM has no clock (bit 13 of RCC_AHB5ENR is 0)";
    }
    if (multiplexed & 3 || second) {
        return "XSPIM leads it to other pins (MUXEN, MODE and CSSEL)";
    }
    if (!(*n6_value(chip, 0x5602483C) >> (its->supply + 6) & 1)) {
        return "its pins' supply is not said to be valid (VDDIO2SV, VDDIO3SV in PWR_SVMCR3)";
    }
    for (unsigned i = 0; i < ARRAY_SIZE(its->ports) && its->ports[i].port; i++) {
        if (!taken(chip, its->ports[i].port, its->ports[i].pins | (wide ? its->ports[i].wide : 0))) {
            return "a pin is not its own (MODER, AFRL, AFRH)";
        }
    }
    return NULL;
}

void n6_xspim_reset_line(N6 *chip, uint32_t held)
{
    if (held >> ENABLE_BIT & 1) {
        *n6_value(chip, BASE) = 0;
    }
}

void n6_xspim_start(N6 *chip, MemoryRegion *peripherals)
{
    const N6Block block = {
        .name = "XSPIM", .base = BASE, .size = 0x400, .registers = registers, .registers_count = ARRAY_SIZE(registers),
        .clock = AHB5ENR, .clock_bit = ENABLE_BIT,
    };

    n6_add_block(chip, peripherals, &block);
}

static void nothing_reads(N6 *chip, const XspiCommand *command, uint8_t *bytes, unsigned count)
{
    memset(bytes, 0xFF, count); /* inferred, as in the window */
}

static void nothing_writes(N6 *chip, const XspiCommand *command, const uint8_t *bytes, unsigned count)
{
}

static bool nothing_maps(N6 *chip, const XspiCommand *command)
{
    return true;
}

const XspiDevice *n6_open_bus(void)
{
    static const XspiDevice nothing = {
        .bytes = OPEN_BUS_BYTES, .read = nothing_reads, .write = nothing_writes, .maps_read = nothing_maps,
        .maps_write = nothing_maps,
    };

    return &nothing;
}
