/*
 * A memory card of high capacity (SDHC, SDXC) whose blocks are those of an image file, as far as a driver needs one: identification,
 * four data lines, blocks read and written. Commands, states and answers are those of the SD Physical Layer Simplified Specification.
 *
 * How long it takes for something is not: long enough that a driver which does not wait is seen.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "nightjar_n6_card.h"
#include <sys/file.h>
#include "qemu/error-report.h"
#include "qemu/timer.h"

#define POWER_NS 1000000 /* the specification, 6.4.1: 1 ms and 74 clocks, which pass meanwhile */
#define INITIAL_NS 2000000 /* from the first ACMD41 until it is ready */
#define PROGRAM_NS 300000 /* for what was written */
#define UNIT 0x80000 /* of CSD's C_SIZE */
#define RCA 0x1D0B
#define HCS (1u << 30)
#define READY (1u << 31)
#define VOLTAGES 0x00FF8000u
#define OUT_OF_RANGE (1u << 31)
#define ILLEGAL (1u << 22)
#define APPLICATION (1u << 5)

enum { IDLE, READY_STATE, IDENT, STANDBY, TRANSFER, SENDING, RECEIVING, PROGRAMMING };

static struct {
    N6 *chip;
    int file;
    uint64_t blocks;
    bool powered;
    int64_t since; /* of the bus's power; that of the card itself stays on when the chip is reset */
    int64_t begun; /* by the first ACMD41 */
    unsigned state;
    bool told; /* CMD8 */
    bool application; /* the next command is an ACMD */
    bool wide, many;
    uint32_t failed; /* bits of R1, until the next one */
    uint64_t block;
    int64_t programs; /* until then */
} card = {.file = -1};

static int64_t now(void)
{
    return qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL);
}

static void start_over(void)
{
    card.state = IDLE;
    card.told = card.application = card.wide = false;
    card.begun = N6_OFF;
    card.failed = 0;
}

void n6_card_start(N6 *chip, const char *image)
{
    struct stat about;

    card.chip = chip;
    start_over();
    if (!image) {
        return;
    }
    card.file = open(image, O_RDWR | O_CLOEXEC);
    if (card.file < 0 || fstat(card.file, &about)) {
        error_report("nightjar-n6: the card's image cannot be opened: %s: %s", image, strerror(errno));
        exit(1);
    }
    if (about.st_size <= 0 || about.st_size % UNIT) {
        error_report("nightjar-n6: a card's image is a multiple of 524288 bytes; %s has %" PRId64, image, (int64_t)about.st_size);
        exit(1);
    }
    if (flock(card.file, LOCK_EX | LOCK_NB)) {
        error_report("nightjar-n6: the card's image is in use by another machine: %s", image);
        exit(1);
    }
    card.blocks = about.st_size / N6_CARD_BLOCK;
}

void n6_card_power(bool on)
{
    if (on && !card.powered) {
        card.since = now();
    }
    card.powered = on;
}

static unsigned state(void)
{
    if (card.state == PROGRAMMING && now() >= card.programs) {
        card.state = TRANSFER;
    }
    return card.state;
}

bool n6_card_wide(void)
{
    return card.wide;
}

bool n6_card_busy(void)
{
    return state() == PROGRAMMING;
}

/* R1: what went wrong since the last one, the state in which the command found it, whether it can take data. */
static CardAnswer r1(unsigned found, uint32_t *word)
{
    *word = card.failed | found << 9 | (found == TRANSFER ? 1u << 8 : 0) | (card.application ? APPLICATION : 0);
    card.failed = 0;
    return CARD_R1;
}

/* CSD version 2: 25 MHz, blocks of 512 bytes, and the size in units of 512 KiB. */
static void csd(uint32_t words[4])
{
    uint32_t size = card.blocks * N6_CARD_BLOCK / UNIT - 1;

    words[0] = 0x400E0032;
    words[1] = 0x5B590000 | size >> 16;
    words[2] = size << 16 | 0x7F80;
    words[3] = 0x0A400000;
}

static CardAnswer illegal(unsigned index, const char *why)
{
    n6_note(card.chip, "card: CMD%u was not answered: %s", index, why);
    card.failed |= ILLEGAL;
    return CARD_SILENT;
}

/* A command that begins at a block. */
static CardAnswer transfer(unsigned index, uint32_t block, unsigned found, uint32_t *word, CardData *data)
{
    bool reads = index < 24;

    if (found != TRANSFER) {
        return illegal(index, found == PROGRAMMING ? "it is still programming what was written before" : "it is not selected");
    }
    if (block >= card.blocks) {
        n6_note(card.chip, "card: CMD%u at block %u: it has %" PRIu64, index, block, card.blocks);
        card.failed |= OUT_OF_RANGE;
        return r1(found, word);
    }
    card.block = block;
    card.many = index == 18 || index == 25;
    card.state = reads ? SENDING : RECEIVING;
    *data = reads ? (card.many ? CARD_READS_MANY : CARD_READS) : (card.many ? CARD_WRITES_MANY : CARD_WRITES);
    return r1(found, word);
}

static CardAnswer application_command(unsigned index, uint32_t argument, unsigned found, uint32_t words[4])
{
    if (index == 6 && found == TRANSFER) {
        card.wide = (argument & 3) == 2;
        return r1(found, words);
    }
    if (index != 41 || found != IDLE) {
        return illegal(index, "no application command that is modelled, in this state");
    }
    if (!card.told || !(argument & HCS)) {
        n6_note(card.chip, "card: it stays busy: a card of high capacity wants CMD8 first, and HCS in ACMD41");
    } else if (argument & VOLTAGES && card.begun == N6_OFF) {
        card.begun = now();
    }
    words[0] = VOLTAGES;
    if (card.begun != N6_OFF && now() - card.begun >= INITIAL_NS) {
        words[0] |= READY | HCS;
        card.state = READY_STATE;
    }
    return CARD_R3;
}

/* What ends a transfer of many blocks, and where nothing is to be ended. */
static CardAnswer stop(unsigned found, uint32_t *word)
{
    if (found == RECEIVING) {
        card.state = PROGRAMMING;
        card.programs = now() + PROGRAM_NS;
    } else if (found == SENDING) {
        card.state = TRANSFER;
    } else {
        return illegal(12, "nothing is to be stopped");
    }
    return r1(found, word);
}

CardAnswer n6_card_command(unsigned index, uint32_t argument, uint64_t hz, uint32_t words[4], CardData *data)
{
    unsigned found = state();
    bool application = card.application, selected = argument >> 16 == RCA;

    *data = CARD_NO_DATA;
    if (card.file < 0) {
        n6_note(card.chip, "card: there is none (machine's card=FILE)");
        return CARD_SILENT;
    }
    if (now() - card.since < POWER_NS) {
        n6_note(card.chip, "card: CMD%u was not heard: it came before 1 ms and 74 clocks since the power were over", index);
        return CARD_SILENT;
    }
    if (hz > (found < STANDBY ? 400000 : 25000000)) {
        n6_note(card.chip, "card: CMD%u was not heard: its clock is %" PRIu64 " Hz, and may be %s", index, hz,
                found < STANDBY ? "400 kHz until it has an address" : "25 MHz");
        return CARD_SILENT;
    }
    card.application = false;
    if (application && index != 55) {
        return application_command(index, argument, found, words);
    }
    switch (index) {
    case 0:
        start_over();
        return CARD_SILENT;
    case 8:
        card.told = (argument >> 8 & 15) == 1;
        words[0] = argument & 0xFFF;
        return found == IDLE && card.told ? CARD_R7 : CARD_SILENT;
    case 55:
        if (found != IDLE && !selected) {
            return illegal(index, "another card's address");
        }
        card.application = true;
        return r1(found, words);
    case 2:
        if (found != READY_STATE) {
            break;
        }
        card.state = IDENT;
        words[0] = 0x004E4A4E; /* CID: "NJNJN6SD" */
        words[1] = 0x4A4E3653;
        words[2] = 0x44100000;
        words[3] = 0x01018B00;
        return CARD_R2;
    case 3:
        if (found != IDENT && found != STANDBY) {
            break;
        }
        card.state = STANDBY;
        words[0] = (uint32_t)RCA << 16 | found << 9 | 1u << 8;
        return CARD_R6;
    case 9:
        if (found != STANDBY || !selected) {
            break;
        }
        csd(words);
        return CARD_R2;
    case 7:
        if (found != STANDBY || !selected) {
            break;
        }
        card.state = TRANSFER;
        return r1(found, words);
    case 12:
        return stop(found, words);
    case 13:
        if (found < STANDBY || !selected) {
            break;
        }
        return r1(found, words);
    case 17:
    case 18:
    case 24:
    case 25:
        return transfer(index, argument, found, words, data);
    }
    return illegal(index, "no command that is modelled, in this state");
}

/* How many of the blocks there are. */
static uint32_t at_hand(uint32_t blocks)
{
    uint64_t left = MIN(card.blocks - card.block, card.many ? UINT32_MAX : 1);

    return MIN(blocks, left);
}

static G_NORETURN void lost(const char *what)
{
    error_report("nightjar-n6: the card's image cannot be %s: %s", what, strerror(errno));
    exit(1);
}

bool n6_card_read(void *data, uint32_t blocks)
{
    uint32_t there = at_hand(blocks);
    ssize_t size = (ssize_t)there * N6_CARD_BLOCK;

    if (card.state != SENDING) {
        return false;
    }
    if (pread(card.file, data, size, card.block * N6_CARD_BLOCK) != size) {
        lost("read");
    }
    card.block += there;
    card.failed |= there < blocks && card.many ? OUT_OF_RANGE : 0;
    if (!card.many) {
        card.state = TRANSFER;
    }
    return there == blocks;
}

bool n6_card_write(const void *data, uint32_t blocks)
{
    uint32_t there = at_hand(blocks);
    ssize_t size = (ssize_t)there * N6_CARD_BLOCK;

    if (card.state != RECEIVING) {
        return false;
    }
    if (pwrite(card.file, data, size, card.block * N6_CARD_BLOCK) != size) {
        lost("written");
    }
    card.block += there;
    card.failed |= there < blocks && card.many ? OUT_OF_RANGE : 0;
    if (!card.many) {
        card.state = PROGRAMMING;
        card.programs = now() + PROGRAM_NS;
    }
    return there == blocks;
}
