/*
 * GPDMA1's channels as far as a driver needs them that has one block moved from a peripheral to memory, for ever: one linked-list item
 * that names itself, half-transfer and transfer-complete events. What else a channel can do ends the run.
 *
 * Registers and bits: RM0486 by way of ST's device header (stm32n657xx.h, cmsis-device-n6 1.1.0); the layout of an item (the registers
 * that CLLR's update bits name, in their order) is that of ST's stm32n6xx_hal_dma_ex.c.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "nightjar_n6.h"
#include "hw/core/cpu.h"
#include "hw/irq.h"
#include "qemu/host-utils.h"

#define BASE 0x50021000
#define AHB1ENR 0x250
#define AHB1LPENR 0x290
#define CLOCK_BIT 4
#define CHANNEL 6
#define INTERRUPT 90 /* of channel 6 */
#define AT (0x50 + 0x80 * CHANNEL)

enum { SECCFGR = 0x00, PRIVCFGR = 0x04, RCFGLOCKR = 0x08, MISR = 0x0C, SMISR = 0x10 };
enum {
    CLBAR = AT, CCIDCFGR = AT + 0x04, CFCR = AT + 0x0C, CSR = AT + 0x10, CCR = AT + 0x14, CTR1 = AT + 0x40, CTR2 = AT + 0x44,
    CBR1 = AT + 0x48, CSAR = AT + 0x4C, CDAR = AT + 0x50, CLLR = AT + 0x7C,
};
enum { IDLEF = 1 << 0, TCF = 1 << 8, HTF = 1 << 9, DTEF = 1 << 10, ULEF = 1 << 11, USEF = 1 << 12, SUSPF = 1 << 13 };
enum { EN = 1 << 0, RESET = 1 << 1, SUSP = 1 << 2 };

static const N6Register registers[] = {
    {.offset = SECCFGR, .known = 0xFFFF, .writable = 0xFFFF, .name = "SECCFGR"},
    {.offset = PRIVCFGR, .known = 0xFFFF, .writable = 0xFFFF, .name = "PRIVCFGR"},
    {.offset = RCFGLOCKR, .known = 0xFFFF, .writable = 0xFFFF, .name = "RCFGLOCKR"},
    {.offset = MISR, .known = 0xFFFF, .name = "MISR"},
    {.offset = SMISR, .known = 0xFFFF, .name = "SMISR"},
    {.offset = CLBAR, .known = 0xFFFF0000, .writable = 0xFFFF0000, .name = "C6LBAR"},
    {.offset = CCIDCFGR, .known = 0x00000071, .writable = 0x00000071, .name = "C6CIDCFGR"},
    {.offset = CFCR, .known = 0x00007F00, .name = "C6FCR"},
    {.offset = CSR, .reset = IDLEF, .known = 0x00FF7F01, .name = "C6SR"},
    {.offset = CCR, .known = 0x00C37F07, .writable = 0x00C37F05, .name = "C6CR"},
    {.offset = CTR1, .known = 0xDFFBFBFB, .writable = 0xDFFBFBFB, .name = "C6TR1"},
    {.offset = CTR2, .known = 0xC37FDFFF, .writable = 0xC37FDFFF, .name = "C6TR2"},
    {.offset = CBR1, .known = 0xF7FFFFFF, .writable = 0xF7FFFFFF, .name = "C6BR1"},
    {.offset = CSAR, .known = 0xFFFFFFFF, .writable = 0xFFFFFFFF, .name = "C6SAR"},
    {.offset = CDAR, .known = 0xFFFFFFFF, .writable = 0xFFFFFFFF, .name = "C6DAR"},
    {.offset = CLLR, .known = 0xFE01FFFC, .writable = 0xFE01FFFC, .name = "C6LLR"},
};

static struct {
    N6 *chip;
    qemu_irq line;
    uint32_t flags;
    uint32_t block; /* bytes of the whole block that is under way */
} dma;

static uint32_t *at(uint32_t offset)
{
    return n6_value(dma.chip, BASE + offset);
}

static bool secure(void)
{
    return *at(SECCFGR) >> CHANNEL & 1;
}

static void update(void)
{
    bool told = dma.flags & *at(CCR) & 0x7F00;

    *at(SMISR) = secure() && told ? 1u << CHANNEL : 0;
    *at(MISR) = !secure() && told ? 1u << CHANNEL : 0;
    qemu_set_irq(dma.line, told);
}

static void stop(uint32_t flag)
{
    dma.flags |= flag | IDLEF;
    *at(CCR) &= ~EN;
    update();
}

/* It is who its channel says. */
static N6Master master(bool secure_bit)
{
    return (N6Master) {
        .name = "GPDMA1 channel 6", .trusted = secure() && *at(PRIVCFGR) >> CHANNEL & 1 && secure_bit,
        .untrusted = "its channel is not secure and privileged (bit 6 of GPDMA_SECCFGR and PRIVCFGR, SSEC and DSEC of C6TR1)",
    };
}

/* The registers that CLLR names, from the item that it names, in the order of its bits from the highest down. */
static bool load_item(void)
{
    static const uint32_t fields[] = {CTR1, CTR2, CBR1, CSAR, CDAR};
    uint32_t link = *at(CLLR), words[6], from = (*at(CLBAR) & 0xFFFF0000) | (link & 0xFFFC);
    unsigned count = ctpop32(link & 0xF8010000), next = 0;
    N6Master who = master(true);

    if (link & 0x06000000) {
        n6_punish(dma.chip, "GPDMA1", BASE + CLLR, "channel 6 has no CTR3 and CBR2 to load (UT3, UB2)", link);
    }
    if (!n6_master_read(dma.chip, &who, from, words, 4 * count)) {
        return false;
    }
    for (unsigned i = 0; i < ARRAY_SIZE(fields); i++) {
        if (link >> (31 - i) & 1) {
            *at(fields[i]) = le32_to_cpu(words[next++]);
        }
    }
    if (link >> 16 & 1) { /* ULL */
        *at(CLLR) = le32_to_cpu(words[next]) & 0xFE01FFFC;
    }
    dma.block = *at(CBR1) & 0xFFFF;
    return true;
}

/* What the model does not do. */
static void look_at_form(void)
{
    uint32_t one = *at(CTR1), two = *at(CTR2);

    if ((one & 3) != 1 || (one >> 16 & 3) != 1 || one & 1 << 3 || !(one & 1 << 19) || one & 0x07F03BF0 || two & 0xC37FDE00) {
        n6_punish(dma.chip, "GPDMA1", BASE + CTR1, "no transfer that is modelled: half words one by one from a peripheral's register "
                  "to memory that follows each other, by a request", one);
    }
}

static void start(void)
{
    dma.flags &= ~IDLEF;
    dma.block = *at(CBR1) & 0xFFFF;
    if (dma.block == 0 && (*at(CLLR) == 0 || !load_item() || dma.block == 0)) {
        n6_note(dma.chip, "GPDMA1 channel 6: nothing to move: BNDT is 0, and no linked-list item can be read");
        stop(USEF);
        return;
    }
    look_at_form();
}

bool n6_gpdma_request(N6 *chip, unsigned request, uint32_t source, uint16_t data)
{
    N6Master who = master((*at(CTR1) >> 31 & 1) && (*at(CTR1) >> 15 & 1));
    uint32_t left = *at(CBR1) & 0xFFFF, to = *at(CDAR);
    uint16_t half = cpu_to_le16(data);

    if (!n6_clocked(chip, AHB1ENR, CLOCK_BIT) || (first_cpu->halted && !n6_clocked(chip, AHB1LPENR, CLOCK_BIT))) {
        n6_note(chip, "GPDMA1: a request waits: it has no clock, awake or asleep (bit 4 of RCC_AHB1ENR, RCC_AHB1LPENR)");
        return false;
    }
    if (!(*at(CCR) & EN) || *at(CCR) & SUSP || (*at(CTR2) & 0x1FF) != request) {
        n6_note(chip, "GPDMA1: no channel takes request %u", request);
        return false;
    }
    if (*at(CSAR) != source) {
        n6_punish(chip, "GPDMA1", BASE + CSAR, "channel 6 reads another register than the one that asks", *at(CSAR));
    }
    if (!n6_master_write(chip, &who, to, &half, 2)) {
        stop(DTEF);
        return true;
    }
    *at(CDAR) = to + 2;
    left -= 2;
    *at(CBR1) = (*at(CBR1) & ~0xFFFFu) | left;
    if (left == dma.block / 2) {
        dma.flags |= HTF;
    }
    if (left == 0) {
        dma.flags |= TCF;
        if (*at(CLLR) == 0) {
            stop(0);
        } else if (!load_item()) {
            stop(ULEF);
        }
    }
    update();
    return true;
}

static uint32_t gpdma_read(N6 *chip, uint32_t offset, uint32_t given)
{
    return offset == CSR ? dma.flags : given;
}

static void gpdma_written(N6 *chip, uint32_t offset, uint32_t before, uint32_t given)
{
    n6_master_begin(chip);
    if (offset > CCR && before != given && *at(CCR) & EN) {
        n6_punish(chip, "GPDMA1", BASE + offset, "a write while the channel is enabled", given);
    }
    if (offset == CFCR) {
        dma.flags &= ~(given & 0x7F00);
    } else if (offset == CCR) {
        if (given & RESET) {
            stop(0);
            dma.flags = IDLEF;
        } else if (given & EN && !(before & EN)) {
            start();
        } else if (given & SUSP && before & EN) {
            dma.flags |= SUSPF;
        }
        if (before & EN && !(given & RESET)) { /* EN falls by RESET or by the channel itself */
            *at(CCR) |= EN;
        }
    }
    update();
}

void n6_gpdma_reset(N6 *chip)
{
    dma.flags = IDLEF;
    update();
}

void n6_gpdma_start(N6 *chip, MemoryRegion *peripherals)
{
    const N6Block what = {
        .name = "GPDMA1", .base = BASE, .size = 0x1000, .registers = registers, .registers_count = ARRAY_SIZE(registers),
        .clock = AHB1ENR, .clock_bit = CLOCK_BIT, .read = gpdma_read, .written = gpdma_written,
    };

    dma.chip = chip;
    dma.line = qdev_get_gpio_in(DEVICE(&chip->cpu), INTERRUPT);
    n6_add_block(chip, peripherals, &what);
}
