/*
 * MDF1's filter 0 with a microphone at SDI0: samples of a WAV file come as often as clock, dividers and decimations say, into a FIFO
 * that a request of GPDMA1's or the core empties. The arithmetic of CIC, reshape and high-pass filter is not modelled: a sample is
 * the file's, whatever GAIN and HPFC are. A rate that is not the file's is noted, and the file is played at the filter's: as a
 * recording played at the wrong speed sounds.
 *
 * Registers and bits: RM0486 by way of ST's device header (stm32n657xx.h, cmsis-device-n6 1.1.0); what a driver writes, in which order,
 * is that of ST's stm32n6xx_hal_mdf.c (stm32n6xx-hal-driver 1.1.0).
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "nightjar_n6.h"
#include "nightjar_n6_wav.h"
#include "hw/core/cpu.h"
#include "qemu/host-utils.h"
#include "qemu/timer.h"

#define BASE 0x52025000
#define RCC 0x56028000
#define AHB2ENR 0x254
#define AHB2LPENR 0x294
#define CLOCK_BIT 16
#define PORT_E 0x56021000
#define FUNCTION 4
#define REQUEST 132 /* MDF1_FLT0 of GPDMA1 */
#define FIFO 4 /* entries */
#define CLOSE 500 /* ppm: what a rate may be off the file's */

enum { GCR = 0x00, CKGCR = 0x04 };
enum {
    SITFCR = 0x80, BSMXCR = 0x84, DFLTCR = 0x88, DFLTCICR = 0x8C, DFLTRSFR = 0x90, DFLTINTR = 0x94, OLDCR = 0x98, DLYCR = 0xA4,
    SCDCR = 0xA8, DFLTIER = 0xAC, DFLTISR = 0xB0, OECCR = 0xB4, DFLTDR = 0xF0,
};
enum { CKDEN = 1 << 0, CCK0EN = 1 << 1, CCK0DIR = 1 << 5 };
enum { DFLTEN = 1 << 0, DMAEN = 1 << 1 };
enum { DOVRF = 1 << 1, RXNEF = 1 << 3, CKABF = 1 << 10, RFOVRF = 1 << 11 };
#define ACTIVE (1u << 31)

static const N6Register registers[] = {
    {.offset = GCR, .known = 0xF1, .writable = 0xF1, .name = "GCR"},
    {.offset = CKGCR, .known = 0xFF0FF177, .writable = 0x7F0FF177, .name = "CKGCR"},
    {.offset = SITFCR, .reset = 0x1F00, .known = 0x80001F37, .writable = 0x00001F37, .name = "SITF0CR"},
    {.offset = BSMXCR, .known = 0x8000001F, .writable = 0x0000001F, .name = "BSMX0CR"},
    {.offset = DFLTCR, .known = 0xCFF1F177, .writable = 0x0FF1F177, .name = "DFLT0CR"},
    {.offset = DFLTCICR, .known = 0x03F1FF73, .writable = 0x03F1FF73, .name = "DFLT0CICR"},
    {.offset = DFLTRSFR, .known = 0x00000391, .writable = 0x00000391, .name = "DFLT0RSFR"},
    {.offset = DFLTINTR, .known = 0x000007F3, .writable = 0x000007F3, .name = "DFLT0INTR"},
    {.offset = DLYCR, .known = 0x8000007F, .writable = 0x0000007F, .name = "DLY0CR"},
    {.offset = DFLTIER, .known = 0x00000F97, .writable = 0x00000F97, .name = "DFLT0IER"},
    {.offset = DFLTISR, .known = 0x00000FFF, .name = "DFLT0ISR"},
    {.offset = OECCR, .known = 0x03FFFFFF, .writable = 0x03FFFFFF, .name = "OEC0CR"},
    {.offset = DFLTDR, .known = 0xFFFFFF00, .name = "DFLT0DR"},
};

static struct {
    N6 *chip;
    N6Wav wav;
    QEMUTimer *timer;
    bool runs;
    int64_t started; /* ns */
    uint64_t taken; /* samples since then */
    uint64_t played; /* of the file */
    uint64_t kernel_hz, divided_by; /* the rate, exactly */
    uint16_t fifo[FIFO];
    unsigned count;
    uint32_t flags;
} mdf;

static uint32_t value(uint32_t offset)
{
    return *n6_value(mdf.chip, BASE + offset);
}

static int64_t now(void)
{
    return qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL);
}

static uint64_t kernel_hz(void)
{
    unsigned from = *n6_value(mdf.chip, RCC + 0x154) >> 16 & 7; /* CCIPR5.MDF1SEL */

    switch (from) {
    case 0:
        return n6_hclk_hz(mdf.chip);
    case 2:
    case 3:
        return n6_ic_hz(mdf.chip, from + 5);
    case 5:
        return 64000000;
    default:
        n6_note(mdf.chip, "MDF1: its kernel clock is one that is not modelled (MDF1SEL %u in RCC_CCIPR5)", from);
        return 0;
    }
}

static bool is_its(unsigned pin)
{
    uint32_t mode = *n6_value(mdf.chip, PORT_E) >> (2 * pin) & 3;
    uint32_t function = *n6_value(mdf.chip, PORT_E + 0x20 + 4 * (pin / 8)) >> (4 * (pin % 8)) & 15;

    return mode == 2 && function == FUNCTION;
}

/* Why no sample comes; NULL where they do. */
static const char *silent(void)
{
    uint32_t clocks = value(CKGCR);

    if (!kernel_hz()) {
        return "its kernel clock stands still (MDF1SEL in RCC_CCIPR5, and what it names)";
    }
    if (!(clocks & CKDEN) || !(clocks & CCK0EN) || !(clocks & CCK0DIR)) {
        return "no clock goes out at CCK0: CKDEN, CCK0EN and CCK0DIR in MDF_CKGCR";
    }
    if (!is_its(2) || !is_its(8)) {
        return "PE2 and PE8 are not its clock CCK0 and data SDI0 (alternate function 4)";
    }
    if ((value(SITFCR) & 0x37) != 0x11) {
        return "its serial interface is off, or not normal SPI by CCK0 (MDF_SITF0CR)";
    }
    if ((value(BSMXCR) & 31) > 1) {
        return "its bitstream is another interface's (MDF_BSMX0CR)";
    }
    if (value(DFLTCICR) & 3) {
        return "its data do not come from the bitstream (DATSRC in MDF_DFLT0CICR)";
    }
    return NULL;
}

/* The rate: the kernel's clock, by its dividers and what decimates. */
static void set_rate(void)
{
    uint32_t clocks = value(CKGCR), cic = value(DFLTCICR), reshape = value(DFLTRSFR);
    uint64_t processed = (clocks >> 24 & 0x7F) + 1, sent = (clocks >> 16 & 15) + 1;
    uint64_t bits = mdf.divided_by = processed * sent, decimates = (cic >> 8 & 0x1FF) + 1;

    mdf.kernel_hz = kernel_hz();
    if (sent < 2) {
        n6_punish(mdf.chip, "MDF1", BASE + CKGCR, "CCKDIV 0: the microphone's clock is the filter's own, half of which it may be",
                  clocks);
    }
    if ((cic >> 4 & 7) < 4 || value(DFLTINTR)) {
        n6_punish(mdf.chip, "MDF1", BASE + DFLTCICR, "no filter that is modelled: one CIC of SINC4 or SINC5, no integrator", cic);
    }
    mdf.divided_by = bits * decimates * (reshape & 1 ? 1 : reshape >> 4 & 1 ? 1 : 4);
    if (mdf.wav.rate && mdf.kernel_hz) {
        int64_t off = (int64_t)(mdf.kernel_hz * 1000000 / mdf.divided_by / mdf.wav.rate) - 1000000;

        if (off > CLOSE || off < -CLOSE) {
            n6_note(mdf.chip, "MDF1: the microphone's file has %u samples a second, and the filter takes %.3f of it: it is played at "
                    "that speed", mdf.wav.rate, (double)mdf.kernel_hz / mdf.divided_by);
        }
    }
    if (mdf.kernel_hz / bits < 1000000 || mdf.kernel_hz / bits > 3250000) {
        n6_note(mdf.chip, "MDF1: the microphone (MP23DB01HP) wants a clock of 1.0 to 3.25 MHz, and has %" PRIu64 " Hz",
                mdf.kernel_hz / bits);
    }
}

/* When sample `number` is there. */
static int64_t due(uint64_t number)
{
    uint64_t clocks = (number + 1) * mdf.divided_by;

    return mdf.started + clocks / mdf.kernel_hz * 1000000000 + clocks % mdf.kernel_hz * 1000000000 / mdf.kernel_hz;
}

static void empty(void)
{
    while (mdf.count && value(DFLTCR) & DMAEN && n6_gpdma_request(mdf.chip, REQUEST, BASE + DFLTDR + 2, mdf.fifo[0])) {
        mdf.count--;
        memmove(mdf.fifo, mdf.fifo + 1, mdf.count * sizeof mdf.fifo[0]);
    }
}

static void sample(void *opaque)
{
    const char *why = silent();

    if (!mdf.runs) {
        return;
    }
    if (!n6_clocked(mdf.chip, AHB2ENR, CLOCK_BIT) || (first_cpu->halted && !n6_clocked(mdf.chip, AHB2LPENR, CLOCK_BIT))) {
        why = "it has no clock, awake or asleep (bit 16 of RCC_AHB2ENR, RCC_AHB2LPENR)";
    }
    if (why) {
        n6_note(mdf.chip, "MDF1: no samples come: %s", why);
        mdf.started = now();
        mdf.taken = 0;
        timer_mod(mdf.timer, now() + 1000000); /* until that is looked at again */
        return;
    }
    while (due(mdf.taken) <= now()) {
        uint16_t data = n6_wav_sample(&mdf.wav, mdf.played++);

        mdf.taken++;
        empty();
        if (mdf.count == FIFO) {
            mdf.flags |= DOVRF;
            n6_note(mdf.chip, "MDF1: its FIFO ran over: nobody takes the samples");
            continue;
        }
        mdf.fifo[mdf.count++] = data;
        empty();
    }
    timer_mod(mdf.timer, due(mdf.taken));
}

static uint32_t mdf_read(N6 *chip, uint32_t offset, uint32_t given)
{
    switch (offset) {
    case DFLTISR:
        return mdf.flags | (mdf.count ? RXNEF : 0);
    case DFLTDR:
        if (mdf.count) {
            given = (uint32_t)mdf.fifo[0] << 16;
            if (current_cpu) {
                mdf.count--;
                memmove(mdf.fifo, mdf.fifo + 1, mdf.count * sizeof mdf.fifo[0]);
            }
        }
        return given;
    case CKGCR:
        return given | (given & CKDEN ? ACTIVE : 0);
    case SITFCR:
        return given | (given & 1 ? ACTIVE : 0);
    case DFLTCR:
        return given | (mdf.runs ? ACTIVE | 1u << 30 : 0);
    default:
        return given;
    }
}

static void begin(void)
{
    if ((value(DFLTCR) >> 4 & 7) != 0) {
        n6_punish(mdf.chip, "MDF1", BASE + DFLTCR, "no acquisition that is modelled: asynchronous and continuous", value(DFLTCR));
    }
    set_rate();
    mdf.runs = true;
    mdf.started = now();
    mdf.taken = 0;
    mdf.count = 0;
    timer_mod(mdf.timer, mdf.kernel_hz ? due(0) : now() + 1000000);
}

static void mdf_written(N6 *chip, uint32_t offset, uint32_t before, uint32_t given)
{
    n6_master_begin(chip);
    if (mdf.runs && offset != DFLTISR && offset != DFLTCR && offset != DFLTIER && before != given) {
        n6_punish(chip, "MDF1", BASE + offset, "a write while the filter runs (DFLTACTIVE)", given);
    }
    if (offset == DFLTISR) {
        mdf.flags &= ~given;
    } else if (offset == DFLTCR && given & DFLTEN && !mdf.runs) {
        begin();
    } else if (offset == DFLTCR && !(given & DFLTEN)) {
        mdf.runs = false;
        timer_del(mdf.timer);
    }
}

void n6_mdf_reset(N6 *chip)
{
    timer_del(mdf.timer);
    mdf.runs = false;
    mdf.count = 0;
    mdf.flags = 0;
    mdf.played = 0; /* a recording begins with the chip */
}

void n6_mdf_start(N6 *chip, MemoryRegion *peripherals, const char *recording)
{
    const N6Block what = {
        .name = "MDF1", .base = BASE, .size = 0x1000, .registers = registers, .registers_count = ARRAY_SIZE(registers),
        .clock = AHB2ENR, .clock_bit = CLOCK_BIT, .read = mdf_read, .written = mdf_written,
    };

    mdf.chip = chip;
    mdf.timer = timer_new_ns(QEMU_CLOCK_VIRTUAL, sample, NULL);
    if (recording) {
        n6_wav_open(&mdf.wav, recording);
    }
    n6_add_block(chip, peripherals, &what);
}
