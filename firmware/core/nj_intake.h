/* Samples on their way from a source to the frontend: a queue that knows the place of each in the sound, and what is lost.
 * SPDX-License-Identifier: MIT
 */
#ifndef NJ_INTAKE_H
#define NJ_INTAKE_H

#include <stdbool.h>
#include <stdint.h>

struct nj_intake_counts {
    uint64_t taken; /* samples that came and were queued */
    uint64_t missing; /* samples that never came */
    uint64_t refused; /* samples that came and found no room; or came behind a second gap while the first one waits */
    uint32_t queued; /* samples that wait */
    uint32_t fullest; /* the most that have waited */
};

extern struct nj_intake_counts nj_intake_counts;

/* Begin at place 0 with an empty queue, whose ring int16 [capacity] the caller owns. */
void nj_intake_start(int16_t *ring, uint32_t capacity);

/* The place of the next sample that comes. */
uint64_t nj_intake_next(void);

/* How many samples there is room for. */
uint32_t nj_intake_room(void);

/* Whether a gap waits in the queue, so that samples behind another one would be refused. */
bool nj_intake_is_broken(void);

/* `count` samples, at any address, the first of which has this place. What lies before the next place has come already,
 * and is ignored; a place behind it leaves a gap. All are queued or none. */
void nj_intake_take(uint64_t place, const void *samples, uint32_t count);

/* `count` samples will never come, and nothing behind them. */
void nj_intake_miss(uint32_t count);

/* Samples that follow one another, to be heard next, at most `most`; how many. `anew`: the first of them does not follow
 * those before; `place` is its place. They stay until nj_intake_heard. */
uint32_t nj_intake_samples(uint32_t most, const int16_t **samples, uint64_t *place, bool *anew);

/* The first `count` of them were heard. */
void nj_intake_heard(uint32_t count);

#endif
