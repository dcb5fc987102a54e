/* Requests to the application mode, where the firmware has one.
 * SPDX-License-Identifier: MIT
 */
#ifndef NJ_LISTEN_H
#define NJ_LISTEN_H

#include <stdbool.h>
#include <stdint.h>

#include "link/nj_frame.h"
#include "nj_messages_types.h"
#include "nj_port.h"
#include "nj_status.h"

enum nj_listen_action { NJ_LISTEN_START = 0, NJ_LISTEN_STOP = 1, NJ_LISTEN_COUNT = 2 };

/* Whether sound is being listened to. */
bool nj_listens(void);

/* Do what the request of this id says, and fill its response. NJ_BAD_ARGUMENT: no application mode, no such action or
 * source; NJ_NO_SOURCE: the board does not have that source, or it does not start. */
enum nj_status nj_listen(const struct nj_port *port, uint16_t id, const struct listen_request *request,
                         struct listen_response *response);

/* End at once. */
void nj_listen_forget(const struct nj_port *port);

/* A DATA frame that may be a block of sound. */
void nj_listen_block(const struct nj_port *port, const struct nj_frame *frame);

/* Do a unit of work between two looks at the link; `greeted`: somebody has said HELLO. False when there is none. */
bool nj_listen_work(const struct nj_port *port, bool greeted);

#endif
