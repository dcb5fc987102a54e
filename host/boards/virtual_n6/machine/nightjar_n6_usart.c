/*
 * USART1: registers of a USART of ST's third version, with FIFO. A byte arrives every ten bit times of virtual time, whether
 * anybody reads or not; the one behind a full FIFO is lost, and ORE says so.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "nightjar_n6.h"
#include "hw/core/cpu.h"
#include "hw/irq.h"
#include "qapi/error.h"
#include "qemu/timer.h"

#define BASE 0x52001000
#define CR1 0x00
#define CR3 0x08
#define BRR 0x0C
#define ISR 0x1C
#define ICR 0x20
#define RDR 0x24
#define TDR 0x28

#define UE (1u << 0)
#define RE (1u << 2)
#define TE (1u << 3)
#define RXFNEIE (1u << 5)
#define FIFOEN (1u << 29)
#define ORE (1u << 3)

static const N6Register registers[] = {
    {.offset = CR1, .known = 0x3FFFFFFF, .writable = 0x3FFFFFFF, .name = "CR1"},
    {.offset = 0x04, .known = 0xFFFFFF79, .writable = 0xFFFFFF79, .name = "CR2"},
    {.offset = CR3, .known = 0xFFFEFFFF, .writable = 0xFFFEFFFF, .name = "CR3"},
    {.offset = BRR, .known = 0x0000FFFF, .writable = 0x0000FFFF, .name = "BRR"},
    {.offset = 0x18, .known = 0x0000001F, .name = "RQR"},
    {.offset = ISR, .known = 0x0FFFFFFF, .name = "ISR"},
    {.offset = ICR, .known = 0x00123BFF, .name = "ICR"},
    {.offset = RDR, .known = 0x000001FF, .name = "RDR"},
    {.offset = TDR, .known = 0x000001FF, .writable = 0x000001FF, .name = "TDR"},
    {.offset = 0x2C, .known = 0x0000000F, .writable = 0x0000000F, .name = "PRESC"},
};

static uint32_t control(N6 *chip)
{
    return *n6_value(chip, BASE + CR1);
}

/* How many bytes wait without being read. */
static unsigned room(N6 *chip)
{
    return control(chip) & FIFOEN ? N6_FIFO : 1;
}

static int64_t byte_ns(N6 *chip)
{
    uint32_t divider = *n6_value(chip, BASE + BRR), hz = n6_apb2_hz(chip);

    return divider >= 16 && hz ? (int64_t)10 * 1000000000 * divider / hz : 1000000;
}

static void update(N6 *chip)
{
    bool asks = control(chip) & RXFNEIE && (chip->fifo_count || chip->overrun);

    qemu_set_irq(chip->usart_irq, asks);
}

/* The next byte, if one is on its way, ends a byte's time from now. */
static void schedule(N6 *chip)
{
    if (chip->coming_count && !timer_pending(chip->bit_timer)) {
        timer_mod(chip->bit_timer, qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL) + byte_ns(chip));
    }
}

/* A core that sleeps takes the clock along, unless the block's sleep enable says otherwise. */
static bool listens(N6 *chip)
{
    return (control(chip) & (UE | RE)) == (UE | RE) && n6_clocked(chip, 0x26C, 4)
           && (!first_cpu->halted || n6_clocked(chip, 0x2AC, 4));
}

/* Whether a pin of port E is USART1's: 5 sends, 6 receives. */
static bool has_pin(N6 *chip, unsigned pin)
{
    uint32_t mode = *n6_value(chip, 0x56021000) >> 2 * pin & 3, function = *n6_value(chip, 0x56021020) >> 4 * pin & 15;

    if (mode != 2 || function != 7) {
        n6_note(chip, "USART1: a byte did not get through PE%u, which is not its pin: MODER %u, AFRL %u in GPIOE, not 2 and 7", pin, mode,
                function);
        return false;
    }
    return true;
}

/* Why a byte is not heard, for whoever looks for it. */
static void note_deaf(N6 *chip)
{
    if (!n6_clocked(chip, 0x26C, 4)) {
        n6_note(chip, "USART1: a byte came while it has no clock (bit 4 of RCC_APB2ENR is 0)");
    } else if (first_cpu->halted && !n6_clocked(chip, 0x2AC, 4)) {
        n6_note(chip, "USART1: a byte came while the core slept, and its sleep clock is off (bit 4 of RCC_APB2LPENR is 0)");
    }
}

static void arrives(void *opaque)
{
    N6 *chip = opaque;
    uint8_t byte = chip->coming[chip->coming_first];

    chip->coming_first = (chip->coming_first + 1) % N6_LINE;
    chip->coming_count--;
    if (!listens(chip)) {
        note_deaf(chip);
    } else if (!has_pin(chip, 6)) {
        /* The line ends there. */
    } else if (chip->fifo_count < room(chip)) {
        chip->fifo[chip->fifo_count++] = byte;
    } else {
        chip->overrun = true;
        n6_note(chip, "USART1: a byte was lost, since RDR was not read in time (ORE in ISR)");
    }
    update(chip);
    schedule(chip);
    qemu_chr_fe_accept_input(&chip->line);
}

static uint32_t usart_read(N6 *chip, uint32_t offset, uint32_t given)
{
    if (offset == ISR) {
        uint32_t on = control(chip) & UE ? control(chip) : 0;

        return 1u << 7 | 1u << 6 | (on & FIFOEN ? 1u << 23 : 0) /* TXFNF, TC, TXFE */
               | (chip->fifo_count ? 1u << 5 : 0) | (chip->overrun ? ORE : 0)
               | (on & TE ? 1u << 21 : 0) | (on & RE ? 1u << 22 : 0);
    }
    if (offset == RDR && chip->fifo_count) {
        uint8_t byte = chip->fifo[0];

        memmove(chip->fifo, chip->fifo + 1, --chip->fifo_count);
        update(chip);
        return byte;
    }
    return given;
}

/* Give the other end what it takes now. A socket takes few writes of a byte each, and many bytes in one. */
static gboolean flush(void *unused, GIOCondition condition, void *opaque)
{
    N6 *chip = opaque;
    int taken = qemu_chr_fe_write(&chip->line, chip->going, chip->going_count);

    if (taken > 0) {
        chip->going_count -= taken;
        memmove(chip->going, chip->going + taken, chip->going_count);
    }
    chip->flushing = chip->going_count > 0;
    if (chip->flushing && !condition) {
        chip->flushing = qemu_chr_fe_add_watch(&chip->line, G_IO_OUT | G_IO_HUP, flush, chip) != 0;
    }
    return chip->flushing;
}

/* A line waits for nobody: where the other end has not read for long, a byte is lost. */
static void transmit(N6 *chip, uint8_t byte)
{
    if (chip->going_count == N6_LINE) {
        n6_note(chip, "USART1: a byte was lost, since nobody reads at the other end");
        return;
    }
    chip->going[chip->going_count++] = byte;
    if (!chip->flushing) {
        flush(NULL, 0, chip);
    }
}

static void usart_written(N6 *chip, uint32_t offset, uint32_t before, uint32_t given)
{
    if (offset == ICR && given & ORE) {
        chip->overrun = false;
    }
    if (offset == TDR && (control(chip) & (UE | TE)) == (UE | TE) && has_pin(chip, 5)) {
        uint8_t byte = given;

        transmit(chip, byte);
    }
    update(chip);
}

static int line_room(void *opaque)
{
    N6 *chip = opaque;

    return N6_LINE - chip->coming_count;
}

static void line_gives(void *opaque, const uint8_t *bytes, int count)
{
    N6 *chip = opaque;

    for (int i = 0; i < count; i++) {
        chip->coming[(chip->coming_first + chip->coming_count++) % N6_LINE] = bytes[i];
    }
    schedule(chip);
}

void n6_usart_reset(N6 *chip)
{
    chip->fifo_count = 0;
    chip->going_count = 0;
    chip->overrun = false;
    update(chip);
}

void n6_usart_start(N6 *chip, MemoryRegion *system, Chardev *line)
{
    const N6Block what = {
        .name = "USART1", .base = BASE, .size = 0x30, .registers = registers,
        .registers_count = ARRAY_SIZE(registers), .clock = 0x26C, .clock_bit = 4,
        .read = usart_read, .written = usart_written,
    };
    n6_add_block(chip, system, &what);
    chip->bit_timer = timer_new_ns(QEMU_CLOCK_VIRTUAL, arrives, chip);
    chip->usart_irq = qdev_get_gpio_in(DEVICE(&chip->cpu), 159);
    if (line) {
        qemu_chr_fe_init(&chip->line, line, &error_abort);
        qemu_chr_fe_set_handlers(&chip->line, line_room, line_gives, NULL, NULL, chip, NULL, true);
    }
}
