/*
 * RCC: oscillators, PLLs, dividers and enables; what runs how fast follows from them.
 *
 * Addresses, fields and names: RM0486 by way of ST's device header (stm32n657xx.h, cmsis-device-n6 1.1.0). The times
 * that something takes to become ready are not ST's: they are long enough to be waited for, no more.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "nightjar_n6.h"
#include "exec/cpu-common.h"
#include "hw/core/cpu.h"
#include "qemu/host-utils.h"
#include "qemu/timer.h"
#include "target/arm/cpu.h"

#define BASE 0x56028000
#define HSI_HZ 64000000
#define HSI 3
#define PLL1 8
#define HSI_READY_NS 2000
#define PLL_READY_NS 50000
#define PLL_STOPPED_NS 10000
#define SWITCH_NS 1000

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
    {.offset = 0x154, .known = 0x00070000, .writable = 0x00070000, .name = "CCIPR5"},
    {.offset = 0x158, .known = 0x01313333, .writable = 0x01313333, .name = "CCIPR6"},
    {.offset = 0x160, .known = 0x00000033, .writable = 0x00000033, .name = "CCIPR8"},
    {.offset = 0x174, .known = 0x77777777, .writable = 0x77777777, .name = "CCIPR13"},
    /* IC dividers: 1, 2, 6 and 11 belong to the CPU and the buses. */
    {.offset = 0x240, .reset = 0, .known = 0x000FFFFF, .writable = 0x000FFFFF, .name = "DIVENR", .set_clear = true},
    ENABLES(0x210, 0x00000030, "AHB1RSTR"),
    ENABLES(0x214, 0x00031000, "AHB2RSTR"),
    ENABLES(0x220, 0xFFDFF1FB, "AHB5RSTR"),
    ENABLES(0x244, 0x00001FFF, "BUSENR"),
    {.offset = 0x24C, .reset = 0x1380, .known = 0x1FFF, .writable = 0x1FFF, .name = "MEMENR", .set_clear = true},
    ENABLES(0x250, 0x00000030, "AHB1ENR"),
    ENABLES(0x254, 0x00031000, "AHB2ENR"),
    ENABLES(0x258, 0x00004717, "AHB3ENR"),
    ENABLES(0x25C, 0x000DE0FF, "AHB4ENR"),
    ENABLES(0x260, 0xFFDFF1FB, "AHB5ENR"),
    ENABLES(0x26C, 0x007FB0F3, "APB2ENR"),
    ENABLES(0x278, 0x00000007, "APB4ENR2"),
    ENABLES(0x284, 0x00000003, "BUSLPENR"),
    ENABLES(0x28C, 0x00001FFF, "MEMLPENR"),
    ENABLES(0x290, 0x00000030, "AHB1LPENR"),
    ENABLES(0x294, 0x00031000, "AHB2LPENR"),
    ENABLES(0x298, 0x00004717, "AHB3LPENR"),
    ENABLES(0x29C, 0x000DE0FF, "AHB4LPENR"),
    ENABLES(0x2A0, 0xFFDFF1FB, "AHB5LPENR"),
    ENABLES(0x2AC, 0x007FB0F3, "APB2LPENR"),
    ENABLES(0x2B8, 0x00000007, "APB4LPENR2"),
};

static uint32_t value(N6 *chip, uint32_t offset)
{
    return *n6_value(chip, BASE + offset);
}

const char *n6_rcc_name(uint32_t offset)
{
    for (unsigned i = 0; i < ARRAY_SIZE(registers); i++) {
        if (registers[i].offset == offset) {
            return registers[i].name;
        }
    }
    return "?";
}

static int64_t now(void)
{
    return qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL);
}

static bool ready(N6 *chip, unsigned source)
{
    int64_t needs = source == HSI ? HSI_READY_NS : PLL_READY_NS;

    return chip->on_since[source] != N6_OFF && now() - chip->on_since[source] >= needs;
}

/* Whether a PLL that was switched off has not come to a stop yet. */
static bool stopping(N6 *chip, unsigned pll)
{
    int64_t since = chip->off_since[PLL1 + pll];

    return since != N6_OFF && now() - since < PLL_STOPPED_NS;
}

/* The output of a PLL by its factors, or 0, and then why. */
static uint64_t pll_factors_hz(N6 *chip, unsigned pll, char **why)
{
    uint32_t factors = value(chip, 0x080 + 0x10 * pll), dividers = value(chip, 0x088 + 0x10 * pll);
    uint32_t m = factors >> 20 & 0x3F, n = factors >> 8 & 0xFFF;
    uint32_t first = dividers >> 27 & 7, second = dividers >> 24 & 7;
    uint32_t fraction = value(chip, 0x084 + 0x10 * pll);
    bool fractional = (dividers & 0xA) == 0xA; /* MODDSEN and DACEN */
    uint64_t parts = ((uint64_t)n << 24) + (fractional ? fraction : 0);
    uint64_t reference = m ? HSI_HZ / m : 0, oscillator = m ? muldiv64(parts, HSI_HZ / m, 1 << 24) : 0;
    const char *wrong = NULL;

    if (factors >> 28 & 7) {
        wrong = "it is not fed from the HSI, the only oscillator of these boards that is modelled";
    } else if (!m || !first || !second) {
        wrong = "a divider of it is 0: DIVM, PDIV1 or PDIV2";
    } else if (reference < 5000000 || reference > 50000000) {
        wrong = "its reference is out of range, 5 to 50 MHz: HSI / DIVM";
    } else if (n < 10 || n > 2500 || oscillator < 800000000 || oscillator > 3200000000u) {
        wrong = "its oscillator is out of range, 800 to 3200 MHz: HSI / DIVM x DIVN";
    } else if (!(dividers >> 30 & 1)) {
        wrong = "its output is off: PDIVEN";
    } else {
        if (fraction && !fractional) {
            n6_note(chip, "RCC: PLL%u has a fraction that does nothing: MODDSEN and DACEN in its CFGR3 are not both 1", pll + 1);
        }
        return oscillator / (first * second);
    }
    if (why) {
        *why = g_strdup_printf("PLL%u gives nothing: %s (DIVM %u, DIVN %u, PDIV1 %u, PDIV2 %u)", pll + 1, wrong, m, n, first,
                               second);
    }
    return 0;
}

/* The output of a PLL, or 0: off, not ready, its source off, or factors that its oscillator cannot do. */
static uint64_t pll_hz(N6 *chip, unsigned pll)
{
    return ready(chip, HSI) ? pll_factors_hz(chip, pll, NULL) : 0;
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

/* Why a switch waits for a divider, to be freed; NULL where it does not, or not for long. */
static char *waits_for(N6 *chip, unsigned ic)
{
    unsigned pll = value(chip, 0x0C4 + 4 * (ic - 1)) >> 28 & 3;
    char *why = NULL;

    if (!(value(chip, 0x240) >> (ic - 1) & 1)) {
        return g_strdup_printf("IC%u, which is not enabled in RCC_DIVENR", ic);
    }
    if (chip->on_since[PLL1 + pll] == N6_OFF) {
        return g_strdup_printf("IC%u, whose source PLL%u is off in RCC_CR", ic, pll + 1);
    }
    if (!pll_factors_hz(chip, pll, &why)) {
        g_autofree char *text = why;

        return g_strdup_printf("IC%u: %s", ic, text);
    }
    return NULL;
}

static bool available(N6 *chip, const unsigned *dividers)
{
    for (; *dividers; dividers++) {
        if (!n6_ic_hz(chip, *dividers)) {
            return false;
        }
    }
    return true;
}

/* Let a switch go where CFGR1 sends it, when its new source has been there for a moment. */
static void go(N6 *chip, const char *name, unsigned wanted, unsigned *from, int64_t *goes, const unsigned *dividers)
{
    if (wanted == *from) {
        *goes = N6_OFF;
        return;
    }
    if (wanted != 0 && wanted != 3) {
        n6_note(chip, "RCC: the %s clock's switch in CFGR1 waits for an oscillator (MSI or HSE) that is not modelled", name);
        return;
    }
    if (wanted == 3 && !available(chip, dividers)) {
        *goes = N6_OFF;
        for (; *dividers; dividers++) {
            g_autofree char *why = waits_for(chip, *dividers);

            if (why) {
                n6_note(chip, "RCC: the %s clock's switch in CFGR1 waits for %s", name, why);
            }
        }
        return;
    }
    if (*goes == N6_OFF) {
        *goes = now();
    }
    if (now() - *goes >= SWITCH_NS) {
        *from = wanted;
        *goes = N6_OFF;
    }
}

static const unsigned core_dividers[] = {1, 0}, system_dividers[] = {2, 6, 11, 0};

uint32_t n6_cpu_hz(N6 *chip)
{
    return chip->core_from == 3 ? n6_ic_hz(chip, 1) : HSI_HZ;
}

uint32_t n6_hclk_hz(N6 *chip)
{
    uint64_t bus = chip->system_from == 3 ? n6_ic_hz(chip, 2) : HSI_HZ;

    return bus >> (value(chip, 0x024) >> 20 & 7);
}

uint32_t n6_apb2_hz(N6 *chip)
{
    return n6_hclk_hz(chip) >> (value(chip, 0x024) >> 4 & 7);
}

bool n6_clocked(N6 *chip, uint32_t enable_register, uint32_t bit)
{
    return value(chip, enable_register) >> bit & 1;
}

/* What stops the core, or is more than it can do. */
static const char *stops(N6 *chip)
{
    const char *limited;

    if ((chip->core_from == 3 && !available(chip, core_dividers)) || (chip->core_from != 3 && !ready(chip, HSI))) {
        return "RCC: what the core runs from was stopped: CFGR1 must have switched before, and CPUSWS say so";
    }
    if (chip->system_from == 3 && !available(chip, system_dividers)) {
        return "RCC: what the buses run from (IC2, IC6, IC11) was stopped: CFGR1 must have switched before, and SYSSWS say so";
    }
    return n6_cpu_hz(chip) > n6_power_limit_hz(chip, &limited) ? limited : NULL;
}

static void settle(N6 *chip)
{
    uint32_t config = value(chip, 0x020);

    go(chip, "core", config >> 16 & 3, &chip->core_from, &chip->core_goes, core_dividers);
    go(chip, "system", config >> 24 & 3, &chip->system_from, &chip->system_goes, system_dividers);
}

void n6_rcc_update(N6 *chip)
{
    const char *stopped;

    settle(chip);
    stopped = stops(chip);
    if (stopped) {
        n6_end(chip, current_cpu ? ARM_CPU(current_cpu)->env.regs[15] : 0, stopped);
    }
    clock_update_hz(chip->cpu_clock, n6_cpu_hz(chip));
    if (chip->core_goes != N6_OFF || chip->system_goes != N6_OFF) {
        timer_mod(chip->clock_timer, now() + SWITCH_NS);
    } else if (value(chip, 0x020) & 0x03030000 && (chip->core_from != 3 || chip->system_from != 3)) {
        timer_mod(chip->clock_timer, now() + PLL_READY_NS);
    }
}

static void clock_time(void *opaque)
{
    n6_rcc_update(opaque);
}

static uint32_t rcc_read(N6 *chip, uint32_t offset, uint32_t given)
{
    switch (offset) {
    case 0x004: {
        uint32_t found = 0;

        for (unsigned source = 0; source < 12; source++) {
            bool runs = source == HSI ? ready(chip, HSI)
                        : source >= PLL1 && ((ready(chip, source) && pll_hz(chip, source - PLL1)) || stopping(chip, source - PLL1));

            found |= (uint32_t)runs << source;
        }
        return found;
    }
    case 0x020:
        n6_rcc_update(chip);
        return (given & 0x03030001) | chip->core_from << 20 | chip->system_from << 28;
    default:
        return given;
    }
}

static void switch_sources(N6 *chip, uint32_t before)
{
    for (unsigned source = 0; source < 12; source++) {
        bool was = before >> source & 1, is = value(chip, 0x000) >> source & 1;
        char *why = NULL;

        if (was == is) {
            continue;
        }
        chip->on_since[source] = is ? now() : N6_OFF;
        chip->off_since[source] = is ? N6_OFF : now();
        if (is && source >= PLL1 && !pll_factors_hz(chip, source - PLL1, &why)) {
            g_autofree char *text = why;

            n6_note(chip, "RCC: %s", text);
        }
    }
}

static void rcc_written(N6 *chip, uint32_t offset, uint32_t before, uint32_t given)
{
    if (offset == 0x000) {
        switch_sources(chip, before);
    }
    if (offset >= 0x080 && offset < 0x0C0 && (offset & 8) == 0) {
        unsigned pll = (offset - 0x080) >> 4;

        if (chip->on_since[PLL1 + pll] != N6_OFF || stopping(chip, pll)) {
            n6_punish(chip, "RCC", BASE + offset,
                      "a PLL's factors were written while it is on, or has not stopped (PLLxRDY in SR)", given);
        }
    }
    if (offset == 0x240) {
        for (unsigned ic = 1; ic <= 20; ic++) {
            unsigned pll = value(chip, 0x0C4 + 4 * (ic - 1)) >> 28 & 3;

            if ((value(chip, 0x240) & ~before) >> (ic - 1) & 1 && !ready(chip, PLL1 + pll)) {
                g_autofree char *text = g_strdup_printf("IC%u was enabled before its source PLL%u was ready (PLL%uRDY in SR)", ic,
                                                        pll + 1, pll + 1);
                n6_punish(chip, "RCC", BASE + offset, text, given);
            }
        }
    }
    if (offset == 0x020 && (before ^ value(chip, 0x020)) & 0x03030000 && n6_usart_may_send(chip)) {
        n6_punish(chip, "RCC", BASE + offset,
                  "the clocks were switched while USART1 may be sending, whose bytes are garbled then (TC in ISR)", given);
    }
    if (offset == 0x220) {
        n6_xspi_reset_lines(chip, value(chip, 0x220));
        n6_npu_reset_line(chip, value(chip, 0x220));
        n6_sdmmc_reset_line(chip, value(chip, 0x220));
    }
    if (offset == 0x034 && given >> 16 & 1) { /* RMVF */
        *n6_value(chip, BASE + 0x034) = 0;
    }
    n6_rcc_update(chip);
    n6_update_memories(chip);
    n6_xspi_update(chip);
    n6_npu_update(chip);
}

void n6_rcc_start(N6 *chip, MemoryRegion *system)
{
    const N6Block what = {
        .name = "RCC", .base = BASE, .size = 0x1400, .registers = registers,
        .registers_count = ARRAY_SIZE(registers), .read = rcc_read, .written = rcc_written,
    };

    n6_add_block(chip, system, &what);
    chip->clock_timer = timer_new_ns(QEMU_CLOCK_VIRTUAL, clock_time, chip);
}

void n6_rcc_reset(N6 *chip)
{
    for (unsigned source = 0; source < ARRAY_SIZE(chip->on_since); source++) {
        chip->on_since[source] = chip->off_since[source] = N6_OFF;
    }
    chip->on_since[HSI] = -HSI_READY_NS;
    chip->core_from = chip->system_from = 0;
    chip->core_goes = chip->system_goes = N6_OFF;
    timer_del(chip->clock_timer);
    clock_update_hz(chip->cpu_clock, n6_cpu_hz(chip));
}
