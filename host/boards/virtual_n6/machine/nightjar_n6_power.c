/*
 * PWR: whether the core's supply is the one that the board has, its voltage, and what the core may run at with it.
 *
 * The STM32N6570-DK has a converter of its own, which gives the higher voltage when PF4 asks for it; the NUCLEO-N657X0-Q uses
 * the chip's, which follows the scale (sources: the port's README). The scales' limits, 600 and 800 MHz, are those by which ST
 * sets clocks. How long a voltage takes is not ST's: longer than a PLL, so that whoever does not wait is too early.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "nightjar_n6.h"
#include "hw/core/cpu.h"
#include "qemu/timer.h"

#define BASE 0x56024800
#define CR1 0x000
#define VOSCR 0x020
#define SDEN (1u << 2)
#define VOLTAGE_NS 80000

static const N6Register registers[] = {
    {.offset = CR1, .reset = SDEN, .known = 0x001F8134, .writable = 0x001F0134, .name = "CR1"},
    {.offset = VOSCR, .known = 0x00030003, .writable = 0x00000001, .name = "VOSCR"},
    {.offset = 0x030, .known = 0x00010303, .writable = 0x00010001, .name = "CPUCR"},
    {.offset = 0x034, .known = 0x03010101, .writable = 0x03000101, .name = "SVMCR1"},
    {.offset = 0x038, .known = 0x03010101, .writable = 0x03000101, .name = "SVMCR2"},
    {.offset = 0x03C, .known = 0x07171717, .writable = 0x07001717, .name = "SVMCR3"},
};

static bool passed(int64_t since)
{
    return since != N6_OFF && qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL) - since >= VOLTAGE_NS;
}

static bool supplied(N6 *chip)
{
    bool own = *n6_value(chip, BASE + CR1) & SDEN;

    return own == chip->is_nucleo && passed(chip->supplied_since);
}

static bool raised(N6 *chip)
{
    return supplied(chip) && passed(chip->raised_since);
}

/* Whether PF4 of the STM32N6570-DK drives high. */
static bool converter_asked(N6 *chip)
{
    return (*n6_value(chip, 0x56021400) >> 8 & 3) == 1 && *n6_value(chip, 0x56021414) >> 4 & 1;
}

uint32_t n6_power_limit_hz(N6 *chip, const char **why)
{
    if (!supplied(chip)) {
        *why = "PWR: the core was made faster than 64 MHz before its supply was ready (ACTVOSRDY in VOSCR)";
        return 64000000;
    }
    if (!raised(chip)) {
        *why = "PWR: the core was made faster than the lower voltage allows, 600 MHz, before the higher was asked for and ready "
               "(VOS and VOSRDY in VOSCR)";
        return 600000000;
    }
    if (!chip->is_nucleo && !converter_asked(chip)) {
        *why = "GPIOF: the core was made faster than 600 MHz while the STM32N6570-DK's converter gives the lower voltage: PF4 does "
               "not drive high";
        return 600000000;
    }
    *why = "RCC: the core was made faster than 800 MHz, more than any voltage allows";
    return 800000000;
}

static uint32_t power_read(N6 *chip, uint32_t offset, uint32_t given)
{
    if (offset != VOSCR) {
        return given;
    }
    return (given & 1) | (supplied(chip) && raised(chip) == (given & 1)) << 1 | raised(chip) << 16 | supplied(chip) << 17;
}

static void power_written(N6 *chip, uint32_t offset, uint32_t before, uint32_t given)
{
    uint32_t is = *n6_value(chip, BASE + offset);

    if (offset == CR1 && (chip->supplied_since == N6_OFF || (is ^ before) & SDEN)) {
        chip->supplied_since = qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL);
        if (chip->is_nucleo && !(is & SDEN)) {
            n6_punish(chip, "PWR", BASE + CR1, "the chip's converter was switched off, and a NUCLEO-N657X0-Q has no other for the core",
                      is);
        }
        if (!chip->is_nucleo && is & SDEN) {
            n6_note(chip, "PWR: CR1.SDEN is set, and the core of an STM32N6570-DK is fed by the board's converter: VOSCR gets never ready");
        }
    }
    if (offset == VOSCR && (is ^ before) & 1) {
        chip->raised_since = is & 1 ? qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL) : N6_OFF;
    }
    n6_rcc_update(chip);
    n6_xspi_update(chip);
}

void n6_power_reset(N6 *chip)
{
    chip->supplied_since = chip->raised_since = N6_OFF;
}

void n6_power_start(N6 *chip, MemoryRegion *system)
{
    const N6Block what = {
        .name = "PWR", .base = BASE, .size = 0x80, .registers = registers, .registers_count = ARRAY_SIZE(registers),
        .clock = 0x25C, .clock_bit = 18, .read = power_read, .written = power_written,
    };

    n6_add_block(chip, system, &what);
}
