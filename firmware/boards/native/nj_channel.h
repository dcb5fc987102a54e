/* The byte stream of the native board: a unix socket that listens, or a pty.
 * SPDX-License-Identifier: MIT
 */
#ifndef NJ_CHANNEL_H
#define NJ_CHANNEL_H

#include <stdbool.h>
#include <stdint.h>

struct nj_channel {
    int listener; /* -1: a pty, which is always there */
    int connection; /* -1: nobody is connected */
};

/* Listen on a unix stream socket, replacing a stale one of that path. False, with errno, when that fails. */
bool nj_channel_listen(struct nj_channel *channel, const char *path);

/* Open a pty in raw mode and say its path on standard output. */
bool nj_channel_pty(struct nj_channel *channel);

/* What has arrived, without waiting. */
uint32_t nj_channel_read(struct nj_channel *channel, uint8_t *data, uint32_t capacity);

/* Send everything, waiting for room; dropped when nobody is connected. */
void nj_channel_write(struct nj_channel *channel, const uint8_t *data, uint32_t length);

/* Sleep until something arrives or somebody connects, or for so many milliseconds; without an end when they are negative.
 * True when somebody new has connected. */
bool nj_channel_wait(struct nj_channel *channel, int milliseconds);

#endif
