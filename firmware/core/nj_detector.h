/* From the scores of overlapping chunks to detections: a pool over the last chunks, two thresholds a label, in integers
 * alone, so that the host finds the very same (host.listen.detector is written by the same words).
 *
 * A chunk's `level` for a label is its score, 0 .. 65535 for 0 .. 1, from tables. The pool is over the last `chunks` of
 * a stream, or over those there are: their largest level; the floor of their mean; or the floor of the mean of
 * power[level / 256], which grows as exp(10 score), so that its logarithm lies between both.
 *
 * A detection begins when the pool reaches the label's `threshold`, and goes on while the pool stays at `release` or above.
 * A chunk whose own level is at least `own` belongs to it: it reaches from the first of them, which may be an earlier one in
 * the pool, though none of the label's detection before, to the last. It is reported once it has ended, or has `most` of
 * them and so need not wait for the end of a long chorus; one of fewer than `least` is none.
 * SPDX-License-Identifier: MIT
 */
#ifndef NJ_DETECTOR_H
#define NJ_DETECTOR_H

#include <stdbool.h>
#include <stdint.h>

enum nj_pool { NJ_POOL_MAX = 0, NJ_POOL_AVERAGE = 1, NJ_POOL_LME = 2 };
#define NJ_MOST_POOLED 16u
#define NJ_MOST_LABELS 65535u

/* `threshold` and `release` in the pool's unit, `own` a level; release <= threshold. */
struct nj_label_rule {
    uint32_t threshold;
    uint32_t release;
    uint32_t own;
};

struct nj_detection {
    uint32_t label;
    uint32_t score; /* the largest of the pool while it went on, in the pool's unit */
    uint64_t start; /* samples of the stream */
    uint64_t end; /* the one after the last */
    uint32_t chunks;
};

/* A label's state: what it has of a detection that goes on. */
struct nj_label_state {
    struct nj_detection detection;
    uint64_t free; /* chunks that begin earlier belong to the detection before */
    uint64_t last; /* where the last chunk of this one begins */
    bool on;
};

struct nj_detector {
    enum nj_pool pool;
    uint32_t labels; /* at most NJ_MOST_LABELS: their weights sum to less than 2^32 */
    uint32_t chunks; /* 1 .. NJ_MOST_POOLED */
    uint32_t chunk_samples;
    uint32_t stride; /* samples from chunk to chunk */
    uint32_t least; /* chunks of a detection */
    uint32_t most; /* at least `least` */
    bool softmax;
    /* [256]: the level by step + 128. Where the scores of a chunk sum to 1 (softmax): a weight, by how many steps a label
     * lies below the best one, at most 2^16; the level is the floor of 65535 times its share of their sum. */
    const uint32_t *table;
    const uint32_t *power; /* [256], NJ_POOL_LME; else NULL */
    const struct nj_label_rule *label; /* [labels] */
    struct nj_label_state *state; /* [labels] */
    uint16_t *level; /* [chunks, labels], a ring */
};

/* A detection is ready. */
typedef void (*nj_detected)(const struct nj_detection *detection);

/* A stream begins. */
void nj_detector_start(const struct nj_detector *detector);

/* Chunk `number` of the stream, from 0 on, that begins at sample `start`: int8 steps [labels]. */
void nj_detector_take(const struct nj_detector *detector, const int8_t *steps, uint32_t number, uint64_t start,
                      nj_detected detected);

/* The stream has ended, and with it what goes on of one label. */
void nj_detector_end(const struct nj_detector *detector, uint32_t label, nj_detected detected);

#endif
