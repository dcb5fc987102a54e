/* SPDX-License-Identifier: MIT */
#include "nj_intake.h"

#include "nj_queue.h"

struct nj_intake_counts nj_intake_counts;

static struct nj_queue queue;
static uint64_t next; /* place of the next sample that comes */
static uint64_t queued; /* place behind the last one in the queue */
static uint64_t heard; /* place of the next one to be heard */
static bool begins; /* what is heard next does not follow what was heard */
static bool broken; /* there is a gap in the queue, after `whole` samples; behind it is place `behind` */
static uint32_t whole;
static uint64_t behind;

void nj_intake_start(int16_t *ring, uint32_t capacity) {
    nj_intake_counts = (struct nj_intake_counts){.taken = 0};
    queue = (struct nj_queue){.ring = ring, .capacity = capacity};
    next = queued = heard = 0;
    begins = true;
    broken = false;
}

uint64_t nj_intake_next(void) {
    return next;
}

uint32_t nj_intake_room(void) {
    return nj_queue_room(&queue);
}

bool nj_intake_is_broken(void) {
    return broken;
}

void nj_intake_take(uint64_t place, const void *samples, uint32_t count) {
    if (place < next || count == 0) {
        return;
    }
    nj_intake_counts.missing += place - next;
    next = place + count;
    const bool gap = place != queued;
    if (count > nj_queue_room(&queue) || (gap && broken)) {
        nj_intake_counts.refused += count;
        return;
    }
    if (gap) {
        broken = true;
        whole = queue.count;
        behind = place;
    }
    nj_queue_add(&queue, samples, count);
    queued = next;
    nj_intake_counts.taken += count;
    nj_intake_counts.queued = queue.count;
    if (queue.count > nj_intake_counts.fullest) {
        nj_intake_counts.fullest = queue.count;
    }
}

void nj_intake_miss(uint32_t count) {
    nj_intake_counts.missing += count;
    next += count;
}

uint32_t nj_intake_samples(uint32_t most, const int16_t **samples, uint64_t *place, bool *anew) {
    if (broken && whole == 0) {
        broken = false;
        begins = true;
        heard = behind;
    }
    *samples = queue.ring + queue.first;
    *place = heard;
    *anew = begins;
    return nj_queue_run(&queue, broken && whole < most ? whole : most);
}

void nj_intake_heard(uint32_t count) {
    nj_queue_drop(&queue, count);
    nj_intake_counts.queued = queue.count;
    heard += count;
    begins = begins && count == 0;
    whole -= broken ? count : 0;
}
