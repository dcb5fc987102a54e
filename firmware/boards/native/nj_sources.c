/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "nj_sources.h"

#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static int card_file = -1;
static int sound_file = -1;
static struct timespec began;

/* The card: a file of blocks. */

static uint32_t card_start(void *context) {
    (void)context;
    struct stat state;
    if (card_file < 0) {
        card_file = open(getenv(NJ_CARD_PATH), O_RDWR | O_CLOEXEC);
    }
    return card_file < 0 || fstat(card_file, &state) != 0 ? 0 : (uint32_t)(state.st_size / NJ_CARD_BLOCK);
}

static bool card_read(void *context, uint32_t block, void *data, uint32_t blocks) {
    (void)context;
    const size_t bytes = (size_t)blocks * NJ_CARD_BLOCK;
    return pread(card_file, data, bytes, (off_t)block * NJ_CARD_BLOCK) == (ssize_t)bytes;
}

static bool card_write(void *context, uint32_t block, const void *data, uint32_t blocks) {
    (void)context;
    const size_t bytes = (size_t)blocks * NJ_CARD_BLOCK;
    return pwrite(card_file, data, bytes, (off_t)block * NJ_CARD_BLOCK) == (ssize_t)bytes;
}

static const struct nj_card card = {.start = card_start, .read = card_read, .write = card_write};

/* The microphone: samples int16 of a file, whatever the rate, as fast as they are read; silent behind its end. */

static bool sound_start(void *context, uint32_t rate_hz) {
    (void)context;
    (void)rate_hz;
    sound_file = open(getenv(NJ_MICROPHONE_PATH), O_RDONLY | O_CLOEXEC);
    return sound_file >= 0;
}

static uint32_t sound_read(void *context, int16_t *samples, uint32_t capacity) {
    (void)context;
    const ssize_t bytes = read(sound_file, samples, capacity * sizeof *samples);
    return bytes < 0 ? 0 : (uint32_t)bytes / 2u;
}

static uint32_t sound_dropped(void *context) {
    (void)context;
    return 0;
}

static void sound_stop(void *context) {
    (void)context;
    close(sound_file);
}

static const struct nj_microphone microphone = {
    .start = sound_start,
    .read = sound_read,
    .dropped = sound_dropped,
    .stop = sound_stop,
};

static uint32_t milliseconds(void *context) {
    (void)context;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint32_t)((now.tv_sec - began.tv_sec) * 1000 + (now.tv_nsec - began.tv_nsec) / 1000000);
}

bool nj_sources_start(struct nj_port *port) {
    clock_gettime(CLOCK_MONOTONIC, &began);
    port->card = getenv(NJ_CARD_PATH) == NULL ? NULL : &card;
    port->microphone = getenv(NJ_MICROPHONE_PATH) == NULL ? NULL : &microphone;
    if (port->card == NULL && port->microphone == NULL) {
        return false;
    }
    port->milliseconds = getenv(NJ_GREETED) == NULL ? milliseconds : NULL;
    return true;
}
