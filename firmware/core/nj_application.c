/* The application loop: bytes in, frames answered.
 * SPDX-License-Identifier: MIT
 */
#include <stddef.h>
#include <string.h>

#include "link/nj_frame.h"
#include "nj_dispatch.h"
#include "nj_listen.h"
#include "nj_port.h"
#include "nj_send.h"

/* One Ethernet packet, or a stretch of a serial stream. */
#define READ_BYTES 1536u

static struct nj_framer framer;
static uint8_t arrived[READ_BYTES];

typedef void (*nj_answer)(const struct nj_port *port, const struct nj_frame *frame, const struct nj_fault *fault);

/* Do a unit of work between two looks at the link; false when there is none. */
typedef bool (*nj_work)(const struct nj_port *port);

/* Answer every frame that arrives, for ever, and work. */
static void serve(const struct nj_port *port, nj_answer answer, nj_work work, const struct nj_fault *fault) {
    for (;;) {
        const uint32_t count = port->read(port->context, arrived, sizeof arrived);
        for (uint32_t i = 0; i < count; ++i) {
            struct nj_frame frame;
            if (nj_framer_take(&framer, arrived[i], &frame)) {
                answer(port, &frame, fault);
            }
        }
        const bool busy = work(port);
        if (count == 0 && !busy && port->idle != NULL) {
            port->idle(port->context);
        }
    }
}

static void answer_working(const struct nj_port *port, const struct nj_frame *frame, const struct nj_fault *fault) {
    (void)fault;
    nj_dispatch(port, frame);
}

static bool listen(const struct nj_port *port) {
    return nj_listen_work(port, nj_dispatch_greeted());
}

static bool rest(const struct nj_port *port) {
    (void)port;
    return false;
}

static void answer_faulted(const struct nj_port *port, const struct nj_frame *frame, const struct nj_fault *fault) {
    if (nj_dispatch_is_reset(frame)) {
        nj_dispatch_reset(port, frame);
    } else {
        nj_send_fault(fault);
    }
}

void nj_application(const struct nj_port *port) {
    memset(&framer, 0, sizeof framer);
    nj_send_to(port);
    nj_dispatch_start();
    nj_send_boot(port);
    serve(port, answer_working, listen, NULL);
}

void nj_application_fault(const struct nj_port *port, const struct nj_fault *fault) {
    /* The fault may have struck in the middle of anything: trust no state but the port's. */
    memset(&framer, 0, sizeof framer);
    nj_send_to(port);
    nj_send_fault(fault);
    serve(port, answer_faulted, rest, fault);
}
