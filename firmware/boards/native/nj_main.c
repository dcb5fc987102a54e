/* The native board: the firmware core as a process.
 * SPDX-License-Identifier: MIT
 */
#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <link.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "nj_channel.h"
#include "nj_image.h"
#include "nj_port.h"
#include "nj_send.h"
#include "nj_signals.h"
#include "nj_sources.h"

static const char usage[] =
    "Usage: nightjar.elf --socket PATH | --pty [--boot NUMBER] [--die-with-parent] [--card FILE] [--microphone FILE]\n"
    "                    [--greeted] [--uid TEXT]\n"
    "\n"
    "Nightjar's firmware as a process of this computer.\n"
    "  --socket PATH      listen on a unix stream socket at PATH; one connection at a time, the next is taken when it\n"
    "                     ends; what is loaded stays across connections\n"
    "  --pty              open a pty, raw, and print its path\n"
    "  --boot NUMBER      of this start, 1 if not given; a reset counts on\n"
    "  --die-with-parent  end when the process that started this one ends\n"
    "  --card FILE        blocks of 512 bytes as a memory card\n"
    "  --microphone FILE  samples int16 as a microphone, which records as fast as it is read\n"
    "  --uid TEXT         12 characters as the unique id of its chip, which has none otherwise\n"
    "  --greeted          wait to be told what to hear, however long that takes\n";

#define UID "NIGHTJAR_UID" /* where it is kept, over a reset too */
#define UID_BYTES 12u

static struct nj_channel channel;
static struct nj_port port;
static enum nj_reset_cause cause;
static uint32_t boot = 1; /* counted as on a board, so that equal sessions have equal frames */

/* Set by the linker: this ELF's header. Not position independent, so addresses in it are addresses. */
extern const ElfW(Ehdr) __ehdr_start;

static bool told; /* about the boot */

/* Whoever connects first after the start is told about the boot; later ones ask with HELLO. */
static void welcome(int milliseconds) {
    if (nj_channel_wait(&channel, milliseconds) && !told) {
        told = true;
        nj_send_boot(&port);
    }
}

static uint32_t port_read(void *context, uint8_t *data, uint32_t capacity) {
    if (port.milliseconds != NULL && channel.connection < 0) {
        welcome(0); /* who listens by itself is never idle */
    }
    return nj_channel_read(context, data, capacity);
}

static void port_write(void *context, const uint8_t *data, uint32_t length) {
    nj_channel_write(context, data, length);
}

static void port_cost_begin(void *context) {
    (void)context;
}

static uint64_t port_cost_end(void *context) {
    (void)context;
    return 0;
}

static enum nj_reset_cause port_reset_cause(void *context) {
    (void)context;
    return cause;
}

static uint32_t port_stack_used(void *context) {
    (void)context;
    return 0;
}

/* Start this very program anew, its connection inherited, so that nothing of the old life remains in memory. */
static void port_reset(void *context) {
    (void)context;
    char listener[16];
    char connection[16];
    char number[16];
    snprintf(listener, sizeof listener, "%d", channel.listener);
    snprintf(connection, sizeof connection, "%d", channel.connection);
    snprintf(number, sizeof number, "%u", (unsigned)boot);
    nj_signals_unblock();
    execl("/proc/self/exe", "nightjar.elf", "--inherit", listener, connection, number, (char *)NULL);
    perror("nightjar.elf: cannot start again");
    _exit(1);
}

static struct nj_port port = {
    .context = &channel,
    .board = "native",
    .cost_unit = "none",
    .read = port_read,
    .write = port_write,
    .cost_begin = port_cost_begin,
    .cost_end = port_cost_end,
    .reset = port_reset,
    .reset_cause = port_reset_cause,
    .stack_used = port_stack_used,
};

static void port_idle(void *context) {
    (void)context;
    welcome(-1);
}

static void find_build_id(void) {
    const uint8_t *const base = (const uint8_t *)&__ehdr_start;
    const ElfW(Phdr) *const header = (const void *)(base + __ehdr_start.e_phoff);
    for (int i = 0; i < __ehdr_start.e_phnum; ++i) {
        if (header[i].p_type != PT_NOTE) {
            continue;
        }
        const uint8_t *at = (const uint8_t *)header[i].p_vaddr;
        const uint8_t *const end = at + header[i].p_memsz;
        while (at < end) {
            const ElfW(Nhdr) *const note = (const void *)at;
            const uint8_t *const name = at + sizeof *note;
            const uint8_t *const content = name + ((note->n_namesz + 3u) & ~3u);
            if (note->n_type == NT_GNU_BUILD_ID && note->n_namesz == 4 && memcmp(name, "GNU", 4) == 0) {
                port.build_id = content;
                port.build_id_bytes = note->n_descsz;
            }
            at = content + ((note->n_descsz + 3u) & ~3u);
        }
    }
}

/* The segments that nobody writes; program headers are in the order of their addresses. */
static void read_image(void) {
    const uint8_t *const base = (const uint8_t *)&__ehdr_start;
    const ElfW(Phdr) *const header = (const void *)(base + __ehdr_start.e_phoff);
    for (int i = 0; i < __ehdr_start.e_phnum; ++i) {
        if (header[i].p_type == PT_LOAD && (header[i].p_flags & PF_W) == 0) {
            const uint32_t length = (uint32_t)header[i].p_filesz;
            const void *const bytes = (const void *)header[i].p_vaddr;
            port.image = nj_image_add(port.image, (uint32_t)header[i].p_paddr, bytes, length);
        }
    }
}

int main(int count, char **words) {
    bool ready = false;
    if (count == 5 && strcmp(words[1], "--inherit") == 0) {
        channel.listener = atoi(words[2]);
        channel.connection = atoi(words[3]);
        boot = (uint32_t)strtoul(words[4], NULL, 10) + 1u;
        cause = NJ_RESET_REQUESTED;
        ready = true;
    } else {
        for (int i = 1; i < count; ++i) {
            if (strcmp(words[i], "--socket") == 0 && i + 1 < count) {
                ready = nj_channel_listen(&channel, words[++i]);
            } else if (strcmp(words[i], "--pty") == 0) {
                ready = nj_channel_pty(&channel);
            } else if (strcmp(words[i], "--boot") == 0 && i + 1 < count) {
                boot = (uint32_t)strtoul(words[++i], NULL, 10);
                continue;
            } else if (strcmp(words[i], "--card") == 0 && i + 1 < count) {
                setenv(NJ_CARD_PATH, words[++i], 1);
                continue;
            } else if (strcmp(words[i], "--microphone") == 0 && i + 1 < count) {
                setenv(NJ_MICROPHONE_PATH, words[++i], 1);
                continue;
            } else if (strcmp(words[i], "--uid") == 0 && i + 1 < count && strlen(words[i + 1]) == UID_BYTES) {
                setenv(UID, words[++i], 1);
                continue;
            } else if (strcmp(words[i], "--greeted") == 0) {
                setenv(NJ_GREETED, "1", 1);
                continue;
            } else if (strcmp(words[i], "--die-with-parent") == 0) {
                prctl(PR_SET_PDEATHSIG, SIGKILL); /* survives a reset's exec */
                continue;
            } else {
                const bool asked = strcmp(words[i], "--help") == 0;
                fputs(usage, asked ? stdout : stderr);
                return asked ? 0 : 2;
            }
            if (!ready) {
                fprintf(stderr, "nightjar.elf: cannot open the channel: %s\n", strerror(errno));
                return 1;
            }
        }
        if (!ready) {
            fputs(usage, stderr);
            return 2;
        }
    }
    port.boot = boot;
    const char *const uid = getenv(UID);
    if (uid != NULL && strlen(uid) == UID_BYTES) {
        port.unique_id = (const uint8_t *)uid;
        port.unique_id_bytes = UID_BYTES;
    }
    port.idle = port_idle;
    nj_sources_start(&port);
    find_build_id();
    read_image();
    nj_signals_start(&port);
    nj_application(&port);
}
