/* A port without hardware, and the host's end of it: requests are fed in, frames that come out are kept.
 * SPDX-License-Identifier: MIT
 */
#ifndef NJ_FAKE_H
#define NJ_FAKE_H

#include <stdbool.h>
#include <stdint.h>

#include "link/nj_frame.h"
#include "nj_messages_types.h"
#include "nj_port.h"

extern const struct nj_port nj_fake_port;
extern uint32_t nj_fake_resets;
extern uint32_t nj_fake_counts; /* how often something was counted: 7 units each time */
extern uint32_t nj_fake_session; /* what requests name, HELLO too */

/* A frame that the firmware sent, with a copy of its payload. */
struct nj_fake_frame {
    struct nj_frame frame;
    uint8_t payload[NJ_PAYLOAD_BYTES];
};

/* Take the oldest frame that has come out. False when there is none. */
bool nj_fake_take(struct nj_fake_frame *taken);

/* Hand a request of nj_fake_session, or a DATA frame, to nj_dispatch as if it had arrived. */
void nj_fake_request(uint16_t id, const struct request_r *request);
void nj_fake_data(uint16_t id, uint32_t offset, uint32_t total, const uint8_t *bytes, uint32_t count);

/* Begin nj_fake_session by a HELLO whose answer is taken. */
void nj_fake_hello(uint16_t id);

/* Take the next frame, which must be the response to `id`, and decode it. */
void nj_fake_response(uint16_t id, struct response_r *response);

/* Take the next frame, which must be a CREDIT for `id`; returns the offset wanted. */
uint32_t nj_fake_credit(uint16_t id);

/* Take the next frame, which must be an error response; returns its code. */
uint32_t nj_fake_error(uint16_t id);

/* Load a place whole, in one piece of at most 1 KiB. */
void nj_fake_load(uint16_t id, uint32_t target, uint32_t index, const uint8_t *bytes, uint32_t count);

#endif
