/* The application: the firmware listens. Sound comes from the microphone, from a recording on the card, or over the link
 * (injected, so that everything behind it can be judged on every tier); it goes through the streaming frontend, the model
 * and the detector; a detection is sent as an EVENT, and logged on the card where there is one.
 *
 * Work is done in small units between which the link is served and the source is read: a piece of samples, the features
 * of a chunk, one step of the model. So nothing waits for the model but the model. Samples wait in a queue of a stride: one
 * that keeps up with its sound never needs more.
 *
 * What is lost is counted, in samples: those of a block that never came, and those that found no room. No sound is made
 * up for them: what was queued is heard to its end, and a new stream begins behind the gap.
 *
 * Only firmware built with `--application` has this: the generated stage names it, and nothing else does.
 * SPDX-License-Identifier: MIT
 */
#ifndef NJ_LISTENING_H
#define NJ_LISTENING_H

#include <stdbool.h>
#include <stdint.h>

#include "nj_detector.h"
#include "nj_port.h"
#include "nj_status.h"

/* A board that nobody greets for so long after its start listens to what it has: a bench says HELLO within a fraction of
 * a second and asks again for as long as it waits, and no sound worth hearing is missed in three. */
#define NJ_ALONE_MS 3000u

#define NJ_BLOCK_SAMPLES 512u /* of one block that is injected, at most */

enum nj_source { NJ_SOURCE_LINK = 0, NJ_SOURCE_MICROPHONE = 1, NJ_SOURCE_CARD = 2, NJ_SOURCE_NONE = 3 };

struct nj_listening_counts {
    uint32_t source; /* enum nj_source, of now */
    uint32_t queued; /* samples that wait */
    uint32_t fullest; /* the most that have waited */
    uint64_t taken; /* samples that came */
    uint64_t missing; /* samples of blocks that never came; of the microphone, what its driver lost */
    uint64_t refused; /* samples that came and found no room */
    uint32_t chunks;
    uint32_t detections;
    uint32_t unsent; /* detections without an event: too many came at once, or a HELLO ended it all */
    uint32_t logged; /* blocks of the log */
    uint32_t unlogged; /* entries lost, as the log was full or the card failed; 0 without a log */
    /* In the port's unit: a chunk with the samples that it adds to the one before, at most; a single unit of work, at
     * most; and all. The first chunk of a stream counts in `all` alone: it has more samples, and more time. */
    uint64_t worst_chunk;
    uint64_t worst_unit;
    uint64_t all;
};

struct nj_listening {
    /* Begin to listen, all counts at 0. `request`: of the LISTEN, for CREDIT. `index`: of the recording on the card.
     * NJ_BAD_ARGUMENT: no source has this number; NJ_NO_SOURCE: the board has none such, or it does not start. Nothing
     * runs then. */
    enum nj_status (*start)(const struct nj_port *port, uint32_t source, uint32_t index, uint16_t request);
    /* Hear what has come to its end, and end. */
    void (*stop)(const struct nj_port *port);
    /* End at once; what waits is not heard, nor sent, but counted and logged. */
    void (*forget)(const struct nj_port *port);
    /* A block of samples over the link: the payload of a DATA frame, whose offset is the place of its first sample,
     * modulo 2^32. False: not a block for this. */
    bool (*block)(const struct nj_port *port, uint16_t request, const uint8_t *payload, uint32_t length);
    /* Do one unit of work; false when there was nothing to do. Starts by itself what NJ_ALONE_MS says. */
    bool (*work)(const struct nj_port *port, bool greeted);
    const struct nj_listening_counts *(*counts)(void);
};

/* What is generated for the application. */
struct nj_listening_stage {
    const struct nj_listening *run; /* &nj_listening */
    const struct nj_detector *detector;
    uint32_t rate_hz;
    uint32_t labels_crc; /* CRC-32 of labels.txt, for the log */
    int16_t *queue; /* [queue_samples] */
    uint32_t queue_samples; /* a stride and a block */
};

extern const struct nj_listening nj_listening;

#endif
