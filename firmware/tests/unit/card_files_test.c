/* The card's files: a log that survives a cut of the power at any byte of a write, recordings to their last sample, and
 * cards that are not ours, left alone.
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include "link/nj_crc32.h"
#include "nj_card_files.h"
#include "nj_test.h"

#define BLOCKS 40u
#define VOLUME 4u
#define LOG_AT 6u
#define LOG_BLOCKS 9u
#define RECORDING_AT 20u

static uint8_t card[BLOCKS][NJ_CARD_BLOCK];
static uint32_t left_to_write; /* bytes until the power fails; UINT32_MAX: it does not */
static uint32_t failures; /* of reads and writes to come */
static uint32_t unreadable[2]; /* blocks of the card; 0: none */
static uint32_t writes;

static uint32_t start(void *context) {
    (void)context;
    return BLOCKS;
}

static bool read_blocks(void *context, uint32_t block, void *data, uint32_t blocks) {
    (void)context;
    CHECK(block < BLOCKS && blocks == 1 && (uintptr_t)data % 32u == 0);
    if (failures != 0) {
        failures--;
        return false;
    }
    if (block == unreadable[0] || block == unreadable[1]) {
        return false;
    }
    memcpy(data, card[block], NJ_CARD_BLOCK);
    return true;
}

static bool write_blocks(void *context, uint32_t block, const void *data, uint32_t blocks) {
    (void)context;
    CHECK(block > LOG_AT && block < LOG_AT + LOG_BLOCKS && blocks == 1);
    writes++;
    if (failures != 0) {
        failures--;
        return false;
    }
    const uint32_t bytes = left_to_write < NJ_CARD_BLOCK ? left_to_write : NJ_CARD_BLOCK;
    memcpy(card[block], data, bytes);
    left_to_write -= left_to_write == UINT32_MAX ? 0 : bytes;
    return bytes == NJ_CARD_BLOCK;
}

static const struct nj_card driver = {.start = start, .read = read_blocks, .write = write_blocks};
static const struct nj_port port = {.card = &driver};
static const struct nj_port no_card = {.card = NULL};

static void seal(void *block, uint32_t at) {
    const uint32_t crc = nj_crc32(0, block, at);
    memcpy((uint8_t *)block + at, &crc, sizeof crc);
}

static void make_index(void) {
    struct nj_card_index index = {.files = 2, .volume = VOLUME};
    memcpy(index.magic, NJ_CARD_MAGIC, NJ_MAGIC_BYTES);
    index.file[0] = (struct nj_card_file){.kind = NJ_FILE_LOG, .first = LOG_AT, .blocks = LOG_BLOCKS};
    index.file[1] = (struct nj_card_file){.kind = NJ_FILE_RECORDING, .first = RECORDING_AT, .blocks = 4};
    index.volume_crc = nj_crc32(0, card[VOLUME], NJ_CARD_BLOCK);
    seal(&index, offsetof(struct nj_card_index, crc));
    memcpy(card[NJ_CARD_INDEX_BLOCK], &index, sizeof index);
}

static void make_card(uint32_t samples) {
    memset(card, 0xA5, sizeof card);
    left_to_write = UINT32_MAX;
    failures = 0;
    unreadable[0] = unreadable[1] = 0;
    memset(card[VOLUME], 0x3C, NJ_CARD_BLOCK);
    card[VOLUME][0x25] = card[VOLUME][0x41] = 0;
    make_index();
    card[VOLUME][0x41] = 1; /* in use: the same volume all the same */
    struct nj_log_head head = {.id = 77, .blocks = LOG_BLOCKS};
    memcpy(head.magic, NJ_LOG_MAGIC, NJ_MAGIC_BYTES);
    seal(&head, offsetof(struct nj_log_head, crc));
    memcpy(card[LOG_AT], &head, sizeof head);
    struct nj_recording_head recording = {.rate_hz = 24000, .samples = samples};
    memcpy(recording.magic, NJ_RECORDING_MAGIC, NJ_MAGIC_BYTES);
    seal(&recording, offsetof(struct nj_recording_head, crc));
    memcpy(card[RECORDING_AT], &recording, sizeof recording);
    for (uint32_t i = 0; i < 3u * 256u; ++i) {
        const int16_t sample = (int16_t)(7 * i);
        memcpy(&card[RECORDING_AT + 1][0] + 2 * i, &sample, sizeof sample);
    }
}

static void note(uint32_t label) {
    CHECK(nj_card_note(&(struct nj_log_entry){.kind = NJ_LOG_DETECTION, .label = label}));
}

/* Whether block `number` of the log is whole, and its first entry's label. */
static bool whole(uint32_t number, uint32_t *label) {
    struct nj_log_block block;
    memcpy(&block, card[LOG_AT + number], sizeof block);
    *label = block.entry[0].label;
    return block.magic == NJ_LOG_BLOCK_MAGIC && block.id == 77 && block.number == number &&
           block.crc == nj_crc32(0, &block, offsetof(struct nj_log_block, crc));
}

static void cut_at(uint32_t bytes) {
    uint32_t label;
    make_card(1);
    CHECK(nj_card_open(&port));
    for (uint32_t i = 1; i <= 3; ++i) {
        left_to_write = i == 3 ? bytes : UINT32_MAX;
        note(i);
        CHECK_EQUAL(nj_card_flush(&port), i < 3 || bytes == NJ_CARD_BLOCK);
    }
    left_to_write = UINT32_MAX;
    CHECK(nj_card_open(&port)); /* the power is back */
    note(4);
    CHECK(nj_card_flush(&port));
    CHECK(whole(1, &label) && label == 1);
    CHECK(whole(2, &label) && label == 2);
    CHECK(whole(3, &label) && label == (bytes == NJ_CARD_BLOCK ? 3u : 4u));
    CHECK_EQUAL(whole(4, &label), bytes == NJ_CARD_BLOCK);
}

/* Blocks 1 to 5 of the log are written, and found after a start. */
static void make_log(void) {
    make_card(1);
    CHECK(nj_card_open(&port));
    for (uint32_t i = 1; i <= 5; ++i) {
        note(i);
        CHECK(nj_card_flush(&port));
    }
}

/* A block that was damaged, or that cannot be read, costs itself: the log goes on behind all others. */
static void damaged(uint32_t number, bool readable) {
    uint32_t label;
    make_log();
    card[LOG_AT + number][40] ^= 1;
    unreadable[0] = readable ? 0 : LOG_AT + number;
    CHECK(nj_card_open(&port));
    note(6);
    CHECK(nj_card_flush(&port));
    for (uint32_t i = 1; i <= 6; ++i) {
        CHECK_EQUAL(whole(i, &label), i != number);
        CHECK(i == number || label == i);
    }
}

/* Nobody knows where the log ends: it is left alone. */
static void unread(uint32_t number) {
    make_log();
    unreadable[0] = LOG_AT + number;
    unreadable[1] = LOG_AT + number + 1u;
    const uint32_t before = writes;
    CHECK(nj_card_open(&port));
    if (nj_card_has_log()) { /* the search did not need them */
        uint32_t label;
        note(6);
        CHECK(nj_card_flush(&port) && whole(6, &label) && label == 6);
    } else {
        CHECK(!nj_card_flush(&port) && writes == before);
    }
}

static void full(void) {
    make_card(1);
    CHECK(nj_card_open(&port));
    for (uint32_t i = 1; i < LOG_BLOCKS; ++i) {
        for (uint32_t entry = 0; entry < NJ_LOG_ENTRIES; ++entry) {
            note(entry);
        }
        CHECK_EQUAL(nj_card_noted(), NJ_LOG_ENTRIES);
        CHECK(!nj_card_note(&(struct nj_log_entry){.kind = NJ_LOG_END}));
        CHECK(nj_card_flush(&port));
    }
    note(1);
    CHECK(!nj_card_flush(&port) && !nj_card_has_log());
    CHECK(nj_card_open(&port));
    note(1);
    CHECK(!nj_card_flush(&port));
}

static void failing(void) {
    uint32_t label;
    make_card(1);
    CHECK(nj_card_open(&port));
    failures = 2;
    note(5);
    CHECK(nj_card_flush(&port)); /* the third try */
    CHECK(whole(1, &label) && label == 5);
    failures = 3;
    note(6);
    CHECK(!nj_card_flush(&port) && !nj_card_has_log() && !nj_card_note(&(struct nj_log_entry){.kind = 1}));
    failures = 1;
    CHECK(!nj_card_open(&port));
}

static void recordings(uint32_t samples) {
    make_card(samples);
    CHECK(nj_card_open(&port));
    CHECK_EQUAL(nj_card_recording(&port, 1), 0);
    CHECK_EQUAL(nj_card_recording(&port, 0), samples <= 3u * 256u ? 24000 : 0);
    uint32_t got = 0;
    const int16_t *data;
    for (uint32_t count; (count = nj_card_samples(&port, &data)) != 0;) {
        for (uint32_t i = 0; i < count; ++i, ++got) {
            CHECK_EQUAL(data[i], (int16_t)(7 * got));
        }
    }
    CHECK_EQUAL(got, samples <= 3u * 256u ? samples : 0);
    CHECK_EQUAL(nj_card_recording(&port, 0), samples <= 3u * 256u ? 24000 : 0);
    failures = 1;
    CHECK_EQUAL(nj_card_samples(&port, &data), 0);
    CHECK_EQUAL(nj_card_left(), samples > 3u * 256u ? 0 : samples);
}

/* Any byte of the index changed, or a volume that was made anew: not ours. */
static void not_ours(void) {
    CHECK(!nj_card_open(&no_card));
    for (uint32_t i = 0; i < NJ_CARD_BLOCK; ++i) {
        make_card(1);
        card[NJ_CARD_INDEX_BLOCK][i] ^= 0x10;
        CHECK(!nj_card_open(&port) && !nj_card_has_log() && nj_card_recording(&port, 0) == 0);
    }
    make_card(1);
    card[VOLUME][0x43] ^= 1;
    CHECK(!nj_card_open(&port));
    make_card(1);
    card[LOG_AT][13] ^= 1;
    CHECK(nj_card_open(&port) && !nj_card_has_log());
}

int main(void) {
    for (uint32_t bytes = 0; bytes <= NJ_CARD_BLOCK; ++bytes) {
        cut_at(bytes);
    }
    for (uint32_t number = 1; number <= 4; ++number) {
        damaged(number, true);
        damaged(number, false);
        unread(number);
    }
    full();
    failing();
    const uint32_t sizes[] = {0, 1, 255, 256, 257, 768, 769};
    for (uint32_t i = 0; i < sizeof sizes / sizeof sizes[0]; ++i) {
        recordings(sizes[i]);
    }
    not_ours();
    return 0;
}
