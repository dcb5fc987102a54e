/* What HELLO says about this firmware.
 * SPDX-License-Identifier: MIT
 */
#ifndef NJ_HELLO_H
#define NJ_HELLO_H

#include <stdint.h>

#include "nj_messages_types.h"
#include "nj_port.h"

void nj_hello(const struct nj_port *port, uint32_t nonce, struct hello_response *hello);

#endif
