/*
 * Macronix's octal NORs: MX66UW1G45G (128 MiB, DK) and MX25UM51245G (64 MiB, Nucleo), as far as a driver needs them.
 *
 * It starts on one line and understands eight once its second configuration register says so. What it does not
 * understand in the mode it is in it does not hear; an instruction or a number of dummy cycles that no driver of ours has
 * ends the run, since a real one would answer rubbish. Times are shorter than the data sheet's, and not zero.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "nightjar_n6_xspi.h"
#include "hw/core/cpu.h"
#include "qemu/error-report.h"
#include "qemu/timer.h"
#include <sys/file.h>
#include <sys/mman.h>

#define PAGE 256
#define PROGRAM_NS 20000
#define ERASE_NS 1000000
#define WRITE_ENABLED 2u

enum { ONE_LINE, EIGHT, EIGHT_BOTH_EDGES };

static struct {
    uint8_t *content;
    uint32_t bytes;
    int file;
    uint8_t id[3];
    unsigned mode;
    uint8_t latency; /* the third word of the second configuration register */
    bool write_enabled, reset_enabled;
    int64_t busy_until;
} nor;

uint8_t *n6_nor_content(void)
{
    return nor.content;
}

static bool busy(void)
{
    return qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL) < nor.busy_until;
}

/* The instruction's one byte, or -1 when it is not heard in this mode. */
static int heard(const XspiCommand *command)
{
    if (command->octal != (nor.mode != ONE_LINE) || command->both_edges != (nor.mode == EIGHT_BOTH_EDGES)) {
        return -1;
    }
    if (!command->octal) {
        return command->instruction;
    }
    return ((command->instruction >> 8 ^ command->instruction) & 0xFF) == 0xFF ? command->instruction >> 8 : -1;
}

static void expect_dummy(N6 *chip, const XspiCommand *command, unsigned needs)
{
    if (command->dummy != needs) {
        n6_punish(chip, "NOR", command->instruction, "an instruction with a wrong number of dummy cycles", command->dummy);
    }
}

static unsigned read_latency(void)
{
    return 20 - 2 * (nor.latency & 7);
}

static bool reads_array(N6 *chip, const XspiCommand *command)
{
    switch (heard(command)) {
    case 0x13:
        expect_dummy(chip, command, 0);
        return true;
    case 0x0C:
        expect_dummy(chip, command, 8);
        return true;
    case 0xEC:
    case 0xEE:
        expect_dummy(chip, command, read_latency());
        return (nor.mode == EIGHT_BOTH_EDGES) == (command->instruction == 0xEE11);
    default:
        return false;
    }
}

static void nor_read(N6 *chip, const XspiCommand *command, uint8_t *bytes, unsigned count)
{
    int instruction = heard(command);
    unsigned small = command->octal ? 4 : 0; /* dummy cycles in front of a register's content */

    memset(bytes, 0xFF, count);
    if (instruction < 0 || (busy() && instruction != 0x05)) {
        return;
    }
    switch (instruction) {
    case 0x9F:
        expect_dummy(chip, command, small);
        for (unsigned i = 0; i < count; i++) {
            bytes[i] = nor.id[i % 3];
        }
        return;
    case 0x05:
        expect_dummy(chip, command, small);
        memset(bytes, (nor.write_enabled ? WRITE_ENABLED : 0) | busy(), count);
        return;
    case 0x15:
    case 0x2B: /* security register: no program and no erase has failed */
        expect_dummy(chip, command, small);
        memset(bytes, 0, count);
        return;
    case 0x71:
        expect_dummy(chip, command, small);
        memset(bytes, command->address == 0 ? nor.mode : command->address == 0x300 ? nor.latency : 0, count);
        return;
    }
    if (!reads_array(chip, command)) {
        n6_punish(chip, "NOR", command->instruction, "a read that no driver of ours has", instruction);
    }
    for (unsigned i = 0; i < count; i++) {
        bytes[i] = nor.content[(command->address + i) % nor.bytes];
    }
}

/* The file holds no more than was ever written; what lies behind its end is erased. */
static void keep(uint32_t at, uint32_t count)
{
    if (nor.file < 0) {
        return;
    }
    off_t end = lseek(nor.file, 0, SEEK_END);
    off_t from = MIN(end, (off_t)at);

    if (end < 0 || pwrite(nor.file, nor.content + from, at + count - from, from) != (ssize_t)(at + count - from)) {
        error_report("nightjar-n6: the NOR's file cannot be written: %s", strerror(errno));
        exit(1);
    }
}

static void erase(uint32_t at, uint32_t bytes)
{
    at = at % nor.bytes & ~(bytes - 1);
    memset(nor.content + at, 0xFF, bytes);
    keep(at, bytes);
    nor.busy_until = qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL) + ERASE_NS;
}

static void program(uint32_t at, const uint8_t *bytes, unsigned count)
{
    uint32_t page = at % nor.bytes & ~(PAGE - 1u);

    for (unsigned i = 0; i < count; i++) { /* beyond a page's end it goes on at its start; bits only fall */
        nor.content[page + (at + i) % PAGE] &= bytes[i];
    }
    keep(page, PAGE);
    nor.busy_until = qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL) + PROGRAM_NS;
}

static void nor_reset(void)
{
    nor.mode = ONE_LINE;
    nor.latency = 0;
    nor.write_enabled = nor.reset_enabled = false;
    nor.busy_until = 0;
}

static void nor_write(N6 *chip, const XspiCommand *command, const uint8_t *bytes, unsigned count)
{
    int instruction = heard(command);
    bool may_reset = nor.reset_enabled;

    if (instruction < 0 || busy()) {
        return;
    }
    nor.reset_enabled = false;
    switch (instruction) {
    case 0x06:
        nor.write_enabled = true;
        return;
    case 0x04:
        nor.write_enabled = false;
        return;
    case 0x66:
        nor.reset_enabled = true;
        return;
    case 0x99:
        if (may_reset) {
            nor_reset();
        }
        return;
    case 0x72:
    case 0x12:
    case 0x21:
    case 0xDC:
    case 0x60:
    case 0xC7:
        break;
    default:
        n6_punish(chip, "NOR", command->instruction, "a write that no driver of ours has", count ? bytes[0] : 0);
    }
    if (!nor.write_enabled) {
        return;
    }
    nor.write_enabled = false;
    if (current_cpu && n6_data_cache() && instruction != 0x72) {
        n6_punish(chip, "NOR", command->instruction, "it was changed while the data cache is on, which may go on holding what was "
                  "there", command->address);
    }
    if (instruction == 0x72) {
        if (command->address == 0 && count) {
            nor.mode = bytes[0] % 3;
        } else if (command->address == 0x300 && count) {
            nor.latency = bytes[0];
        }
    } else if (instruction == 0x12) {
        program(command->address, bytes, count);
    } else {
        erase(instruction == 0x21 || instruction == 0xDC ? command->address : 0,
              instruction == 0x21 ? 0x1000 : instruction == 0xDC ? 0x10000 : nor.bytes);
    }
}

const XspiDevice *n6_nor_start(N6 *chip, const char *path, bool nucleo)
{
    static XspiDevice device = {.reset = nor_reset, .read = nor_read, .write = nor_write, .maps_read = reads_array};
    ssize_t found = 0;

    nor.bytes = nucleo ? 64 << 20 : 128 << 20;
    memcpy(nor.id, nucleo ? "\xC2\x80\x3A" : "\xC2\x81\x3B", 3);
    nor.file = -1;
    nor.content = mmap(NULL, nor.bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (nor.content == MAP_FAILED) {
        error_report("nightjar-n6: no memory for the NOR");
        exit(1);
    }
    if (path) {
        nor.file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
        if (nor.file >= 0 && flock(nor.file, LOCK_EX | LOCK_NB)) { /* what two chips wrote would be neither's */
            error_report("nightjar-n6: the NOR's file %s cannot be used: another board has it", path);
            exit(1);
        }
        if (nor.file < 0 || (found = pread(nor.file, nor.content, nor.bytes, 0)) < 0) {
            error_report("nightjar-n6: the NOR's file %s cannot be used: %s", path, strerror(errno));
            exit(1);
        }
    }
    memset(nor.content + found, 0xFF, nor.bytes - found);
    nor_reset();
    device.content = nor.content;
    device.bytes = nor.bytes;
    return &device;
}
