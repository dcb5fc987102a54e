/* A loop of known length: what it costs by the board's counter, the host times by its own clock.
 * SPDX-License-Identifier: MIT
 */
#ifndef NJ_SPIN_H
#define NJ_SPIN_H

#include <stdint.h>

#include "nj_port.h"

#define NJ_MOST_SPINS (1u << 26) /* below a second at 600 MHz; a counter of 32 bits does not wrap */

/* Count `loops` rounds, at most NJ_MOST_SPINS. Returns what they cost, in the port's unit. */
uint64_t nj_spin(const struct nj_port *port, uint32_t loops);

#endif
