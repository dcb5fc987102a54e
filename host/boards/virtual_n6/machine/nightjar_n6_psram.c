/*
 * AP Memory's APS256XXN-OBR, the STM32N6570-DK's PSRAM: 32 MiB on eight or sixteen data lines, as far as a driver needs it.
 *
 * It is asked as ST's driver asks it: an instruction of a byte on eight lines, four bytes of address on both edges, then data on
 * both edges. What no list here names ends the run, since a real one would answer rubbish. It begins with rubbish, and has
 * rubbish again after its own reset; a reset of the board does not reach it.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "nightjar_n6_xspi.h"
#include "qemu/bswap.h"
#include "qemu/error-report.h"
#include "qemu/timer.h"
#include <sys/mman.h>

#define BYTES (32u << 20)
#define PAGE 2048u /* a row; a burst stays in it */
#define RESET_NS 2000

#define ADDRESSED (4u | 4u << 8 | 1u << 11 | 3u << 12) /* on eight lines, the address on both edges */
#define DATA(lines) ((lines) << 24 | 1u << 27)
#define EIGHT 4u
#define SIXTEEN 5u
#define DQS (1u << 29)
#define ALONE (4u | 4u << 8 | 2u << 12) /* an instruction and three bytes on single edges, no data */
/* MTYP */
#define KIND_EIGHT 2u
#define KIND_SIXTEEN 6u

#define READ 0x00
#define READ_LINEAR 0x20
#define READ_REGISTER 0x40
#define WRITE 0x80
#define WRITE_LINEAR 0xA0
#define WRITE_REGISTER 0xC0
#define RESET 0xFF

/* The mode registers after a power-on or a reset of its own, and what a driver may write. */
static const struct {
    uint8_t first, writable;
    bool there;
    uint8_t next; /* that is read behind it */
} modes[] = {
    [0] = {0x09, 0x3F, true, 1}, /* read latency code 5, variable; half drive strength */
    [1] = {0x8D, 0x00, true, 2}, /* AP Memory */
    [2] = {0xDF, 0x00, true, 3}, /* 256 Mb, fourth generation, a good die */
    [3] = {0x80, 0x00, true, 4}, /* can cross rows */
    [4] = {0x40, 0xF8, true, 8}, /* write latency code 5; all of it is refreshed, which a driver may not change */
    [8] = {0x05, 0x4F, true, 0}, /* eight lines, bursts of 32 bytes that go on behind their end */
};

static struct {
    uint8_t *content;
    uint8_t mode[ARRAY_SIZE(modes)];
    uint32_t rubbish;
    bool begun;
    int64_t ready_at;
} psram;

static G_NORETURN void refuse(N6 *chip, const XspiCommand *command, const char *what, uint32_t value)
{
    n6_punish(chip, "PSRAM", command->instruction, what, value);
}

/* Nobody counts on what is there: not for zeros either. */
static void spoil(void)
{
    for (uint32_t at = 0; at < BYTES; at += 4) {
        psram.rubbish ^= psram.rubbish << 13;
        psram.rubbish ^= psram.rubbish >> 17;
        psram.rubbish ^= psram.rubbish << 5;
        stl_le_p(psram.content + at, psram.rubbish);
    }
    for (unsigned i = 0; i < ARRAY_SIZE(modes); i++) {
        psram.mode[i] = modes[i].first;
    }
}

static void listen_to(N6 *chip, const XspiCommand *command)
{
    if (!psram.begun) { /* here and not at the start, since few firmwares touch it */
        psram.begun = true;
        spoil();
    }
    if (qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL) < psram.ready_at) {
        refuse(chip, command, "an instruction before its reset was over, 2 us", 0);
    }
}

static bool wide(void)
{
    return psram.mode[8] >> 6 & 1;
}

static unsigned read_latency(void)
{
    return (psram.mode[0] >> 2 & 7) + 3;
}

static unsigned write_latency(void)
{
    static const uint8_t cycles[8] = {[0] = 3, [4] = 4, [2] = 5, [6] = 6, [1] = 7};

    return cycles[psram.mode[4] >> 5];
}

static void expect(N6 *chip, const XspiCommand *command, uint32_t form, unsigned least, unsigned most)
{
    if (command->form != form) {
        refuse(chip, command, "an instruction in a form that no driver of ours has: its lines (MR8 says how many carry data), "
               "edges, sizes or DQS", command->form);
    }
    if (command->dummy < least || command->dummy > most) {
        refuse(chip, command, "an instruction with a wrong number of dummy cycles (MR0 and MR4 say the latencies)", command->dummy);
    }
}

/* An instruction of the array: the first cycle of a latency goes by in the address. */
static void expect_array(N6 *chip, const XspiCommand *command, bool writes)
{
    uint32_t form = ADDRESSED | DATA(wide() ? SIXTEEN : EIGHT) | DQS;
    bool fixed = psram.mode[0] >> 5 & 1; /* twice as long, which DQS tells, as it tells a variable one */
    unsigned least = (writes ? write_latency() : read_latency()) - 1;

    expect(chip, command, form, least, !writes && fixed ? 2 * read_latency() - 1 : least);
    if (command->kind != (wide() ? KIND_SIXTEEN : KIND_EIGHT)) {
        refuse(chip, command, "MTYP in DCR1 is not that of AP Memory on as many data lines", command->kind);
    }
    if (command->bytes != BYTES) {
        refuse(chip, command, "DEVSIZE in DCR1 is not that of 32 MiB", command->bytes);
    }
}

/* Where the byte of a burst lies that is the `i`th behind `from`. */
static uint32_t place(uint32_t from, uint32_t i, bool linear, bool writes)
{
    static const uint32_t lengths[] = {16, 32, 64, PAGE};
    uint32_t burst = linear ? PAGE : MIN(lengths[psram.mode[8] & 3] * (wide() ? 2 : 1), PAGE);
    uint32_t base = from & ~(burst - 1), page = from & ~(PAGE - 1);

    if (linear && !writes && psram.mode[8] >> 3 & 1) {
        return (from + i) % BYTES;
    }
    if (!linear && i >= burst && psram.mode[8] >> 2 & 1) { /* once round, then on */
        return page + (base + i) % PAGE;
    }
    return base + (from + i) % burst;
}

static void move(N6 *chip, const XspiCommand *command, uint8_t *read, const uint8_t *written, unsigned count)
{
    bool linear = command->instruction & READ_LINEAR;

    expect_array(chip, command, written);
    if ((command->address | count) & (wide() ? 3 : 1)) {
        refuse(chip, command, "an address or a length that does not fill a clock's two edges", command->address);
    }
    for (unsigned i = 0; i < count;) {
        uint32_t from = (command->address + i) % BYTES, whole = command->boundary;
        unsigned piece = whole ? MIN(count - i, whole - from % whole) : count - i;

        for (unsigned k = 0; k < piece; k++) {
            uint8_t *at = psram.content + place(from, k, linear, written);

            if (written) {
                *at = written[i + k];
            } else {
                read[i + k] = *at;
            }
        }
        i += piece;
    }
}

static void expect_register(N6 *chip, const XspiCommand *command, unsigned count)
{
    if (command->kind != KIND_EIGHT && command->kind != KIND_SIXTEEN) {
        refuse(chip, command, "MTYP in DCR1 is not that of AP Memory", command->kind);
    }
    if (command->address >= ARRAY_SIZE(modes) || !modes[command->address].there) {
        refuse(chip, command, "a mode register that is not listed", command->address);
    }
    if (count != 2) {
        refuse(chip, command, "a mode register with another number of bytes than 2", count);
    }
}

static void psram_read(N6 *chip, const XspiCommand *command, uint8_t *bytes, unsigned count)
{
    listen_to(chip, command);
    switch (command->instruction) {
    case READ:
    case READ_LINEAR:
        move(chip, command, bytes, NULL, count);
        return;
    case READ_REGISTER:
        /* DQS tells when it comes: sources give the latency, one and two cycles less. */
        expect(chip, command, ADDRESSED | DATA(EIGHT) | DQS, read_latency() - 2, read_latency());
        expect_register(chip, command, count);
        bytes[0] = psram.mode[command->address];
        bytes[1] = psram.mode[modes[command->address].next];
        return;
    }
    refuse(chip, command, "a read that no driver of ours has", command->form);
}

static void write_register(N6 *chip, const XspiCommand *command, uint8_t given)
{
    uint32_t at = command->address;

    if ((given ^ psram.mode[at]) & ~modes[at].writable) {
        refuse(chip, command, "a bit of a mode register that is not listed was changed", at << 8 | given);
    }
    psram.mode[at] = given;
    if (read_latency() > 7 || !write_latency()) {
        refuse(chip, command, "a latency code that it does not have", at << 8 | given);
    }
}

static void psram_write(N6 *chip, const XspiCommand *command, const uint8_t *bytes, unsigned count)
{
    listen_to(chip, command);
    switch (command->instruction) {
    case WRITE:
    case WRITE_LINEAR:
        move(chip, command, NULL, bytes, count);
        return;
    case WRITE_REGISTER:
        expect(chip, command, ADDRESSED | DATA(EIGHT), 0, 0);
        expect_register(chip, command, count);
        write_register(chip, command, bytes[0]);
        return;
    case RESET:
        expect(chip, command, ALONE, 0, 0);
        spoil();
        psram.ready_at = qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL) + RESET_NS;
        return;
    }
    refuse(chip, command, "a write that no driver of ours has", command->form);
}

/* A window moves as many bytes as it likes: it must end at a row's end by itself, and let the memory refresh itself. */
static bool maps_read(N6 *chip, const XspiCommand *command)
{
    listen_to(chip, command);
    if (command->instruction != READ_LINEAR) {
        refuse(chip, command, "a window of another instruction than the linear read", command->form);
    }
    expect_array(chip, command, false);
    if (!command->boundary || command->boundary > PAGE) {
        refuse(chip, command, "a window that runs over a row's end: CSBOUND in DCR3 is not 2 KiB or less", command->boundary);
    }
    if (!command->refreshes) {
        refuse(chip, command, "a window that keeps the memory from refreshing itself: REFRESH in DCR4 is 0", 0);
    }
    return true;
}

static bool maps_write(N6 *chip, const XspiCommand *command)
{
    if (command->instruction != WRITE_LINEAR) {
        return false;
    }
    expect_array(chip, command, true);
    return true;
}

const XspiDevice *n6_psram_start(N6 *chip)
{
    static XspiDevice device = {
        .bytes = BYTES, .read = psram_read, .write = psram_write, .maps_read = maps_read, .maps_write = maps_write,
    };

    psram.rubbish = 0x2545F491;
    psram.content = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (psram.content == MAP_FAILED) {
        error_report("nightjar-n6: no memory for the PSRAM");
        exit(1);
    }
    device.content = psram.content;
    return &device;
}
