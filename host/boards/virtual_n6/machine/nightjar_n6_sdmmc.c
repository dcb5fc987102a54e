/*
 * SDMMC2 as far as a driver needs it that looks at flags and has its internal DMA move the data: commands, their answers and
 * timeouts; blocks in single-buffer mode. Its FIFO by the core, its interrupts and linked buffers are not modelled, and end the run.
 *
 * Registers and bits: RM0486 by way of ST's device header (stm32n657xx.h, cmsis-device-n6 1.1.0); the order in which flags rise is
 * that of ST's drivers (stm32n6xx_ll_sdmmc.c, stm32n6xx_hal_sd.c of stm32n6xx-hal-driver 1.1.0).
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "nightjar_n6_card.h"
#include "hw/core/cpu.h"
#include "qemu/timer.h"

#define BASE 0x58026800
#define RCC 0x56028000
#define AHB5ENR 0x260
#define AHB5LPENR 0x2A0
#define CLOCK_BIT 7
#define PORT_C 0x56020800
#define PORT_E 0x56021000
#define FUNCTION 11
#define SVMCR2 0x56024838
#define VDDIO5SV (1u << 8)
#define LATENCY_NS 100000 /* until a card's first block; a guess, as the one below */
#define BLOCK_NS 20000 /* beside its bits */
#define MOST (1u << 25) /* DLEN */

enum {
    POWER = 0x00, CLKCR = 0x04, ARG = 0x08, CMD = 0x0C, RESPCMD = 0x10, RESP1 = 0x14, DTIMER = 0x24, DLEN = 0x28, DCTRL = 0x2C,
    DCOUNT = 0x30, STA = 0x34, ICR = 0x38, IDMACTRL = 0x50, IDMABASER = 0x58,
};
enum {
    CCRCFAIL = 1 << 0, DCRCFAIL = 1 << 1, CTIMEOUT = 1 << 2, DTIMEOUT = 1 << 3, CMDREND = 1 << 6, CMDSENT = 1 << 7, DATAEND = 1 << 8,
    DABORT = 1 << 11, DPSMACT = 1 << 12, CPSMACT = 1 << 13, BUSYD0 = 1 << 20, BUSYD0END = 1 << 21, IDMATE = 1 << 27,
};
enum { CMDTRANS = 1 << 6, CMDSTOP = 1 << 7, CPSMEN = 1 << 12 };
enum { DTEN = 1 << 0, DTDIR = 1 << 1 };
enum { NO_ANSWER, SHORT, SHORT_WITHOUT_CRC, LONG };

static const N6Register registers[] = {
    {.offset = POWER, .known = 0x1F, .writable = 0x1F, .name = "POWER"},
    {.offset = CLKCR, .known = 0x003FD3FF, .writable = 0x003FD3FF, .name = "CLKCR"},
    {.offset = ARG, .known = 0xFFFFFFFF, .writable = 0xFFFFFFFF, .name = "ARG"},
    {.offset = CMD, .known = 0x0001FFFF, .writable = 0x0001FFFF, .name = "CMD"},
    {.offset = RESPCMD, .known = 0x3F, .name = "RESPCMD"},
    {.offset = RESP1, .known = 0xFFFFFFFF, .name = "RESPx", .count = 4, .stride = 4},
    {.offset = DTIMER, .known = 0xFFFFFFFF, .writable = 0xFFFFFFFF, .name = "DTIMER"},
    {.offset = DLEN, .known = MOST - 1, .writable = MOST - 1, .name = "DLEN"},
    {.offset = DCTRL, .known = 0x3FFF, .writable = 0x1FFF, .name = "DCTRL"},
    {.offset = DCOUNT, .known = MOST - 1, .name = "DCOUNT"},
    {.offset = STA, .known = 0x1FFFFFFF, .name = "STA"},
    {.offset = ICR, .known = 0x1FE00FFF, .name = "ICR"},
    {.offset = IDMACTRL, .known = 0x00000003, .writable = 0x00000003, .name = "IDMACTRL"},
    {.offset = IDMABASER, .known = 0xFFFFFFFF, .writable = 0xFFFFFFFF, .name = "IDMABASER"},
};

static struct {
    N6 *chip;
    uint32_t flags;
    QEMUTimer *command_timer, *data_timer;
    uint8_t *buffer;
    bool held; /* in reset by RCC_AHB5RSTR */
    CardData data; /* that the card has begun */
    uint32_t ends; /* the flag that the data will end with */
    bool busy; /* D0 was low at the last look */
} sdmmc;

static uint32_t value(uint32_t offset)
{
    return *n6_value(sdmmc.chip, BASE + offset);
}

static void set(uint32_t offset, uint32_t to)
{
    *n6_value(sdmmc.chip, BASE + offset) = to;
}

static uint64_t kernel_hz(void)
{
    switch (*n6_value(sdmmc.chip, RCC + 0x160) >> 4 & 3) { /* CCIPR8.SDMMC2SEL */
    case 0:
        return n6_hclk_hz(sdmmc.chip);
    case 2:
        return n6_ic_hz(sdmmc.chip, 4);
    case 3:
        return n6_ic_hz(sdmmc.chip, 5);
    default:
        n6_note(sdmmc.chip, "SDMMC2: its kernel clock CLKP is not modelled (SDMMC2SEL in RCC_CCIPR8)");
        return 0;
    }
}

/* SDMMC_CK. */
static uint64_t bus_hz(void)
{
    uint32_t divider = value(CLKCR) & 0x3FF;

    return kernel_hz() / (divider ? 2 * divider : 1);
}

static bool is_its(uint32_t port, unsigned pin)
{
    uint32_t mode = *n6_value(sdmmc.chip, port) >> (2 * pin) & 3;
    uint32_t function = *n6_value(sdmmc.chip, port + 0x20 + 4 * (pin / 8)) >> (4 * (pin % 8)) & 15;

    return mode == 2 && function == FUNCTION;
}

/* Why no card hears it; NULL where one does. */
static const char *deaf(void)
{
    if ((value(POWER) & 3) != 3) {
        return "the card's power is off (PWRCTRL in SDMMC_POWER)";
    }
    if (sdmmc.chip->is_nucleo) {
        return "the Nucleo has no card's slot";
    }
    if (!(*n6_value(sdmmc.chip, SVMCR2) & VDDIO5SV)) {
        return "its pins are dead: PWR_SVMCR2.VDDIO5SV does not say that their supply is valid";
    }
    if (!is_its(PORT_C, 0) || !is_its(PORT_C, 4) || !is_its(PORT_C, 5)) {
        return "PC0, PC4 and PC5 are not its command, clock and data 0 (alternate function 11)";
    }
    if (!bus_hz()) {
        return "its kernel clock stands still (SDMMC2SEL in RCC_CCIPR8)";
    }
    return NULL;
}

static bool wide(void)
{
    return (value(CLKCR) >> 14 & 3) == 1;
}

static int64_t in_bits(uint64_t bits)
{
    return bits * 1000000000 / MAX(bus_hz(), 1);
}

static void later(QEMUTimer *timer, int64_t ns)
{
    timer_mod(timer, qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL) + ns);
}

/* With which flag data will end that are to go now. */
static uint32_t prospect(uint32_t *blocks)
{
    uint32_t control = value(DCTRL), length = value(DLEN);
    bool reads = sdmmc.data == CARD_READS || sdmmc.data == CARD_READS_MANY;

    *blocks = length / N6_CARD_BLOCK;
    if (!(value(IDMACTRL) & 1)) {
        n6_punish(sdmmc.chip, "SDMMC2", BASE + IDMACTRL, "data without its internal DMA are not modelled", value(IDMACTRL));
    }
    if (value(IDMACTRL) & 2 || control & 0xC) {
        n6_punish(sdmmc.chip, "SDMMC2", BASE + DCTRL, "linked buffers, streams and SDIO are not modelled", control);
    }
    if (sdmmc.data == CARD_NO_DATA || !!(control & DTDIR) != reads) {
        n6_note(sdmmc.chip, "SDMMC2: no data come: the card has begun none in the direction of DTDIR");
        return DTIMEOUT;
    }
    if ((control >> 4 & 15) != 9 || length % N6_CARD_BLOCK || !length) {
        n6_note(sdmmc.chip, "SDMMC2: a card's blocks have 512 bytes (DBLOCKSIZE 9, DLEN)");
        return DCRCFAIL;
    }
    if (wide() != n6_card_wide()) {
        n6_note(sdmmc.chip, "SDMMC2: it uses %s (WIDBUS), and the card does not (ACMD6)", wide() ? "four lines" : "one line");
        return DCRCFAIL;
    }
    if (wide() && (!is_its(PORT_C, 2) || !is_its(PORT_C, 3) || !is_its(PORT_E, 4))) {
        n6_note(sdmmc.chip, "SDMMC2: PC2, PC3 and PE4 are not its data 2, 3 and 1 (alternate function 11)");
        return DCRCFAIL;
    }
    if (in_bits(value(DTIMER)) < LATENCY_NS) {
        n6_note(sdmmc.chip, "SDMMC2: the time for data is shorter than the card takes (DTIMER)");
        return DTIMEOUT;
    }
    return DATAEND;
}

static void begin_data(void)
{
    uint32_t blocks, bits;

    sdmmc.ends = prospect(&blocks);
    sdmmc.flags |= DPSMACT;
    set(DCOUNT, value(DLEN));
    bits = N6_CARD_BLOCK * 8 / (wide() ? 4 : 1);
    later(sdmmc.data_timer, sdmmc.ends == DTIMEOUT ? in_bits(value(DTIMER))
                                                   : LATENCY_NS + blocks * (BLOCK_NS + in_bits(bits)));
}

/* All of the data at once. */
static void data_done(void *opaque)
{
    N6Master master = {
        .name = "SDMMC2", .trusted = n6_rif_trusts_sdmmc2(sdmmc.chip),
        .untrusted = "its master is not secure, privileged and of compartment 1 (RIFSC_RIMC_ATTR3)",
    };
    uint32_t blocks = value(DLEN) / N6_CARD_BLOCK, bytes = blocks * N6_CARD_BLOCK, at = value(IDMABASER) & ~3u;
    bool reads = value(DCTRL) & DTDIR;

    if (!n6_clocked(sdmmc.chip, AHB5ENR, CLOCK_BIT) || (first_cpu->halted && !n6_clocked(sdmmc.chip, AHB5LPENR, CLOCK_BIT))) {
        n6_note(sdmmc.chip, "SDMMC2: its data wait: it has no clock, awake or asleep (bit 7 of RCC_AHB5ENR, RCC_AHB5LPENR)");
        later(sdmmc.data_timer, LATENCY_NS);
        return;
    }
    if (sdmmc.ends == DATAEND) {
        if (reads) {
            memset(sdmmc.buffer, 0, bytes);
            if (!n6_card_read(sdmmc.buffer, blocks)) {
                sdmmc.ends = DTIMEOUT;
            } else if (!n6_master_write(sdmmc.chip, &master, at, sdmmc.buffer, bytes)) {
                sdmmc.ends = IDMATE;
            }
        } else if (!n6_master_read(sdmmc.chip, &master, at, sdmmc.buffer, bytes)) {
            sdmmc.ends = IDMATE;
        } else if (!n6_card_write(sdmmc.buffer, blocks)) {
            sdmmc.ends = DCRCFAIL; /* the card takes no more blocks, and tells no status */
        }
    }
    sdmmc.flags = (sdmmc.flags & ~DPSMACT) | sdmmc.ends;
    set(DCOUNT, sdmmc.ends == DATAEND ? 0 : value(DLEN));
    set(DCTRL, value(DCTRL) & ~DTEN);
    sdmmc.data = CARD_NO_DATA;
}

/* What the answer is taken for, given what was waited for. */
static uint32_t taken_as(CardAnswer answer, unsigned waits)
{
    if (waits == NO_ANSWER) {
        return CMDSENT;
    }
    if (answer == CARD_SILENT) {
        return CTIMEOUT;
    }
    if ((answer == CARD_R2) != (waits == LONG)) {
        n6_note(sdmmc.chip, "SDMMC2: WAITRESP waits for %s answer than the card gave", waits == LONG ? "a longer" : "a shorter");
        return waits == LONG ? CTIMEOUT : CCRCFAIL;
    }
    return answer == CARD_R3 && waits == SHORT ? CCRCFAIL : CMDREND; /* R3 has no CRC */
}

static void command_done(void *opaque)
{
    uint32_t command = value(CMD), words[4] = {0};
    unsigned waits = command >> 8 & 3;
    const char *why = deaf();
    CardAnswer answer = CARD_SILENT;
    CardData data = CARD_NO_DATA;
    uint32_t flag;

    if (why) {
        n6_note(sdmmc.chip, "SDMMC2: no card hears it: %s", why);
    } else {
        answer = n6_card_command(command & 63, value(ARG), bus_hz(), words, &data);
    }
    flag = taken_as(answer, waits);
    sdmmc.flags = (sdmmc.flags & ~CPSMACT) | flag;
    if (flag == CMDREND) {
        set(RESPCMD, answer == CARD_R2 || answer == CARD_R3 ? 0x3F : command & 0x3F);
        for (unsigned i = 0; i < 4; i++) {
            set(RESP1 + 4 * i, words[i]);
        }
    }
    if (data != CARD_NO_DATA) {
        sdmmc.data = data;
    }
    if (command & CMDSTOP && sdmmc.flags & DPSMACT) {
        timer_del(sdmmc.data_timer);
        sdmmc.flags = (sdmmc.flags & ~DPSMACT) | DABORT;
        sdmmc.data = CARD_NO_DATA;
    } else if (command & CMDTRANS && flag == CMDREND) {
        begin_data();
    }
}

static uint32_t sdmmc_read(N6 *chip, uint32_t offset, uint32_t given)
{
    if (offset != STA) {
        return given;
    }
    if (sdmmc.busy && !n6_card_busy()) {
        sdmmc.flags |= BUSYD0END;
    }
    sdmmc.busy = n6_card_busy();
    return sdmmc.flags | (sdmmc.busy ? BUSYD0 : 0);
}

static void sdmmc_written(N6 *chip, uint32_t offset, uint32_t before, uint32_t given)
{
    n6_master_begin(chip);
    if (sdmmc.held) {
        n6_punish(chip, "SDMMC2", BASE + offset, "a write while it is held in reset (bit 7 of RCC_AHB5RSTR)", given);
    }
    if ((offset == DTIMER || offset == DLEN || offset == DCTRL || offset == IDMACTRL || offset == IDMABASER) &&
        sdmmc.flags & DPSMACT) {
        n6_punish(chip, "SDMMC2", BASE + offset, "a write while data are under way (DPSMACT)", given);
    }
    if (offset == ICR) {
        sdmmc.flags &= ~given;
    } else if (offset == POWER) {
        n6_card_power((given & 3) == 3);
    } else if (offset == CMD && given & CPSMEN) {
        if (sdmmc.flags & CPSMACT) {
            n6_punish(chip, "SDMMC2", BASE + offset, "a command while another is under way (CPSMACT)", given);
        }
        sdmmc.flags |= CPSMACT;
        later(sdmmc.command_timer, in_bits(48 + 8 + ((given >> 8 & 3) == LONG ? 136 : 48)));
    } else if (offset == DCTRL && given & DTEN) {
        begin_data();
    }
}

void n6_sdmmc_reset(N6 *chip)
{
    timer_del(sdmmc.command_timer);
    timer_del(sdmmc.data_timer);
    sdmmc.flags = 0;
    sdmmc.held = sdmmc.busy = false;
    sdmmc.data = CARD_NO_DATA;
    for (unsigned i = 0; i < ARRAY_SIZE(registers); i++) {
        set(registers[i].offset, 0);
    }
    n6_card_power(false);
}

void n6_sdmmc_reset_line(N6 *chip, uint32_t held)
{
    bool now = held >> CLOCK_BIT & 1;

    if (now && !sdmmc.held) {
        n6_sdmmc_reset(chip);
    }
    sdmmc.held = now;
}

void n6_sdmmc_start(N6 *chip, MemoryRegion *peripherals, const char *image)
{
    const N6Block what = {
        .name = "SDMMC2", .base = BASE, .size = 0x400, .registers = registers, .registers_count = ARRAY_SIZE(registers),
        .clock = AHB5ENR, .clock_bit = CLOCK_BIT, .read = sdmmc_read, .written = sdmmc_written,
    };

    sdmmc.chip = chip;
    sdmmc.command_timer = timer_new_ns(QEMU_CLOCK_VIRTUAL, command_done, NULL);
    sdmmc.data_timer = timer_new_ns(QEMU_CLOCK_VIRTUAL, data_done, NULL);
    sdmmc.buffer = g_malloc(MOST);
    n6_card_start(chip, image);
    n6_add_block(chip, peripherals, &what);
}
