/* A port: everything the portable core needs from a board. One struct of callbacks; `context` is passed back.
 * SPDX-License-Identifier: MIT
 */
#ifndef NJ_PORT_H
#define NJ_PORT_H

#include <stdbool.h>
#include <stdint.h>

#include "nj_card.h"
#include "nj_microphone.h"

enum nj_reset_cause {
    NJ_RESET_POWER_ON = 0,
    NJ_RESET_REQUESTED = 1,
    NJ_RESET_FAULT = 2,
    NJ_RESET_UNKNOWN = 3,
    NJ_RESET_WATCHDOG = 4,
    NJ_RESET_BROWN_OUT = 5, /* the supply fell, and not to nothing */
    NJ_RESET_PIN = 6        /* NRST, as a button or a probe pulls it */
};

struct nj_fault {
    uint32_t cfsr;
    uint32_t hfsr;
    uint32_t bfar;
    uint32_t mmfar;
    uint32_t pc;
    uint32_t lr;
    uint32_t sp;
};

struct nj_port {
    void *context;
    const char *board; /* "virtual" */
    const char *cost_unit; /* "instructions", or "none" where cost_end returns 0 */
    /* Copy what has arrived, at most `capacity` bytes, and return how many; 0 when nothing has. Never blocks. */
    uint32_t (*read)(void *context, uint8_t *data, uint32_t capacity);
    /* Send one whole link frame. */
    void (*write)(void *context, const uint8_t *data, uint32_t length);
    /* Start counting, interrupts off; end returns what it cost since, less the cost of an empty stage. Not nested. */
    void (*cost_begin)(void *context);
    uint64_t (*cost_end)(void *context);
    /* Optional: let interrupts in while a stage that has begun is counted, and count them with it. For who listens
     * meanwhile: what arrives must not be lost. */
    void (*cost_interruptible)(void *context);
    /* Start the firmware again; does not return. */
    void (*reset)(void *context);
    enum nj_reset_cause (*reset_cause)(void *context);
    /* Largest stack use since the start, in bytes; 0 where it cannot be known. */
    uint32_t (*stack_used)(void *context);
    /* Optional: called when nothing has arrived; may sleep until something does, and may return at any time. */
    void (*idle)(void *context);
    /* Another value after every start, so that the host sees a reboot that it did not ask for. */
    uint32_t boot;
    /* The descriptor of the linker's GNU build-id note. */
    const uint8_t *build_id;
    uint32_t build_id_bytes;
    /* nj_image_add over what the ELF loads, computed once at the start: each segment where its bytes
     * lie in memory, but none that the firmware itself writes there. */
    uint32_t image;
    /* What a chip says of itself; all of it 0 where there is none. At most 16 bytes, at most 8 clocks. */
    const uint8_t *unique_id;
    uint32_t unique_id_bytes;
    const uint32_t *clocks; /* Hz, the core's first */
    uint32_t clock_count;
    uint32_t caches; /* bit 0: instructions, bit 1: data */
    /* Optional: how often received bytes were lost since the start. */
    uint32_t (*overruns)(void *context);
    /* Optional: about how long the firmware has run; asked again and again until somebody has said HELLO or it begins to
     * listen by itself, and not after that. Without it the firmware listens only when it is asked to. */
    uint32_t (*milliseconds)(void *context);
    /* What the board can listen to, and where it can write; NULL where it has none. */
    const struct nj_microphone *microphone;
    const struct nj_card *card;
};

/* The portable application: says EVENT boot, then answers requests for ever. Called by the port's main. */
void nj_application(const struct nj_port *port);

/* Called by the port's fault handler: says EVENT fault at once and in answer to every frame, obeys nothing but a reset. */
void nj_application_fault(const struct nj_port *port, const struct nj_fault *fault);

#endif
