/* SPDX-License-Identifier: MIT */
#include "nj_card_files.h"

#include <stddef.h>
#include <string.h>

#include "link/nj_crc32.h"

#define CRC_BYTES ((uint32_t)sizeof(uint32_t))
#define LOG_TRIES 3u /* for a block: until it is whole, it may be written again */
#define SAMPLES_A_BLOCK (NJ_CARD_BLOCK / 2u)

static struct nj_card_index catalogue;
static struct nj_card_file log_file; /* blocks 0: none */
static uint32_t log_id;
static uint32_t log_next; /* number of the next block */
static struct nj_log_block draft; /* what waits */

/* One block of whatever kind, where hardware may write it. */
static _Alignas(32) union {
    uint8_t bytes[NJ_CARD_BLOCK];
    struct nj_card_index index;
    struct nj_log_head head;
    struct nj_log_block log;
    struct nj_recording_head recording;
    int16_t samples[SAMPLES_A_BLOCK];
} block;

static struct {
    uint32_t next; /* block of the card */
    uint32_t left; /* samples */
} recording;

static bool get(const struct nj_port *port, uint32_t number) {
    return port->card->read(port->context, number, block.bytes, 1);
}

static bool sealed(uint32_t crc_at) {
    uint32_t crc;
    memcpy(&crc, block.bytes + crc_at, sizeof crc);
    return crc == nj_crc32(0, block.bytes, crc_at);
}

static bool begins(const char *magic, uint32_t at) {
    return memcmp(block.bytes + at, magic, NJ_MAGIC_BYTES) == 0;
}

static bool read_index(const struct nj_port *port, uint32_t blocks) {
    if (!get(port, NJ_CARD_INDEX_BLOCK) || !begins(NJ_CARD_MAGIC, 0) || !sealed(NJ_CARD_BLOCK - CRC_BYTES) ||
        block.index.files > NJ_CARD_FILES) {
        return false;
    }
    catalogue = block.index;
    for (uint32_t i = 0; i < catalogue.files; ++i) {
        const struct nj_card_file *const file = &catalogue.file[i];
        if (file->blocks < 2 || file->first > blocks || file->blocks > blocks - file->first) {
            return false;
        }
    }
    if (!get(port, catalogue.volume)) {
        return false;
    }
    block.bytes[0x25] = 0;
    block.bytes[0x41] = 0;
    return nj_crc32(0, block.bytes, NJ_CARD_BLOCK) == catalogue.volume_crc;
}

/* The index's file number `index` of a kind; NULL when there is none. */
static const struct nj_card_file *find(uint32_t kind, uint32_t index) {
    for (uint32_t i = 0; i < catalogue.files; ++i) {
        if (catalogue.file[i].kind == kind && index-- == 0) {
            return &catalogue.file[i];
        }
    }
    return NULL;
}

enum found { UNREAD, OTHER, WHOLE };

static enum found look(const struct nj_port *port, uint32_t number) {
    if (number >= log_file.blocks) {
        return OTHER;
    }
    if (!get(port, log_file.first + number)) {
        return UNREAD;
    }
    const bool whole = block.log.magic == NJ_LOG_BLOCK_MAGIC && block.log.id == log_id && block.log.number == number &&
                       sealed(NJ_CARD_BLOCK - CRC_BYTES);
    return whole ? WHOLE : OTHER;
}

/* Blocks are written in order: this one is there if it is whole, or damaged since and the next one is whole. Where neither can
 * be read nobody knows where the log ends, and nothing may be written over it. */
static bool was_written(const struct nj_port *port, uint32_t number) {
    const enum found this = look(port, number);
    const enum found next = this == WHOLE ? WHOLE : look(port, number + 1u);
    if (this == UNREAD && next == UNREAD) {
        log_file.blocks = 0;
    }
    return next == WHOLE;
}

/* By halves, the first block that is not there. */
static void find_end(const struct nj_port *port) {
    uint32_t there = 0; /* the last block known to be there: the head */
    uint32_t free = log_file.blocks;
    while (free - there > 1u) {
        const uint32_t middle = there + (free - there) / 2u;
        if (was_written(port, middle)) {
            there = middle;
        } else {
            free = middle;
        }
    }
    log_next = free;
}

static void find_log(const struct nj_port *port) {
    const struct nj_card_file *const found = find(NJ_FILE_LOG, 0);
    if (found == NULL || !get(port, found->first) || !begins(NJ_LOG_MAGIC, 0) ||
        !sealed(NJ_CARD_BLOCK - CRC_BYTES) || block.head.blocks != found->blocks) {
        return;
    }
    log_file = *found;
    log_id = block.head.id;
    find_end(port);
}

bool nj_card_open(const struct nj_port *port) {
    memset(&catalogue, 0, sizeof catalogue);
    memset(&draft, 0, sizeof draft);
    log_file.blocks = 0;
    recording.left = 0;
    if (port->card == NULL) {
        return false;
    }
    const uint32_t blocks = port->card->start(port->context);
    if (blocks <= NJ_CARD_INDEX_BLOCK || !read_index(port, blocks)) {
        memset(&catalogue, 0, sizeof catalogue);
        return false;
    }
    find_log(port);
    return true;
}

bool nj_card_has_log(void) {
    return log_file.blocks != 0;
}

bool nj_card_note(const struct nj_log_entry *entry) {
    if (!nj_card_has_log() || draft.entries == NJ_LOG_ENTRIES) {
        return false;
    }
    draft.entry[draft.entries++] = *entry;
    return true;
}

uint32_t nj_card_noted(void) {
    return draft.entries;
}

bool nj_card_flush(const struct nj_port *port) {
    bool written = false;
    if (nj_card_has_log() && draft.entries != 0 && log_next < log_file.blocks) {
        block.log = draft;
        block.log.magic = NJ_LOG_BLOCK_MAGIC;
        block.log.id = log_id;
        block.log.number = log_next;
        block.log.crc = nj_crc32(0, block.bytes, NJ_CARD_BLOCK - CRC_BYTES);
        for (uint32_t tries = 0; tries < LOG_TRIES && !written; ++tries) {
            written = port->card->write(port->context, log_file.first + log_next, block.bytes, 1);
        }
        log_next++;
    }
    if (!written) {
        log_file.blocks = 0; /* a gap would end the log for its readers: nothing may follow it */
    }
    memset(&draft, 0, sizeof draft);
    return written;
}

uint32_t nj_card_recording(const struct nj_port *port, uint32_t index) {
    const struct nj_card_file *const found = find(NJ_FILE_RECORDING, index);
    recording.left = 0;
    if (found == NULL || !get(port, found->first) ||
        !begins(NJ_RECORDING_MAGIC, offsetof(struct nj_recording_head, magic)) ||
        !sealed(offsetof(struct nj_recording_head, crc)) ||
        block.recording.samples > (uint64_t)SAMPLES_A_BLOCK * (found->blocks - 1u)) {
        return 0;
    }
    recording.next = found->first + 1u;
    recording.left = block.recording.samples;
    return block.recording.rate_hz;
}

uint32_t nj_card_left(void) {
    return recording.left;
}

uint32_t nj_card_samples(const struct nj_port *port, const int16_t **samples) {
    const uint32_t count = recording.left < SAMPLES_A_BLOCK ? recording.left : SAMPLES_A_BLOCK;
    if (count == 0 || !get(port, recording.next)) {
        return 0;
    }
    recording.next++;
    recording.left -= count;
    *samples = block.samples;
    return count;
}
