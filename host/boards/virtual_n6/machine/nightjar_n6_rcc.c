/*
 * RCC: oscillators, PLLs, dividers and enables; what runs how fast follows from them.
 *
 * Addresses, fields and names: RM0486 by way of ST's device header (stm32n657xx.h, cmsis-device-n6 1.1.0). The times
 * that something takes to become ready are not ST's: they are long enough to be waited for, no more.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "nightjar_n6.h"
#include "exec/cpu-common.h"
#include "qemu/timer.h"

#define BASE 0x56028000
#define HSI_HZ 64000000
#define HSI 3
#define PLL1 8
#define HSI_READY_NS 2000
#define PLL_READY_NS 50000

#define ENABLES(at, bits, called) \
    {.offset = at, .known = bits, .writable = bits, .name = called, .set_clear = true}

static const N6Register registers[] = {
    {.offset = 0x000, .reset = 1 << HSI, .known = 0xF1F, .writable = 0xF1F, .name = "CR", .set_clear = true},
    {.offset = 0x004, .known = 0xF1F, .name = "SR"},
    {.offset = 0x020, .known = 0x33330001, .writable = 0x03030001, .name = "CFGR1"},
    {.offset = 0x024, .known = 0x03777077, .writable = 0x03777077, .name = "CFGR2"},
    {.offset = 0x034, .reset = 1 << 23 | 1 << 22 | 1 << 21, .known = 0x55E30000, .writable = 0x55E30000, .name = "RSR"},
    {.offset = 0x048, .known = 0xFFFF0180, .writable = 0x007F0180, .name = "HSICFGR"},
    /* PLL1 to PLL4: factors, fraction, dividers. */
    {.offset = 0x080, .known = 0x7BFFFF00, .writable = 0x7BFFFF00, .name = "PLLxCFGR1", .count = 4, .stride = 0x10},
    {.offset = 0x084, .known = 0x00FFFFFF, .writable = 0x00FFFFFF, .name = "PLLxCFGR2", .count = 4, .stride = 0x10},
    {.offset = 0x088, .known = 0x7F1F0F1F, .writable = 0x7F1F0F1F, .name = "PLLxCFGR3", .count = 4, .stride = 0x10},
    {.offset = 0x0C4, .known = 0x30FF0000, .writable = 0x30FF0000, .name = "ICxCFGR", .count = 20, .stride = 4},
    {.offset = 0x158, .known = 0x01313333, .writable = 0x01313333, .name = "CCIPR6"},
    {.offset = 0x174, .known = 0x77777777, .writable = 0x77777777, .name = "CCIPR13"},
    /* IC dividers: 1, 2, 6 and 11 belong to the CPU and the buses. */
    {.offset = 0x240, .reset = 0, .known = 0x000FFFFF, .writable = 0x000FFFFF, .name = "DIVENR", .set_clear = true},
    ENABLES(0x244, 0x00000003, "BUSENR"),
    {.offset = 0x24C, .reset = 0x1380, .known = 0x1FFF, .writable = 0x1FFF, .name = "MEMENR", .set_clear = true},
    ENABLES(0x254, 0x00031000, "AHB2ENR"),
    ENABLES(0x258, 0x00004717, "AHB3ENR"),
    ENABLES(0x25C, 0x000DE0FF, "AHB4ENR"),
    ENABLES(0x260, 0xFFFFFFFF, "AHB5ENR"),
    ENABLES(0x26C, 0x001F0033, "APB2ENR"),
    ENABLES(0x278, 0x00000007, "APB4ENR2"),
    ENABLES(0x284, 0x00000003, "BUSLPENR"),
    ENABLES(0x28C, 0x00001FFF, "MEMLPENR"),
    ENABLES(0x298, 0x00004717, "AHB3LPENR"),
    ENABLES(0x29C, 0x000DE0FF, "AHB4LPENR"),
    ENABLES(0x2A0, 0xFFFFFFFF, "AHB5LPENR"),
    ENABLES(0x2AC, 0x001F0033, "APB2LPENR"),
};

static uint32_t value(N6 *chip, uint32_t offset)
{
    return *n6_value(chip, BASE + offset);
}

static bool ready(N6 *chip, unsigned source)
{
    int64_t now = qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL);
    int64_t needs = source == HSI ? HSI_READY_NS : PLL_READY_NS;

    return chip->on_since[source] != N6_OFF && now - chip->on_since[source] >= needs;
}

/* The output of a PLL, or 0: off, not ready, its source off, or factors that its oscillator cannot do. */
static uint64_t pll_hz(N6 *chip, unsigned pll)
{
    uint32_t factors = value(chip, 0x080 + 0x10 * pll), dividers = value(chip, 0x088 + 0x10 * pll);
    uint32_t m = factors >> 20 & 0x3F, n = factors >> 8 & 0xFFF;
    uint32_t first = dividers >> 27 & 7, second = dividers >> 24 & 7;

    if (factors >> 28 & 7 || !ready(chip, HSI) || !m || !first || !second || !(dividers >> 30 & 1)) {
        return 0;
    }
    uint64_t oscillator = (uint64_t)HSI_HZ / m * n;
    if (HSI_HZ / m < 5000000 || oscillator < 800000000 || oscillator > 3200000000u) {
        return 0;
    }
    return oscillator / (first * second);
}

/* The output of an IC divider, or 0. */
uint64_t n6_ic_hz(N6 *chip, unsigned ic)
{
    uint32_t config = value(chip, 0x0C4 + 4 * (ic - 1));
    unsigned pll = config >> 28 & 3;

    if (!(value(chip, 0x240) >> (ic - 1) & 1) || !ready(chip, PLL1 + pll)) {
        return 0;
    }
    return pll_hz(chip, pll) / ((config >> 16 & 0xFF) + 1);
}

static unsigned cpu_source(N6 *chip)
{
    unsigned wanted = value(chip, 0x020) >> 16 & 3;

    return wanted == 3 && !n6_ic_hz(chip, 1) ? 0 : wanted;
}

static unsigned system_source(N6 *chip)
{
    unsigned wanted = value(chip, 0x020) >> 24 & 3;

    return wanted == 3 && !(n6_ic_hz(chip, 2) && n6_ic_hz(chip, 6) && n6_ic_hz(chip, 11)) ? 0 : wanted;
}

uint32_t n6_cpu_hz(N6 *chip)
{
    return cpu_source(chip) == 3 ? n6_ic_hz(chip, 1) : HSI_HZ;
}

uint32_t n6_apb2_hz(N6 *chip)
{
    uint32_t config = value(chip, 0x024);
    uint64_t bus = system_source(chip) == 3 ? n6_ic_hz(chip, 2) : HSI_HZ;
    unsigned apb = config >> 4 & 7;

    return bus >> (config >> 20 & 7) >> apb;
}

bool n6_clocked(N6 *chip, uint32_t enable_register, uint32_t bit)
{
    return value(chip, enable_register) >> bit & 1;
}

static uint32_t rcc_read(N6 *chip, uint32_t offset, uint32_t given)
{
    switch (offset) {
    case 0x004: {
        uint32_t found = 0;

        for (unsigned source = 0; source < 12; source++) {
            bool runs = source == HSI || (source >= PLL1 && pll_hz(chip, source - PLL1));

            found |= (uint32_t)(runs && ready(chip, source)) << source;
        }
        return found;
    }
    case 0x020:
        return (given & 0x03030001) | cpu_source(chip) << 20 | system_source(chip) << 28;
    default:
        return given;
    }
}

static void rcc_written(N6 *chip, uint32_t offset, uint32_t before, uint32_t given)
{
    if (offset == 0x000) {
        for (unsigned source = 0; source < 12; source++) {
            bool was = before >> source & 1, is = value(chip, 0x000) >> source & 1;

            if (was != is) {
                chip->on_since[source] = is ? qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL) : N6_OFF;
            }
        }
        if (cpu_source(chip) == 0 && !(value(chip, 0x000) >> HSI & 1)) {
            n6_punish(chip, "RCC", BASE, "the oscillator that the core runs from was switched off", given);
        }
    }
    if (offset == 0x034 && given >> 16 & 1) { /* RMVF */
        *n6_value(chip, BASE + 0x034) = 0;
    }
    clock_update_hz(chip->cpu_clock, n6_cpu_hz(chip));
    n6_update_memories(chip);
}

void n6_rcc_start(N6 *chip, MemoryRegion *system)
{
    const N6Block what = {
        .name = "RCC", .base = BASE, .size = 0x1400, .registers = registers,
        .registers_count = ARRAY_SIZE(registers), .read = rcc_read, .written = rcc_written,
    };
    n6_add_block(chip, system, &what);
}

void n6_rcc_reset(N6 *chip)
{
    for (unsigned source = 0; source < ARRAY_SIZE(chip->on_since); source++) {
        chip->on_since[source] = N6_OFF;
    }
    chip->on_since[HSI] = -HSI_READY_NS;
    clock_update_hz(chip->cpu_clock, n6_cpu_hz(chip));
}
