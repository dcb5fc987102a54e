/* What lies where on a card, little endian. `nightjar sdcard` makes it (host.listen.card writes and reads the same
 * bytes); the firmware has no file system, and finds its files through the index.
 *
 * Block 0 is an MBR, whose first partition is a FAT volume; block 1, in the gap before it, is the index. It names files of
 * the volume that are contiguous: a log, which the firmware fills, and recordings, which it reads. It also names the
 * volume, so that a card that was formatted since is left alone: `volume_crc` is the CRC-32 of its boot sector with
 * bytes 0x25 and 0x41 taken as 0 (there systems note that a volume is in use). Files keep their place while nobody
 * deletes or moves them.
 *
 * The log: a head, then blocks that are each written once, in order, and never again. A block counts when its magic, id,
 * number and CRC are right; where neither a block nor the next one does, the log ends. So a cut of the power costs the block that
 * was being written, one that is damaged later its own entries, and none another; a block of an older log has another id.
 *
 * A recording is a WAV file whose samples begin at its second block: everyone can read it, and the firmware, too. Its head
 * holds ours in a chunk that readers skip.
 * SPDX-License-Identifier: MIT
 */
#ifndef NJ_CARD_LAYOUT_H
#define NJ_CARD_LAYOUT_H

#include <stddef.h>
#include <stdint.h>

#include "nj_card.h"

#define NJ_CARD_INDEX_BLOCK 1u
#define NJ_CARD_MAGIC "NJCARD\0\1" /* the last byte is the version */
#define NJ_LOG_MAGIC "NJLOG\0\0\1"
#define NJ_RECORDING_MAGIC "NJREC\0\0\1"
#define NJ_LOG_BLOCK_MAGIC 0x424C4A4Eu /* "NJLB" */
#define NJ_MAGIC_BYTES 8u

#define NJ_CARD_FILES 30u
enum nj_card_file_kind { NJ_FILE_LOG = 1, NJ_FILE_RECORDING = 2 };

struct nj_card_file {
    uint32_t kind; /* enum nj_card_file_kind */
    uint32_t first; /* block of the card */
    uint32_t blocks; /* at least 2 */
    uint32_t zero;
};

struct nj_card_index {
    uint8_t magic[NJ_MAGIC_BYTES];
    uint32_t files;
    uint32_t volume; /* block of its boot sector */
    struct nj_card_file file[NJ_CARD_FILES];
    uint32_t volume_crc;
    uint8_t zero[8];
    uint32_t crc; /* CRC-32 of all before it */
};

struct nj_log_head {
    uint8_t magic[NJ_MAGIC_BYTES];
    uint32_t id; /* another one for every log that is made */
    uint32_t blocks; /* of the file, this one included */
    uint8_t zero[492];
    uint32_t crc;
};

#define NJ_LOG_ENTRIES 15u
enum nj_log_kind { NJ_LOG_START = 1, NJ_LOG_DETECTION = 2, NJ_LOG_END = 3, NJ_LOG_LOST = 4 };

/* What its fields mean, by kind:
 *             label            start               end             score              count
 * START       source           label words' CRC    0               rate, Hz           image's CRC
 * DETECTION   label's index    first sample        sample after    highest pooled     chunks above
 * LOST        source           samples taken       samples lost    0                  0
 * END         source           samples heard       samples lost    detections         events lost
 * Of LOST and END all since START, and not heard is lost. A log without END was cut. */
struct nj_log_entry {
    uint32_t kind; /* enum nj_log_kind */
    uint32_t label;
    uint64_t start;
    uint64_t end;
    uint32_t score;
    uint32_t count;
};

struct nj_log_block {
    uint32_t magic;
    uint32_t id; /* of the head */
    uint32_t number; /* in the file: 1 for the first after the head */
    uint32_t entries; /* 1 .. NJ_LOG_ENTRIES; those after are 0 */
    struct nj_log_entry entry[NJ_LOG_ENTRIES];
    uint8_t zero[12];
    uint32_t crc;
};

struct nj_recording_head {
    uint8_t riff[36]; /* "RIFF", size, "WAVE", "fmt ", 16: PCM, one channel, 16 bits */
    uint8_t junk[8]; /* "JUNK", 460 */
    uint8_t magic[NJ_MAGIC_BYTES];
    uint32_t rate_hz;
    uint32_t samples;
    uint8_t zero[440];
    uint32_t crc; /* CRC-32 of all before it */
    uint8_t data[8]; /* "data", 2 * samples */
};

_Static_assert(sizeof(struct nj_card_index) == NJ_CARD_BLOCK, "a block");
_Static_assert(sizeof(struct nj_log_head) == NJ_CARD_BLOCK, "a block");
_Static_assert(sizeof(struct nj_log_block) == NJ_CARD_BLOCK, "a block");
_Static_assert(sizeof(struct nj_recording_head) == NJ_CARD_BLOCK, "a block");
_Static_assert(offsetof(struct nj_recording_head, crc) == 500, "the end of the chunk that readers skip");

#endif
