/* Commands and states of the SD Physical Layer Simplified Specification, version 6.00: identification 4.2, transfer 4.3,
 * the card's status 4.10.1, CSD 5.3.3.
 * SPDX-License-Identifier: MIT
 */
#include "nj_sd.h"

#define GO_IDLE 0u
#define ALL_SEND_CID 2u
#define SEND_ADDRESS 3u
#define SET_BUS_WIDTH 6u /* ACMD */
#define SELECT 7u
#define SEND_INTERFACE 8u
#define SEND_CSD 9u
#define STOP 12u
#define SEND_STATUS 13u
#define READ_ONE 17u
#define READ_MANY 18u
#define WRITE_ONE 24u
#define WRITE_MANY 25u
#define SEND_CONDITION 41u /* ACMD */
#define APPLICATION 55u

#define PATTERN 0x1AAu /* 2.7 to 3.6 V, and bits to be echoed */
#define HIGH_CAPACITY (1u << 30) /* HCS asked, CCS answered */
#define VOLTAGES 0x00FF8000u
#define POWERED_UP (1u << 31)
#define FOUR_LINES 2u
#define STATUS_ERRORS 0xFDF98008u
#define OUT_OF_RANGE (1u << 31)
#define STATE(status) (((status) >> 9) & 15u)
#define TRANSFER 4u
#define READY_FOR_DATA (1u << 8)
/* A card has a second to power up, and half of one to program. ACMD41 takes more than 500 us at 400 kHz, CMD13 more than 4 us at
 * 25 MHz. */
#define CONDITION_TRIES 2000u
#define STATUS_TRIES 125000u

static bool failed(struct nj_sd *card, const char *reason) {
    card->why = reason;
    return false;
}

/* A command whose answer is R1, or has its form: the card's status tells no error. */
static bool order(struct nj_sd *card, uint32_t index, uint32_t argument) {
    if (!nj_sdmmc_command(index, argument, NJ_SDMMC_R1, &card->last)) {
        return failed(card, "no answer");
    }
    return (card->last.answer[0] & STATUS_ERRORS) == 0 || failed(card, "the card's status");
}

static bool application(struct nj_sd *card, uint32_t index, uint32_t argument, enum nj_sdmmc_answer answer) {
    return order(card, APPLICATION, card->address) &&
           (nj_sdmmc_command(index, argument, answer, &card->last) || failed(card, "no answer"));
}

static bool identify(struct nj_sd *card) {
    card->address = 0;
    (void)nj_sdmmc_command(GO_IDLE, 0, NJ_SDMMC_NONE, &card->last);
    if (!nj_sdmmc_command(SEND_INTERFACE, PATTERN, NJ_SDMMC_R1, &card->last) || (card->last.answer[0] & 0xFFFu) != PATTERN) {
        return failed(card, "no card, or one of before 2006");
    }
    for (uint32_t i = 0; i < CONDITION_TRIES; ++i) {
        if (!application(card, SEND_CONDITION, HIGH_CAPACITY | VOLTAGES, NJ_SDMMC_R3)) {
            return false;
        }
        if ((card->last.answer[0] & POWERED_UP) != 0) {
            return (card->last.answer[0] & HIGH_CAPACITY) != 0 || failed(card, "a card of standard capacity, at most 2 GB");
        }
    }
    return failed(card, "the card does not get ready");
}

/* R6 has the upper bits of the status elsewhere: 23, 22 and 19 in 15 to 13. */
static bool take_address(struct nj_sd *card) {
    if (!nj_sdmmc_command(ALL_SEND_CID, 0, NJ_SDMMC_R2, &card->last) ||
        !nj_sdmmc_command(SEND_ADDRESS, 0, NJ_SDMMC_R1, &card->last)) {
        return failed(card, "no answer");
    }
    card->address = card->last.answer[0] & 0xFFFF0000u;
    return (card->last.answer[0] & 0xE000u) == 0 || failed(card, "the card's status");
}

/* The CSD of version 2: C_SIZE in bits 69 to 48, in units of 1024 blocks. */
static bool read_size(struct nj_sd *card) {
    if (!nj_sdmmc_command(SEND_CSD, card->address, NJ_SDMMC_R2, &card->last)) {
        return failed(card, "no answer");
    }
    if (card->last.answer[0] >> 30 != 1u) {
        return failed(card, "a CSD that is not of version 2");
    }
    const uint32_t size = (card->last.answer[1] & 0x3Fu) << 16 | card->last.answer[2] >> 16;
    card->blocks = (size + 1u) * 1024u - (size == 0x3FFFFFu ? 1u : 0); /* of 2 TiB all but one block can be told */
    return true;
}

uint32_t nj_sd_start(struct nj_sd *card) {
    card->blocks = 0;
    nj_sdmmc_start();
    if (!identify(card) || !take_address(card) || !read_size(card) || !order(card, SELECT, card->address) ||
        !application(card, SET_BUS_WIDTH, FOUR_LINES, NJ_SDMMC_R1)) {
        card->blocks = 0;
        return 0;
    }
    nj_sdmmc_go_wide();
    return card->blocks;
}

/* Until the card can take the next command; `last` stays what failed before, if something did. */
static bool settle(struct nj_sd *card) {
    struct nj_sdmmc_end now;
    for (uint32_t i = 0; i < STATUS_TRIES; ++i) {
        if (!nj_sdmmc_command(SEND_STATUS, card->address, NJ_SDMMC_R1, &now)) {
            card->last = now;
            return failed(card, "no answer");
        }
        if ((now.answer[0] & STATUS_ERRORS) != 0) {
            card->last = now;
            return failed(card, "the card's status");
        }
        if (STATE(now.answer[0]) == TRANSFER && (now.answer[0] & READY_FOR_DATA) != 0) {
            return true;
        }
    }
    card->last = now;
    return failed(card, "the card does not get ready");
}

/* A transfer that failed leaves the card sending or receiving: end it, whatever it answers. What had failed stays told. */
static void recover(struct nj_sd *card) {
    const struct nj_sdmmc_end kept = card->last;
    const char *const reason = card->why;
    struct nj_sdmmc_end ignored;
    (void)nj_sdmmc_command(STOP, 0, NJ_SDMMC_R1, &ignored);
    (void)nj_sdmmc_command(SEND_STATUS, card->address, NJ_SDMMC_R1, &ignored); /* an error is told once, and is told here */
    (void)settle(card);
    card->last = kept;
    card->why = reason;
}

/* Behind many blocks. A card that gave its last one may have looked for a next: that is no error. */
static bool stop(struct nj_sd *card) {
    if (!nj_sdmmc_command(STOP, 0, NJ_SDMMC_R1, &card->last)) {
        return failed(card, "no answer");
    }
    return (card->last.answer[0] & STATUS_ERRORS & ~OUT_OF_RANGE) == 0 || failed(card, "the card's status");
}

static bool piece(struct nj_sd *card, uint32_t block, void *to, const void *from, uint32_t blocks) {
    const bool many = blocks > 1u;
    const bool moved = to != 0 ? nj_sdmmc_read(many ? READ_MANY : READ_ONE, block, to, blocks, &card->last)
                               : nj_sdmmc_write(many ? WRITE_MANY : WRITE_ONE, block, from, blocks, &card->last);
    if (!moved || (card->last.answer[0] & STATUS_ERRORS) != 0) {
        (void)failed(card, moved ? "the card's status" : "no answer, or no data");
        recover(card);
        return false;
    }
    if (many && !stop(card)) {
        recover(card);
        return false;
    }
    return settle(card);
}

static bool each_piece(struct nj_sd *card, uint32_t block, uint8_t *to, const uint8_t *from, uint32_t blocks) {
    if (card->blocks == 0 || block >= card->blocks || blocks > card->blocks - block) {
        card->last.command = 0; /* none was given */
        card->last.status = 0;
        card->last.answer[0] = 0;
        return failed(card, card->blocks == 0 ? "no card was found" : "blocks that the card has not");
    }
    while (blocks > 0) {
        const uint32_t now = blocks < NJ_SDMMC_MOST_BLOCKS ? blocks : NJ_SDMMC_MOST_BLOCKS;
        if (!piece(card, block, to, from, now)) {
            return false;
        }
        to = to != 0 ? to + now * NJ_SDMMC_BLOCK : 0;
        from = from != 0 ? from + now * NJ_SDMMC_BLOCK : 0;
        block += now;
        blocks -= now;
    }
    return true;
}

bool nj_sd_read(struct nj_sd *card, uint32_t block, void *data, uint32_t blocks) {
    return each_piece(card, block, data, 0, blocks);
}

bool nj_sd_write(struct nj_sd *card, uint32_t block, const void *data, uint32_t blocks) {
    return each_piece(card, block, 0, data, blocks);
}

static char *put(char *at, const char *end, const char *text) {
    while (*text != 0 && at < end) {
        *at++ = *text++;
    }
    return at;
}

static char *put_hex(char *at, const char *end, uint32_t value) {
    for (uint32_t shift = 32; shift > 0 && at < end; shift -= 4) {
        *at++ = "0123456789abcdef"[(value >> (shift - 4u)) & 15u];
    }
    return at;
}

void nj_sd_failure(const struct nj_sd *card, char text[NJ_SD_FAILURE_BYTES]) {
    const char *const end = text + NJ_SD_FAILURE_BYTES - 1;
    char *at = put(text, end, "CMD");
    const char number[3] = {(char)('0' + card->last.command / 10u), (char)('0' + card->last.command % 10u), 0};
    at = put(at, end, number);
    at = put(at, end, ": ");
    at = put(at, end, card->why != 0 ? card->why : "nothing");
    at = put(at, end, ", SDMMC_STA ");
    at = put_hex(at, end, card->last.status);
    at = put(at, end, ", answer ");
    at = put_hex(at, end, card->last.answer[0]);
    *at = 0;
}
