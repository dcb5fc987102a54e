/* A microphone: mono samples at a rate that the application asks for. Every call is given the port's context.
 * SPDX-License-Identifier: MIT
 */
#ifndef NJ_MICROPHONE_H
#define NJ_MICROPHONE_H

#include <stdbool.h>
#include <stdint.h>

/* How long the hardware records by itself, at least, before samples are lost: the application reads between its units of
 * work, of which the longest is a write to a memory card that takes all the time that the specification allows. Interrupts
 * are let in meanwhile. */
#define NJ_MICROPHONE_HOLDS_MS 500u

struct nj_microphone {
    /* Begin to record; false: this rate cannot be made, or the hardware does not answer, and nothing runs. */
    bool (*start)(void *context, uint32_t rate_hz);
    /* Copy what was recorded since, oldest first, at most `capacity` samples, and return how many. Never blocks. */
    uint32_t (*read)(void *context, int16_t *samples, uint32_t capacity);
    /* Samples that were recorded and lost since `start`: nobody read them in time, or the hardware overran. When it
     * has risen after a read, the gap lies somewhere before the samples of the next read. */
    uint32_t (*dropped)(void *context);
    void (*stop)(void *context);
};

#endif
