/* Sending frames through the port, counted by sequence.
 * SPDX-License-Identifier: MIT
 */
#ifndef NJ_SEND_H
#define NJ_SEND_H

#include <stdint.h>

#include "link/nj_frame.h"
#include "nj_detector.h"
#include "nj_port.h"

/* Which port frames go to from now on. */
void nj_send_to(const struct nj_port *port);

/* Send one frame; `length` is at most NJ_PAYLOAD_BYTES. */
void nj_send(enum nj_frame_type type, uint16_t request, const uint8_t *payload, uint32_t length);

/* EVENT boot and EVENT fault. */
void nj_send_boot(const struct nj_port *port);
void nj_send_fault(const struct nj_fault *fault);

/* EVENT detection: the `number`th that is sent since the firmware listens, from 0 on. */
void nj_send_detection(uint32_t number, const struct nj_detection *detection);

#endif
