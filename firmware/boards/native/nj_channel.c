/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "nj_channel.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <termios.h>
#include <unistd.h>

/* Bound under another name and renamed: who sees the path can connect. */
static bool listen_at(int listener, const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const int length = snprintf(address.sun_path, sizeof address.sun_path, "%s.new", path);
    if (length < 0 || (size_t)length >= sizeof address.sun_path) {
        errno = ENAMETOOLONG;
        return false;
    }
    unlink(address.sun_path);
    return bind(listener, (const struct sockaddr *)&address, sizeof address) == 0 && listen(listener, 1) == 0 &&
           rename(address.sun_path, path) == 0;
}

bool nj_channel_listen(struct nj_channel *channel, const char *path) {
    channel->connection = -1;
    channel->listener = socket(AF_UNIX, SOCK_STREAM, 0);
    return channel->listener >= 0 && listen_at(channel->listener, path);
}

bool nj_channel_pty(struct nj_channel *channel) {
    channel->listener = -1;
    channel->connection = posix_openpt(O_RDWR | O_NOCTTY);
    if (channel->connection < 0 || grantpt(channel->connection) != 0 || unlockpt(channel->connection) != 0) {
        return false;
    }
    const char *const name = ptsname(channel->connection);
    if (name == NULL) {
        return false;
    }
    /* Opened once and kept: without any opener of the other end, reads fail with EIO. */
    const int other = open(name, O_RDWR | O_NOCTTY);
    struct termios raw;
    if (other < 0 || tcgetattr(other, &raw) != 0) {
        return false;
    }
    cfmakeraw(&raw);
    if (tcsetattr(other, TCSANOW, &raw) != 0) {
        return false;
    }
    printf("%s\n", name);
    fflush(stdout);
    return true;
}

static void hang_up(struct nj_channel *channel) {
    if (channel->listener >= 0 && channel->connection >= 0) {
        close(channel->connection);
        channel->connection = -1;
    }
}

uint32_t nj_channel_read(struct nj_channel *channel, uint8_t *data, uint32_t capacity) {
    if (channel->connection < 0) {
        return 0;
    }
    struct pollfd ready = {.fd = channel->connection, .events = POLLIN};
    if (poll(&ready, 1, 0) <= 0) {
        return 0;
    }
    const ssize_t count = read(channel->connection, data, capacity);
    if (count > 0) {
        return (uint32_t)count;
    }
    if (count == 0 || (errno != EINTR && errno != EAGAIN)) {
        hang_up(channel);
    }
    return 0;
}

void nj_channel_write(struct nj_channel *channel, const uint8_t *data, uint32_t length) {
    while (length != 0 && channel->connection >= 0) {
        const ssize_t count = write(channel->connection, data, length);
        if (count >= 0) {
            data += count;
            length -= (uint32_t)count;
        } else if (errno != EINTR) {
            hang_up(channel); /* EPIPE: SIGPIPE is ignored */
            return;
        }
    }
}

bool nj_channel_wait(struct nj_channel *channel, int milliseconds) {
    struct pollfd ready = {.fd = channel->connection >= 0 ? channel->connection : channel->listener, .events = POLLIN};
    if (poll(&ready, 1, milliseconds) <= 0 || channel->connection >= 0) {
        return false;
    }
    channel->connection = accept(channel->listener, NULL, NULL);
    return channel->connection >= 0;
}
