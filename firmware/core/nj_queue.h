/* Samples that wait, in a ring that the caller owns.
 * SPDX-License-Identifier: MIT
 */
#ifndef NJ_QUEUE_H
#define NJ_QUEUE_H

#include <stdint.h>
#include <string.h>

struct nj_queue {
    int16_t *ring;
    uint32_t capacity;
    uint32_t first; /* place of the oldest */
    uint32_t count;
};

static inline uint32_t nj_queue_room(const struct nj_queue *queue) {
    return queue->capacity - queue->count;
}

/* Add samples, which may begin at any address; there must be room for them. */
static inline void nj_queue_add(struct nj_queue *queue, const void *samples, uint32_t count) {
    const uint32_t at = (queue->first + queue->count) % queue->capacity;
    const uint32_t whole = queue->capacity - at < count ? queue->capacity - at : count;
    memcpy(queue->ring + at, samples, 2u * whole);
    memcpy(queue->ring, (const uint8_t *)samples + 2u * whole, 2u * (count - whole));
    queue->count += count;
}

/* How many of the oldest, at most `most`, lie one behind the other from ring[first] on. */
static inline uint32_t nj_queue_run(const struct nj_queue *queue, uint32_t most) {
    const uint32_t straight = queue->capacity - queue->first;
    const uint32_t there = queue->count < straight ? queue->count : straight;
    return there < most ? there : most;
}

static inline void nj_queue_drop(struct nj_queue *queue, uint32_t count) {
    queue->first = (queue->first + count) % queue->capacity;
    queue->count -= count;
}

#endif
