/* Faults of the native board: signals, told as a Cortex-M would tell them as far as a host knows.
 * SPDX-License-Identifier: MIT
 */
#ifndef NJ_SIGNALS_H
#define NJ_SIGNALS_H

#include "nj_port.h"

/* Report SIGSEGV, SIGBUS, SIGILL and SIGFPE through `port`, on a stack of their own. Also sets the float environment of
 * the targets: round to nearest, denormals flushed to zero. */
void nj_signals_start(const struct nj_port *port);

/* Let signals through again, for a new start from within a handler. */
void nj_signals_unblock(void);

#endif
