/* SPDX-License-Identifier: MIT */
#include "nj_spin.h"

uint64_t nj_spin(const struct nj_port *port, uint32_t loops) {
    port->cost_begin(port->context);
    for (uint32_t left = loops; left > 0; --left) {
        __asm__ volatile(""); /* else the loop is no loop */
    }
    return port->cost_end(port->context);
}
