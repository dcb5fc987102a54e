/* STM32N6570-DK: the board's own converter gives the core's voltage.
 * SPDX-License-Identifier: MIT
 */
#ifndef NJ_KIND_H
#define NJ_KIND_H

#define NJ_BOARD_KIND "stm32n6570-dk"
#define NJ_SUPPLY_EXTERNAL 1
#define NJ_SUPPLY_RAISED_BY_PF4 1 /* from revision C01 on, which board.cmake looks at */

#endif
