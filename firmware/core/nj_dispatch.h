/* Requests to responses.
 *
 * Every request may be repeated: the last response is kept and sent again when the same request (id
 * and bytes) comes again, so nothing runs twice because a frame was lost. READ is read again. A copy
 * that comes late, when a newer request has been begun, is ignored: it must not undo what the newer
 * one did.
 * SPDX-License-Identifier: MIT
 */
#ifndef NJ_DISPATCH_H
#define NJ_DISPATCH_H

#include "link/nj_frame.h"
#include "nj_port.h"

/* No session: nothing loaded, nothing kept. */
void nj_dispatch_start(void);

/* Answer one frame from the host. Does not return from a reset. */
void nj_dispatch(const struct nj_port *port, const struct nj_frame *frame);

/* Whether anybody has said HELLO. */
bool nj_dispatch_greeted(void);

/* Whether the frame is a request to reset. */
bool nj_dispatch_is_reset(const struct nj_frame *frame);

/* Answer it, and reset. */
void nj_dispatch_reset(const struct nj_port *port, const struct nj_frame *frame);

#endif
