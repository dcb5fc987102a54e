/* NUCLEO-N657X0-Q: the chip's step-down converter gives the core's voltage.
 * SPDX-License-Identifier: MIT
 */
#ifndef NJ_KIND_H
#define NJ_KIND_H

#define NJ_BOARD_KIND "nucleo-n657x0-q"
#define NJ_SUPPLY_EXTERNAL 0

#endif
